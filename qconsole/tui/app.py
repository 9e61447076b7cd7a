"""The terminal console: the frame, where one is, the keys that work everywhere, and the one loop that keeps the
screen live.
"""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from functools import partial
from typing import Any, ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.filter import LineFilter, Monochrome, NoColor

from qconsole.admin import Admin
from qconsole.admin.commands import cli_command
from qconsole.admin.events import KINDS
from qconsole.clock import Clock
from qconsole.config import Settings
from qconsole.errors import QConsoleError, UsageError
from qconsole.tui.action import Action
from qconsole.tui.cells import plain
from qconsole.tui.confirm import command_lines
from qconsole.tui.document import DocLine
from qconsole.tui.document_view import DocumentView
from qconsole.tui.filter_bar import FilterBar
from qconsole.tui.format import plural
from qconsole.tui.header import Banner, Footer, Header, Progress
from qconsole.tui.keys import help_lines
from qconsole.tui.linked import LinkedApp
from qconsole.tui.links import web_address
from qconsole.tui.list_view import ListView
from qconsole.tui.location import MODES, Location, parse_location
from qconsole.tui.menu import TickDialog
from qconsole.tui.palette import Entry, PaletteDialog
from qconsole.tui.palette_entries import entries, literal_entries
from qconsole.tui.perform import Performer
from qconsole.tui.screens import view_for
from qconsole.tui.skin import AsciiOnly, Skin, Span
from qconsole.tui.table import Table
from qconsole.tui.terminal import Terminal, examine, require_terminal
from qconsole.tui.text_dialog import TextDialog
from qconsole.tui.verbs import ALL
from qconsole.tui.view import View

MOST_BACK = 8
MOST_REMEMBERED = 50
CRUMBS_FROM = 100  # cells a screen must have for the way to it to stand in its title
LEAVE_S = 2.0  # what leaving may wait for Redis


