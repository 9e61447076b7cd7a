"""What the palette offers: the verbs of what is selected, places, then every verb of every queue and schedule that is
known.
"""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from qconsole.errors import UsageError
from qconsole.tui.action import Action
from qconsole.tui.location import LISTED, MODES, Location, parse_location
from qconsole.tui.palette import Entry
from qconsole.tui.subject import Subject
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


def entries(console: "ConsoleApp") -> list[Entry]:
    """Return everything that can be done from here, the nearest first."""
    return [*_selected(console), *_places(console), *_screen(console), *_queues(console), *_everywhere(console)]


def _selected(console: "ConsoleApp") -> list[Entry]:
    subject = console.view.subject()
    if subject is None:
        return []
    row = subject.row
    return [
        Entry(f"{action.label.lower()} {subject}", action.detail, action.key or "", _run(console, action, subject))
        for action in ALL.get(console.view.noun, ())
        if action.needs_subject and (subject.many or action.fits(row))
    ]


def _run(console: "ConsoleApp", action: Action, subject: Subject | None) -> Callable[[], None]:
    return lambda: console.perform(action, subject)


def _places(console: "ConsoleApp") -> list[Entry]:
    found = [
        Entry(f"go to {title.lower()}", "", key, partial(console.go_to, Location(kind)))
        for key, kind, title, _ in MODES
    ]
    found += [Entry(f"go to {_LISTED[kind]}", "", "", partial(console.go_to, Location(kind))) for kind in LISTED]
    for state in ("failed", "waiting", "delayed", "active", "completed"):
        found.append(
            Entry(f"go to jobs state:{state}", "", "", partial(console.go_to, Location("jobs", None, f"state:{state}")))
        )
    return found


_LISTED = {"dlq": "dead letters one by one", "events": "events", "trash": "trash", "doctor": "doctor"}


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
            found.append(
                Entry(f"{action.label.lower()} queue {queue}", action.detail, "", _run(console, action, subject))
            )
    return found


def _everywhere(console: "ConsoleApp") -> list[Entry]:
    from qconsole.tui.chores import chores

    found = [
        Entry(action.label.lower(), action.detail, "", _run(console, action, Subject(action.noun)))
        for actions in ALL.values()
        for action in actions
        if not action.needs_subject
    ]
    return [*found, *(Entry(c.name, c.detail, "", partial(c.begin, console)) for c in chores())]


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
        Entry(f"{action.label.lower()} {subject}", action.detail, "", _run(console, action, subject))
        for action in ALL[kind]
        if action.verb == verb
    ]
