"""`check` from the palette: the queues compared with limits, as a monitor would."""

from typing import TYPE_CHECKING, Any

from qconsole.tui.cells import plain
from qconsole.tui.chore import Chore
from qconsole.tui.document import DocLine
from qconsole.tui.form import Answers, Ask
from qconsole.tui.skin import badge
from qconsole.tui.text_dialog import TextDialog

if TYPE_CHECKING:
    from qconsole.tui.app import ConsoleApp

_LIMITS = (
    Ask("max_failed", "Failed in 1 h", hint="at most; 100, or email=20 billing=5"),
    Ask("max_waiting", "Waiting", hint="at most"),
    Ask("max_wait", "Oldest wait", hint="at most; 30s, or email=30s reports=2h"),
    Ask("dlq_max", "Dead letters", hint="at most"),
    Ask("min_workers", "Workers", hint="at least"),
)


def check_chores() -> tuple[Chore, ...]:
    """Return the verb."""
    return (Chore("check", "compare the queues with limits, as a monitor does", "check", _check, _LIMITS),)


def read_rules(answers: Answers) -> list[tuple[str, str | None, float]]:
    """Return the rules that the form names: rule, queue (None for all), limit (of waits in seconds).

    Raises:
        UsageError: a limit is no number, or no duration.
    """
    rules: list[tuple[str, str | None, float]] = []
    for ask in _LIMITS:
        for word in answers.get(ask.name, "").split():
            queue, named, limit = word.rpartition("=")
            kind = "duration" if ask.name == "max_wait" else "number"
            value = Ask(ask.name, ask.label, kind, required=True).read(limit)
            rules.append((ask.name, queue if named else None, float(value)))
    return rules


async def _check(console: "ConsoleApp", answers: Answers) -> None:
    rules = read_rules(answers) or [("dlq_max", None, 0.0)]
    results = await console.admin.check(rules)
    options: dict[str, Any] = {}
    for name, queue, limit in rules:
        value = f"{limit:g}{'s' if name == 'max_wait' else ''}"
        options.setdefault(name, []).append(f"{queue}={value}" if queue else value)
    command = console.last_command = console.cli("", "check", **options)
    lines = [
        DocLine(
            (badge("ok" if holds else "breached"), (f"  {plain(rule)}  ", "text"), (f"found {plain(found)}", "muted"))
        )
        for rule, holds, found in results
    ]
    text = "\n".join([*(line.text for line in lines), f"$ {command}"])
    lines += [DocLine(), DocLine(((f"$ {plain(command)}", "muted"),))]
    broken = sum(not holds for _, holds, _ in results)
    title = f"Check: {broken} of {len(results)} broken" if broken else "Check: every rule holds"
    dialog = TextDialog(title, lambda _c, _f: lines, text=text, height=len(lines), danger=broken > 0)
    await console.push_screen(dialog)