class ConsoleApp(LinkedApp):
    """See the module's description.

    Args:
        connect: opens the admin service.
        at: where to begin.
        stopwatch: seconds that pass, for measuring answers.
    """

    ENABLE_COMMAND_PALETTE = False
    CSS = """
    Screen { layout: vertical; overflow: hidden; }
    #body { height: 1fr; width: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        *[
            Binding("comma" if mode.key == "," else mode.key, f"mode('{mode.kind}')", mode.title, show=False)
            for mode in MODES
        ],
        Binding("slash", "filter", "filter, or search in a text", show=False),
        Binding("colon,ctrl+p", "palette", "palette: every verb and place", show=False),
        Binding("question_mark", "help", "keys", show=False),
        Binding("escape", "back", "back", show=False),
        Binding("less_than_sign", "earlier", "the screen before, from any mode", show=False),
        Binding("greater_than_sign", "later", "forward again", show=False),
        Binding("p", "pause_queue", "pause or resume the queue", show=False),
        Binding("P", "pause_live", "hold the screen still", show=False),
        Binding("ctrl+r", "refresh", "refresh now", show=False),
        Binding("y", "copy_id", "copy the id", show=False),
        Binding("o", "web", "copy the web address", show=False),
        Binding("c", "command", "the command line of this", show=False),
        Binding("t", "theme", "light or dark", show=False),
        Binding("u", "undo", "undo the last change", show=False),
        Binding("q", "quit", "quit", show=False),
        Binding("ctrl+c", "quit", "quit", show=False, priority=True),
    ]

    def __init__(
        self,
        *,
        connect: Callable[[], Awaitable[Admin]],
        settings: Settings,
        terminal: Terminal,
        clock: Clock | None = None,
        zone: tzinfo = UTC,
        at: Location | None = None,
        stopwatch: Callable[[], float] = time.monotonic,
    ) -> None:
        self.skin = Skin(dark=not terminal.light, ansi=terminal.few_colors, production=settings.production)
        # Textual's own filter for NO_COLOR makes black text on a black ground of the terminal's default colours.
        self._fewer: list[LineFilter] = [NoColor()] if terminal.no_color else []
        self._fewer += [AsciiOnly()] if terminal.ascii_only else []
        super().__init__(
            connect=connect, settings=settings, terminal=terminal, clock=clock, zone=zone, stopwatch=stopwatch
        )
        self.driving: set[str] = set()
        self.last_command: str | None = None
        self.performer = Performer(self)
        self._at = at or Location("overview")
        self._roots: dict[str, View] = {}
        self._stack: list[View] = []
        self._earlier: list[Location] = []
        self._later: list[Location] = []
        self._filter_for: View | None = None

    def compose(self) -> ComposeResult:
        yield Header(env=self.settings.env, production=self.settings.production)
        yield Banner()
        yield FilterBar()
        yield Container(id="body")
        yield Progress()
        yield Footer()

    def get_line_filters(self) -> Sequence[LineFilter]:
        return [*(f for f in super().get_line_filters() if not isinstance(f, Monochrome)), *self._fewer]

    def on_mount(self) -> None:
        for dark in (True, False):
            self.register_theme(Skin(dark=dark, ansi=False, production=self.skin.production).theme())
        self.register_theme(Skin(dark=self.skin.dark, ansi=True, production=self.skin.production).theme())
        self.theme = self.skin.name
        self.call_later(self.go, self._at)
        self.run_worker(self._live(), exit_on_error=False, group="live")

    @property
    def view(self) -> View:
        """Return the screen that is shown."""
        return self._stack[-1]

    @property
    def has_view(self) -> bool:
        return bool(self._stack)

    @property
    def steady(self) -> bool:
        """Return whether the figures and all of the screen's content are there."""
        return bool(self._stack and self.query_one(Header).figures and self.view.steady)

    def cli(self, noun: str, verb: str, *ids: str, filter: str | None = None, **options: Any) -> str:
        """Return a command line for this environment."""
        return cli_command(noun, verb, *ids, filter=filter, env=self.settings.env, **options)

    def crumbs(self, view: View) -> list[Span]:
        """Return the way to a view, as Escape goes back: `DLQ › Entries › `."""
        if view not in self._stack or self.size.width < CRUMBS_FROM:
            return []
        names = {"groups": "DLQ", "dlq": "Entries"}
        way = [passed.location.kind for passed in self._stack[: self._stack.index(view)][-3:]]
        return [(f"{names.get(kind, kind.capitalize().replace('-', ' '))} › ", "muted") for kind in way]

    def is_root(self, view: View) -> bool:
        """Return whether Escape cannot go further back from a view."""
        return len(self._stack) == 1

    async def go(self, location: Location) -> None:
        """Show a place; a numbered mode becomes the new root, anything else can be left with Escape."""
        self._remember()
        await self._enter(location)

    def _remember(self) -> None:
        """Keep what is shown as the screen before the next one."""
        if self._stack:
            self._earlier = [*self._earlier[1 - MOST_REMEMBERED :], self.view.location]
            self._later.clear()

    async def action_earlier(self) -> None:
        await self._travel(self._earlier, self._later, "earlier")

    async def action_later(self) -> None:
        await self._travel(self._later, self._earlier, "later")

    async def _travel(self, ahead: list[Location], behind: list[Location], word: str) -> None:
        if not ahead:
            self.flash(f"There is no {word} screen.")
            return
        behind.append(self.view.location)
        await self._enter(ahead.pop(), exactly=True)

    async def _enter(self, location: Location, *, exactly: bool = False) -> None:
        """Put a view of a place on the stack; `exactly` takes a filter away as well."""
        root = location.kind in {mode.kind for mode in MODES}
        known = self._roots.get(location.kind) if root else None
        view = known or view_for(location)
        if root:
            self._roots[location.kind] = view
            await self._leave(keep={*self._roots.values()})
            self._stack = [view]
        else:
            self._stack.append(view)
            if len(self._stack) > MOST_BACK:
                await self._discard(self._stack.pop(1))
        if known is not None and (location.filter or exactly) and location.filter != known.location.filter:
            known.apply_filter(location.filter)
        await self._show(view)

    async def _leave(self, keep: set[View]) -> None:
        for view in self._stack:
            if view not in keep:
                await self._discard(view)

    async def _discard(self, view: View) -> None:
        if view not in self._roots.values():
            await view.remove()

    async def _show(self, view: View) -> None:
        body = self.query_one("#body", Container)
        for child in body.query_children(View):
            child.display = child is view
        if not view.is_attached:
            await body.mount(view)
        view.focus_content()
        header = self.query_one(Header)
        header.mode = view.location.mode
        header.redraw()
        view.retitle()
        view.load_soon()

    def show_hints(self) -> None:
        """Offer the screen's own keys first, then the verbs that fit what is selected, then what works everywhere: six
        at most.
        """
        footer, view = self.query_one(Footer), self.view
        subject = view.subject()
        row = None if subject is None or subject.many else subject.row
        verbs: dict[str, str] = {}
        for action in ALL.get(view.noun, ()):
            if action.hint and action.key and (row is None or action.fits(row)):
                verbs.setdefault(action.key, action.label.split()[0].lower())
        own = [*view.hints, *verbs.items()][:3]
        slash = "search" if isinstance(view, DocumentView) else "filter"
        footer.offer((*own, ("/", slash), (":", "palette"), ("?", "keys")))

    def go_to(self, location: Location) -> None:
        """Show a place, from a handler."""
        self.call_later(self.go, location)

    def go_text(self, text: str) -> None:
        """Show the place that a text names."""
        self.go_to(parse_location(text))

    async def action_mode(self, kind: str) -> None:
        await self.go(Location(kind))

    async def action_back(self) -> None:
        if self.view.escape():
            return
        if len(self._stack) > 1:
            self._remember()
            await self._discard(self._stack.pop())
            await self._show(self.view)

    @on(Header.ModeClicked)
    def _mode_clicked(self, message: Header.ModeClicked) -> None:
        self.go_to(Location(message.kind))

    def action_filter(self) -> None:
        view = self.view
        self._filter_for = view
        bar = self.query_one(FilterBar)
        if isinstance(view, DocumentView):
            bar.open("", noun=None, known=lambda: {})
        else:
            own = {"audit", "events"}
            noun = view.noun if view.noun in own else "dead_letters" if view.noun in {"dlq", "groups"} else "jobs"
            bar.open(view.location.filter, noun=noun, known=lambda: self.known)
            self.reach(self._learn(), during="reading what can be filtered by")

    async def _learn(self) -> None:
        """Read the values that completion offers."""
        self.known["kind"] = KINDS
        types = await self.admin.jobs.job_types()
        groups = await self.admin.dead_letters.groups("")
        workers = await self.admin.workers.list()
        self.known["type"] = tuple(str(known.get("name", "")) for known in types)
        self.known["fp"] = tuple(group.fingerprint for group in groups)
        self.known["worker"] = tuple(worker.id for worker in workers)

    @on(FilterBar.Chosen)
    def _filter_chosen(self, message: FilterBar.Chosen) -> None:
        view = self._filter_for or self.view
        view.focus_content()
        if isinstance(view, DocumentView):
            view.search(message.text)
        else:
            view.apply_filter(message.text)

    @on(FilterBar.Closed)
    def _filter_closed(self) -> None:
        self.view.focus_content()

    def action_palette(self) -> None:
        def run(chosen: Entry | None) -> None:
            if chosen is not None and chosen.run is not None:
                chosen.run()

        self.push_screen(PaletteDialog(entries(self), literal=lambda text: literal_entries(self, text)), run)

    def act(self, key: str) -> None:
        """Do what a verb's key does on what is selected."""
        subject = self.view.subject()
        bound = [action for action in ALL.get(self.view.noun, ()) if action.key == key]
        row = subject.row if subject is not None else None
        action = next(
            (a for a in bound if (subject is not None and subject.many) or a.fits(row)), bound[0] if bound else None
        )
        if action is not None:
            self.perform(action)

    def perform(self, action: Action, subject: Any = None) -> None:
        """Carry an action out on a subject, or on what is selected."""
        target = subject if subject is not None else self.view.subject()
        self.begin(self.performer.perform(action, target), during=f"{action.verb} of {action.noun}")

    def action_pause_queue(self) -> None:
        from qconsole.tui.subject import Subject

        subject = self.view.subject()
        queue = subject.queue if subject is not None else self.view.location.queue
        if queue is None:
            self.flash("There is no queue here to pause.", "warn")
            return
        self.begin(self._pause_queue(Subject("queues", (queue,), queue=queue)), during="pausing a queue")

    async def _pause_queue(self, subject: Any) -> None:
        from dataclasses import replace

        queue = await self.admin.queues.get(subject.id)
        action = next(a for a in ALL["queues"] if a.key == "p" and a.fits(queue))
        await self.performer.perform(action, replace(subject, row=queue))

    def action_undo(self) -> None:
        self.begin(self.performer.undo(), during="undoing")

    def table_marks_done(self) -> None:
        """Take the marks away once an operation holds them."""
        if isinstance(self.view, ListView):
            self.view.table.clear_marks()

    def copy(self, text: str, *, what: str = "text") -> None:
        """Put a text into the clipboard of the terminal's own machine."""
        self.copy_to_clipboard(text)
        shown = plain(text.split("\n")[0], limit=60)
        more = text.count("\n")
        self.flash(f"copied {what}: {shown}" + (f" and {more:,} lines more" if more else ""))

    def action_copy_id(self) -> None:
        text = self.view.copied()
        if text:
            self.copy(text, what="id" if "\n" not in text else "text")
        else:
            self.flash("There is nothing here to copy.", "warn")

    def action_web(self) -> None:
        self.copy(web_address(self.settings, self.view.location, self.view.subject()), what="address")

    def action_command(self) -> None:
        """Show the command lines of this screen and of its verbs on what is selected."""
        view, subject = self.view, self.view.subject()
        shown: list[tuple[str, str]] = []
        if (command := view.command()) is not None:
            shown.append(("this screen", command))
        for action in ALL.get(view.noun, ()):
            if subject is not None and (subject.many or action.fits(subject.row)) and not (action.asks and action.bulk):
                shown.append((action.label.lower(), self.performer.command(action, subject, {})))
        if self.last_command is not None:
            shown.append(("what was done last", self.last_command))
        text = shown[0][1] if shown else ""

        def produce(cells: int, _folds: Any) -> list[DocLine]:
            lines: list[DocLine] = []
            for label, command in shown:
                lines.append(DocLine(((label, "muted"),)))
                lines += [DocLine(tuple(spans), copy=partial(str, command)) for spans in command_lines(command, cells)]
            return lines

        height = sum(len(command_lines(command, 90)) + 1 for _, command in shown)
        self.push_screen(TextDialog("As a command", produce, text=text, height=height))

    def action_help(self) -> None:
        view = self.view
        lines = help_lines(view, 90)
        text = "\n".join(line.text for line in lines)
        self.push_screen(
            TextDialog("Keys", lambda cells, _folds: help_lines(view, cells), text=text, height=len(lines))
        )

    def choose_columns(self, table: Table) -> None:
        """Let the operator tick a table's columns."""
        entries_ = [(column.key, column.title or column.key) for column in table.columns]

        def use(chosen: frozenset[str] | None) -> None:
            if chosen is not None:
                table.choose_columns(chosen or None)

        self.push_screen(TickDialog("Columns", entries_, frozenset(table.shown_columns())), use)

    def action_theme(self) -> None:
        self.skin = Skin(dark=not self.skin.dark, ansi=self.skin.ansi, production=self.skin.production)
        self.theme = self.skin.name
        self.refresh_css()
        for widget in self.screen.walk_children():
            widget.refresh()

    def leave(self) -> None:
        """Quit, from a handler."""
        self.call_later(self.action_quit)

    async def action_quit(self) -> None:
        self.exit(0, message=await self._park())

    async def _park(self) -> Text | None:
        """Pause what runs from here, so that any console can take it up; returns what the shell is told of it.

        A Redis that does not answer holds nothing up: an operation that nobody drives any more can be resumed too.
        """
        running = sorted(self.driving)
        if not running:
            return None
        try:
            async with asyncio.timeout(LEAVE_S):
                for operation_id in running:
                    await self.admin.operations.pause(operation_id)
            how = "paused"
        except (QConsoleError, OSError, TimeoutError) as error:
            how = f"left running unwatched ({plain(str(error)) or 'Redis does not answer'})"
        commands = [self.cli("operations", "resume", operation_id) for operation_id in running]
        return Text("\n".join([f"{plural(len(running), 'operation')} {how}; go on with", *commands]))


