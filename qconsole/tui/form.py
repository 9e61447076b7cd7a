"""A form for a verb's options: one line each, a text area for payloads, the external editor a key away, errors beside
what is wrong.
"""

import asyncio
import json
import os
import shlex
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.widget import Widget
from textual.widgets import Input, TextArea

from qconsole.errors import QConsoleError, UsageError
from qconsole.tui.cells import fit, plain, wrap
from qconsole.tui.dialog import Dialog, LineInput, Lines, SpanLines, words
from qconsole.tui.skin import Span

Answers = dict[str, Any]
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}


@dataclass(frozen=True, slots=True)
class Ask:
    """One field of a form.

    Args:
        kind: `text`, `secret` (not shown), `number`, `duration` (`30s`, `5m`; the answer is in seconds), `choice`,
            `flag` (yes/no) or `json`.
        default: the text it begins with.
    """

    name: str
    label: str
    kind: str = "text"
    default: str = ""
    choices: tuple[str, ...] = ()
    hint: str = ""
    required: bool = False

    def read(self, text: str) -> Any:
        """Return the typed text as a value; None when it was left empty.

        Raises:
            UsageError: it is not of the field's kind.
        """
        text = text.strip()
        if not text:
            if self.required:
                raise UsageError(f"{self.label} is needed.", field=self.name)
            return None
        reader: Callable[[str], Any] = getattr(self, f"_{self.kind}")
        return reader(text)

    def _text(self, text: str) -> str:
        return text

    def _secret(self, text: str) -> str:
        return text

    def _number(self, text: str) -> float | int:
        try:
            return int(text) if text.lstrip("-").isdigit() else float(text)
        except ValueError:
            raise UsageError(f"{self.label} must be a number, got {text!r}.", field=self.name) from None

    def _duration(self, text: str) -> float:
        for unit in ("ms", "s", "m", "h", "d"):
            number = text.removesuffix(unit).strip()
            if number != text and number.replace(".", "", 1).isdigit():
                return float(number) * _UNITS[unit]
        if text.replace(".", "", 1).isdigit():
            return float(text)
        raise UsageError(f"{self.label} must be a duration such as 30s, 5m or 2h, got {text!r}.", field=self.name)

    def _choice(self, text: str) -> str:
        if text not in self.choices:
            raise UsageError(f"{self.label} must be one of {', '.join(self.choices)}, got {text!r}.", field=self.name)
        return text

    def _flag(self, text: str) -> bool:
        if text.lower() not in {"yes", "no", "y", "n"}:
            raise UsageError(f"{self.label} must be yes or no, got {text!r}.", field=self.name)
        return text.lower().startswith("y")

    def _json(self, text: str) -> Any:
        try:
            return json.loads(text)
        except json.JSONDecodeError as error:
            sentence = f"{self.label} must be JSON: line {error.lineno}, column {error.colno}: {error.msg}."
            raise UsageError(sentence, field=self.name) from error


