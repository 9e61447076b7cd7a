"""What the palette offers: the verbs of what is selected, places, the verbs of every queue that is known, and with the
reason those of the command line that do not apply here.
"""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from qconsole.errors import UsageError
from qconsole.tui.action import Action
from qconsole.tui.location import LISTED, MODES, Location, parse_location
from qconsole.tui.palette import Entry
from qconsole.tui.subject import SINGULAR, Subject
from qconsole.tui.verbs import ALL

if TYPE_CHECKING:
    from qconsole.tui.app import ConsoleApp

_OBJECTS = {
    "job": "jobs",
    "queue": "queues",
    "schedule": "schedules",
    "flow": "flows",
    "worker": "workers",
    "operation": "operations",
    "group": "groups",
    "dead-letter": "dlq",
}
_TARGETS = {noun: word for word, noun in _OBJECTS.items()}


def entries(console: "ConsoleApp") -> list[Entry]:
    """Return everything that can be done from here, the nearest first."""
    return [
        *_selected(console),
        *_places(console),
        *_screen(console),
        *_queues(console),
        *_everywhere(console),
        *_not_here(console),
    ]


def _selected(console: "ConsoleApp") -> list[Entry]:
    subject = console.view.subject()
    if subject is None:
        return []
    found = []
    for action in ALL.get(console.view.noun, ()):
        if not action.needs_subject:
            continue
        name, reason = f"{action.label.lower()} {subject}", _obstacle(action, subject)
        run = None if reason else _run(console, action, subject)
        found.append(Entry(name, reason or action.detail, action.key or "", run, _command(action)))
    return found


def _obstacle(action: Action, subject: Subject) -> str:
    """Return why a verb does not apply to what is selected; "" when it does."""
    if subject.many:
        return "" if action.bulk else "one at a time: Esc takes the marks away"
    return "" if action.fits(subject.row) else action.fits.only


def _command(action: Action) -> str:
    return f"{'dlq' if action.noun == 'groups' else action.noun} {action.verb}"


def _run(console: "ConsoleApp", action: Action, subject: Subject | None) -> Callable[[], None]:
    return lambda: console.perform(action, subject)


def _places(console: "ConsoleApp") -> list[Entry]:
    named = [(mode.kind, mode.title.lower(), mode.key) for mode in MODES]
    named += [(kind, _LISTED[kind], "") for kind in LISTED]
    found = [
        Entry(f"go to {name}", "", key, partial(console.go_to, Location(kind)), _PLACE_COMMANDS.get(kind, ""))
        for kind, name, key in named
    ]
    for state in ("failed", "waiting", "delayed", "active", "completed"):
        found.append(
            Entry(f"go to jobs state:{state}", "", "", partial(console.go_to, Location("jobs", None, f"state:{state}")))
        )
    return found


_LISTED = {"dlq": "dead letters one by one", "events": "events", "trash": "trash", "doctor": "doctor"}
_PLACE_COMMANDS = {
    "overview": "watch",
    "queues": "queues list",
    "jobs": "jobs list",
    "groups": "dlq groups",
    "dlq": "dlq list",
    "schedules": "schedules list",
    "flows": "flows list",
    "workers": "workers list",
    "metrics": "metrics show sla",
    "operations": "operations list",
    "audit": "audit list",
    "events": "events tail",
    "trash": "trash list",
    "settings": "config show path",
    "doctor": "doctor",
}


def _screen(console: "ConsoleApp") -> list[Entry]:
    return [
        Entry("filter", "narrow the list, or search in the text", "/", console.action_filter),
        Entry("keys", "every key of this screen", "?", console.action_help),
        Entry("command", "the command line of this screen and its verbs", "c", console.action_command),
        Entry("theme", "light or dark", "t", console.action_theme),
        Entry("hold still", "stop or start the live refresh", "P", console.action_pause_live),
        Entry("undo", "undo the last change made from here", "u", console.action_undo),
        Entry("copy web address", "of this screen", "o", console.action_web),
        Entry("quit", "leave the console", "q", console.leave),
    ]


def _queues(console: "ConsoleApp") -> list[Entry]:
    found: list[Entry] = []
    for queue in console.known.get("queue", ()):
        found.append(Entry(f"go to queue {queue}", "", "", partial(console.go_to, Location("queue", queue))))
        for action in ALL["queues"]:
            subject = Subject("queues", (queue,), queue=queue)
            name = f"{action.label.lower()} queue {queue}"
            found.append(Entry(name, action.detail, "", _run(console, action, subject), _command(action)))
    return found


def _everywhere(console: "ConsoleApp") -> list[Entry]:
    from qconsole.tui.chores import chores

    found = [
        Entry(action.label.lower(), action.detail, "", _run(console, action, Subject(action.noun)), _command(action))
        for actions in ALL.values()
        for action in actions
        if not action.needs_subject
    ]
    return [*found, *(Entry(c.name, c.detail, "", partial(c.begin, console), c.command) for c in chores())]


def _not_here(console: "ConsoleApp") -> list[Entry]:
    """Return the verbs that need a row which is not selected, and how to get at it."""
    keys = {mode.kind: mode.key for mode in MODES}
    selected = console.view.noun if console.view.subject() is not None else ""
    found = []
    for noun, actions in ALL.items():
        place = _TARGETS.get(noun, noun)
        how = f"select one first: {keys[noun]}" if noun in keys else "select one first"
        typed = f", or type {{}} {place} ID" if noun in _TARGETS else ""
        if noun != selected and not (noun == "queues" and console.known.get("queue")):
            found += [
                Entry(f"{a.label.lower()} {SINGULAR[noun]}", how + typed.format(a.verb), "", None, _command(a))
                for a in actions
                if a.needs_subject
            ]
        if noun in _TARGETS and noun != "groups":
            found.append(
                Entry(f"show {SINGULAR[noun]}", f"Enter on its row, or type {place} ID", "", None, f"{noun} show")
            )
    return [
        *found,
        Entry("why a job does not run", "a job's screen begins with it: Enter on its row", "", None, "jobs why"),
        Entry("log of job", "L on its row; F on its screen follows it", "", None, "jobs logs"),
    ]


def literal_entries(console: "ConsoleApp", text: str) -> list[Entry]:
    """Return what a typed text says by itself: a place, or a verb with an object that no list holds."""
    if " " not in text:
        return []
    try:
        location = parse_location(text)
    except UsageError:
        return _literal_verb(console, text)
    return [Entry(f"go to {location}", "", "", partial(console.go_to, location))]


def _literal_verb(console: "ConsoleApp", text: str) -> list[Entry]:
    verb, _, rest = text.partition(" ")
    noun, _, target = rest.strip().partition(" ")
    kind = _OBJECTS.get(noun)
    if kind is None or not target:
        return []
    subject = Subject(kind, (target.strip(),))
    return [
        Entry(f"{action.label.lower()} {subject}", action.detail, "", _run(console, action, subject), _command(action))
        for action in ALL[kind]
        if action.verb == verb
    ]