def run(
    settings: Settings,
    *,
    at: str | None = None,
    environ: Mapping[str, str] | None = None,
    connect: Callable[[], Awaitable[Admin]] | None = None,
) -> int:
    """Run the terminal console until it is left; returns the process's exit code.

    Raises:
        UsageError: there is no terminal that could show it, or `at` names no place.
    """
    import os

    environ = os.environ if environ is None else environ
    location = parse_location(at) if at else None
    require_terminal(sys.stdin, sys.stdout, environ)
    for stale in ("COLUMNS", "LINES"):  # GNU readline exports them; only the terminal knows its size
        os.environ.pop(stale, None)
    terminal = examine(environ)
    if not terminal.few_colors and "256color" not in environ.get("TERM", ""):
        # Textual goes by this where the name says nothing to it; ssh does not pass it on, and tmux need not set it.
        os.environ["COLORTERM"] = "truecolor"
    zone = datetime.now().astimezone().tzinfo or UTC

    async def open_admin() -> Admin:
        from qconsole.admin import Actor

        actor = Actor(settings.actor or os.environ.get("USER", "operator"), settings.role, "tui")
        return await Admin.open(settings, actor=actor)

    app = ConsoleApp(connect=connect or open_admin, settings=settings, terminal=terminal, zone=zone, at=location)
    return app.run() or 0


__all__ = ["ConsoleApp", "UsageError", "run"]