class FormDialog(Dialog[Answers]):
    """Asks for the fields; answers what was typed, by name, as text."""

    DEFAULT_CSS = """
    FormDialog > .box { width: 90; max-width: 98%; }
    FormDialog .field { height: 1; layout: horizontal; }
    FormDialog .field > Lines { width: 18; }
    FormDialog .field > LineInput { width: 1fr; }
    FormDialog TextArea, FormDialog TextArea:focus { height: 10; border: none; padding: 0; background: $background; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "submit", "go on", show=False, priority=True),
        Binding("ctrl+e", "editor", "edit in $EDITOR", show=False, priority=True),
    ]

    def __init__(
        self,
        title: str,
        asks: Sequence[Ask],
        *,
        typed: Mapping[str, str] | None = None,
        error: QConsoleError | None = None,
        about: SpanLines = (),
    ) -> None:
        super().__init__()
        self._title, self.asks, self._about = title, tuple(asks), about
        self.fields: dict[str, LineInput | TextArea] = {}
        for ask in self.asks:
            text = (typed or {}).get(ask.name, ask.default)
            if ask.kind == "json":
                area = TextArea(text, show_line_numbers=False, soft_wrap=True, tab_behavior="focus")
                self.fields[ask.name] = area
            else:
                hint = ask.hint or " | ".join(ask.choices)
                self.fields[ask.name] = LineInput(
                    text, placeholder=hint, select_on_focus=False, password=ask.kind == "secret"
                )
        self._error = error
        self.note = Lines(self._note)

    def compose(self) -> ComposeResult:
        with Container(classes="box") as box:
            box.border_title = self._title
            if self._about:
                yield Lines(lambda _cells: self._about)
            for ask in self.asks:
                label = words(ask.label + (" *" if ask.required else ""), "muted")
                if ask.kind == "json":
                    yield Lines(label)
                    yield self.fields[ask.name]
                else:
                    with Widget(classes="field"):
                        yield Lines(label)
                        yield self.fields[ask.name]
            yield self.note

    def on_mount(self) -> None:
        wrong = self._error.fields.get("field") if self._error is not None else None
        first = self.fields.get(str(wrong)) or next(iter(self.fields.values()))
        first.focus()
        room = self.app.size.height - 8 - len(self.asks) - len(self._about)
        for area in self.query(TextArea):
            area.styles.height = max(3, min(24, room, area.document.line_count + 2))

    def _note(self, cells: int) -> SpanLines:
        lines: list[list[Span]] = [[]]
        if self._error is not None:
            lines += [
                [("▲ " if n == 0 else "  ", "bad"), (line, "bad")]
                for n, line in enumerate(wrap(str(self._error), cells - 2))
            ]
            if self._error.hint:
                lines += [[("  " + line, "muted")] for line in wrap(self._error.hint, cells - 2)]
        editor = " · ^e opens $EDITOR" if any(ask.kind == "json" for ask in self.asks) else ""
        return [*lines, [(fit(f"^s goes on · Tab next field{editor} · Esc leaves", cells), "muted")]]

    def complain(self, error: QConsoleError) -> None:
        """Say what is wrong, and put the caret there."""
        self._error = error
        self.note.show(self._note)
        wrong = self.fields.get(str(error.fields.get("field")))
        if wrong is not None:
            wrong.focus()

    def typed(self) -> dict[str, str]:
        """Return the fields' texts."""
        return {n: f.text if isinstance(f, TextArea) else f.value for n, f in self.fields.items()}

    @on(Input.Submitted)
    def _submitted(self, message: Input.Submitted) -> None:
        message.stop()
        order = list(self.fields.values())
        at = order.index(message.input) if isinstance(message.input, LineInput) else len(order) - 1
        if at + 1 < len(order):
            order[at + 1].focus()
        else:
            self.action_submit()

    def action_submit(self) -> None:
        typed = self.typed()
        try:
            for ask in self.asks:
                ask.read(typed[ask.name])
        except UsageError as error:
            self.complain(error)
            return
        self.dismiss(typed)

    async def action_editor(self) -> None:
        """Open the payload in the editor and take what was saved."""
        ask = next((ask for ask in self.asks if ask.kind == "json"), None)
        area = self.fields[ask.name] if ask is not None else None
        if not isinstance(area, TextArea):
            return
        edited = await self._edit(area.text)
        if edited is not None:
            area.text = edited
            area.focus()

    async def _edit(self, text: str) -> str | None:
        editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
        handle, name = tempfile.mkstemp(suffix=".json", prefix="qconsole-")
        path = Path(name)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            with self.app.suspend():
                process = await asyncio.create_subprocess_exec(*shlex.split(editor), str(path))
                status = await process.wait()
            if status:
                self.complain(UsageError(f"{plain(editor)} ended with status {status}; the payload is as it was."))
                return None
            return path.read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            self.complain(UsageError(f"{plain(editor)} could not be started: {plain(str(error))}", "Set EDITOR."))
            return None
        finally:
            path.unlink(missing_ok=True)


def read_answers(asks: Sequence[Ask], typed: Mapping[str, str]) -> Answers:
    """Return the typed texts as values; what was left empty is left out."""
    values = {ask.name: ask.read(typed.get(ask.name, "")) for ask in asks}
    return {name: value for name, value in values.items() if value is not None}


def schema_lines(schema: Mapping[str, Any] | None) -> list[list[Span]]:
    """Return a job type's fields in a line or two: name, type, whether it is needed."""
    if not schema or not isinstance(schema.get("properties"), Mapping):
        return []
    required = set(schema.get("required", ()))
    spans: list[Span] = [("fields  ", "muted")]
    for name, field in list(schema["properties"].items())[:12]:
        kind = field.get("type") or ("one of " + "|".join(map(str, field["enum"][:5])) if "enum" in field else "any")
        spans += [
            (plain(str(name)), "json_key"),
            (" " + plain(str(kind)) + ("* " if name in required else " "), "muted"),
        ]
    return [spans]
