"""Asks before something is changed: a key for little things, typed words where the blast is large or the skin red."""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.widgets import Input

from qconsole.admin.views import JobRow, Plan
from qconsole.tui.cells import fit, plain, wrap
from qconsole.tui.dialog import Dialog, LineInput, Lines, SpanLines, words
from qconsole.tui.skin import Span, badge
from qconsole.tui.subject import things


class Friction(StrEnum):
    """How much is asked before an action: nothing, a key, or a text typed."""

    NONE = "none"
    CLICK = "click"
    TYPED = "typed"


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked. `expected` is what must be typed; None asks for Enter only."""

    title: str
    text: str
    command: str
    expected: str | None = None
    dangerous: bool = False
    wants_reason: bool = False
    reason_required: bool = False


@dataclass(frozen=True, slots=True)
class Consent:
    """The answer "yes", with what was typed."""

    confirm: str | None = None
    reason: str | None = None


class ConfirmDialog(Dialog[Consent]):
    """Shows what would happen and its command; Enter does it once what must be typed is there."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "agree", "do it", show=False),
        Binding("y", "agree", "do it", show=False),
    ]

    def __init__(self, question: Question) -> None:
        super().__init__()
        self.question = question
        self.reason = LineInput(placeholder="why (goes into the audit)", id="reason")
        self.typed = LineInput(id="typed")
        self.note = Lines(lambda cells: [[(fit(self._note, cells), self._note_style)]], id="note")
        self._note, self._note_style = "", "muted"

    def compose(self) -> ComposeResult:
        question = self.question
        box = Container(classes="box -danger" if question.dangerous else "box")
        box.border_title = question.title
        with box:
            yield Lines(self.describe)
            if question.wants_reason or question.reason_required:
                label = "Reason" if question.reason_required else "Reason (optional)"
                yield Lines(words(label, "muted"))
                yield self.reason
            if question.expected is not None:
                yield Lines(
                    lambda cells: [
                        [("Type ", "text"), (plain(question.expected or ""), "bad_strong"), (" to go on", "text")]
                    ]
                )
                yield self.typed
            yield self.note

    def describe(self, cells: int) -> SpanLines:
        """Return what would happen."""
        lines: list[list[Span]] = [[(line, "text")] for line in wrap(self.question.text, cells)]
        return [*lines, [], *command_lines(self.question.command, cells), []]

    def on_mount(self) -> None:
        if self.question.expected is not None and not self.question.reason_required:
            self.typed.focus()
        elif self.question.reason_required:
            self.reason.focus()
        else:
            self.set_focus(None)
        self._say()

    def _say(self, error: str | None = None) -> None:
        self._note = error or "Enter does it · Esc leaves everything as it is"
        self._note_style = "bad" if error else "muted"
        self.note.redraw()

    @on(Input.Submitted)
    def _submitted(self, message: Input.Submitted) -> None:
        message.stop()
        if message.input is self.reason and self.question.expected is not None:
            self.typed.focus()
        else:
            self.action_agree()

    def action_agree(self) -> None:
        question = self.question
        reason = self.reason.value.strip() or None
        typed = self.typed.value.strip()
        if question.reason_required and reason is None:
            self._say("A reason is needed: it stands in the audit.")
            self.reason.focus()
        elif question.expected is not None and typed != question.expected:
            self._say(f"Type exactly {plain(question.expected)}" + (f", got {plain(typed)}" if typed else ""))
            self.typed.focus()
        else:
            self.dismiss(Consent(typed or None, reason))


class PlanDialog(ConfirmDialog):
    """The preview of an operation: how many, five of them, what is left out, what it does as a command."""

    DEFAULT_CSS = "PlanDialog > .box { width: 104; max-width: 98%; }"

    def __init__(self, plan: Plan, *, title: str, dangerous: bool) -> None:
        expected = plan.confirm_text if plan.confirm in {"count", "queue"} else None
        super().__init__(Question(title, "", plan.command, expected, dangerous))
        self.plan = plan

    def describe(self, cells: int) -> SpanLines:
        plan = self.plan
        number = things(plan.count.value, plan.operation.noun)
        lines: list[list[Span]] = [[(number if plan.count.exact else f"at least {number}", "title")]]
        if plan.operation.filter:
            lines[0] += [("  ", "text"), (plain(plan.operation.filter), "accent")]
        lines.append([("Only what was there when you looked; later arrivals are not touched.", "muted")])
        lines += [self._sample(row, cells) for row in plan.samples[:5]]
        if plan.count.value > len(plan.samples):
            lines.append([(f"  … and {plan.count.value - len(plan.samples[:5]):,} more", "muted")])
        for why, number_out in plan.exclusions[:4]:
            lines.append([(f"  {number_out:,} left out: {plain(why)}", "warn")])
        if plan.operation.reason:
            lines.append([("  because ", "muted"), (plain(plan.operation.reason), "text")])
        rate = plan.operation.rate_per_s
        if rate:
            lines.append([(f"  at most {rate:g} a second", "muted")])
        if plan.operation.spread_s:
            lines.append([(f"  spread over {plan.operation.spread_s:g} s", "muted")])
        return [*lines, [], *command_lines(plan.command, cells), []]

    @staticmethod
    def _sample(row: JobRow, cells: int) -> list[Span]:
        shape, style = badge(row.state)
        error = f"{row.error_type}: {row.error_message}" if row.error_type else row.summary
        return [
            ("  ", "text"),
            (fit(shape, 12), style),
            (fit(plain(row.id), 20) + " ", "text"),
            (fit(plain(row.job_type), 18) + " ", "muted"),
            (plain(error or ""), "muted"),
        ]


def command_lines(command: str, cells: int) -> list[list[Span]]:
    """Return a command line wrapped, marked as one."""
    wrapped = wrap(command, max(20, cells - 2))
    if len(wrapped) > 4:
        wrapped = [*wrapped[:3], wrapped[3] + " …"]
    return [[("$ " if number == 0 else "  ", "muted"), (line, "accent")] for number, line in enumerate(wrapped)]
