"""The app's link to the service: connects, keeps the screen live, shows what is lost and what went wrong."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any

from textual import events, on
from textual.app import App

from qconsole.admin import Admin
from qconsole.admin.views import OperationView
from qconsole.clock import Clock, SystemClock
from qconsole.config import Settings
from qconsole.errors import QConsoleError, RedisUnavailable
from qconsole.tui.cells import wrap
from qconsole.tui.dialog import A, Dialog
from qconsole.tui.document import DocLine
from qconsole.tui.drawn import Moment
from qconsole.tui.format import plural
from qconsole.tui.guard import Guarded, Report, report
from qconsole.tui.header import Banner, Footer, Header, Progress
from qconsole.tui.key_gate import Followed, KeyGate, Typed
from qconsole.tui.live import pace
from qconsole.tui.terminal import Terminal
from qconsole.tui.text_dialog import TextDialog
from qconsole.tui.view import View

FLASH_S = 6.0
WAITING_AFTER_S = 1.5


class LinkedApp(Guarded, App[int]):
    """What of the app talks to Admin, and what it says while that works or does not.

    Args:
        connect: opens the service.
        stopwatch: seconds that pass, for measuring answers.
    """

    def __init__(
        self,
        *,
        connect: Callable[[], Awaitable[Admin]],
        settings: Settings,
        terminal: Terminal,
        clock: Clock | None,
        zone: tzinfo,
        stopwatch: Callable[[], float],
    ) -> None:
        super().__init__()
        self.settings = settings
        self.terminal = terminal
        self.clock: Clock = clock or SystemClock()
        self.zone = zone
        self.known: dict[str, tuple[str, ...]] = {}
        self.reports: list[Report] = []
        self._clock = clock
        self._connect = connect
        self._stopwatch = stopwatch
        self._admin: Admin | None = None
        self._opening = asyncio.Lock()
        self._wake = asyncio.Event()
        self._live_paused = False
        self._lost_since_ms: int | None = None
        self._last_input_s = time.monotonic()
        self._answers_ms = (
            0.0,
            0.0,
        )  # of the last two refreshes: one that sat through a failover says nothing of the next
        self._flash_number = 0
        self.gate = KeyGate(self, stopwatch=stopwatch, dropped=self._say_dropped)

    @property
    def view(self) -> View:
        """Return the screen that is shown."""
        raise NotImplementedError

    @property
    def has_view(self) -> bool:
        """Return whether a screen is shown already."""
        raise NotImplementedError

    async def on_unmount(self) -> None:
        if self._admin is not None:
            await self._admin.close()

    @property
    def admin(self) -> Admin:
        """Return the admin service.

        Raises:
            RedisUnavailable: it is not connected yet.
        """
        if self._admin is None:
            raise RedisUnavailable("The console is not connected yet.")
        return self._admin

    def moment(self) -> Moment:
        """Return now."""
        return Moment(self.clock.now_ms(), self.zone)

    def reach(self, work: Coroutine[Any, Any, Any], *, during: str) -> None:
        """Run something that asks Redis, beside the screen; whatever it raises is shown."""
        self.run_worker(self._reach(work, during), exit_on_error=False, group="reach")

    def begin(self, work: Coroutine[Any, Any, Any], *, during: str) -> None:
        """Run what a key began; keys typed ahead wait until it asks something or is done."""
        self.gate.hold()
        self.reach(self._begun(work), during=during)

    async def _begun(self, work: Awaitable[Any]) -> None:
        try:
            await work
        finally:
            self.gate.release()

    async def ask(self, dialog: Dialog[A]) -> A | None:
        """Show a dialog and return its answer; keys typed ahead wait for what follows from that."""
        answer: A | None = await self.push_screen_wait(dialog)
        self.gate.hold()
        return answer

    async def _reach(self, work: Awaitable[Any], during: str) -> None:
        try:
            await self._connected()
            await work
        except (RedisUnavailable, TimeoutError, ConnectionError) as error:
            self._lose(error)
        except QConsoleError as error:
            self.flash(" · ".join(part for part in (str(error), error.hint) if part), "bad")
        except Exception as error:
            self.report_error(error, during=during)
        else:
            self._recover()

    async def _connected(self) -> None:
        """Open the service once; those who come meanwhile wait for the same opening."""
        if self._admin is None:
            async with self._opening:
                if self._admin is None:
                    self._admin = await self._connect()
                    self.clock = self._clock or self._admin.clock
                    self._wake.set()

    def _lose(self, error: BaseException) -> None:
        now_ms = self.clock.now_ms()
        if self._lost_since_ms is None:
            self._lost_since_ms = now_ms
        since = datetime.fromtimestamp(self._lost_since_ms / 1000, tz=self.zone).strftime("%H:%M:%S")
        sentence = str(error) or "Redis did not answer in time."
        self.query_one(Banner).say(f"No connection since {since}: {sentence} What you see is old; trying again.")
        header = self.query_one(Header)
        header.lost, header.pace_word = True, "reconnecting"
        header.redraw()

    def _recover(self) -> None:
        if self._lost_since_ms is not None:
            self._lost_since_ms = None
            self.query_one(Banner).say(None)
            self.query_one(Header).lost = False
            self.flash("Redis answers again.", "good")

    async def _live(self) -> None:
        while True:
            rhythm = pace(
                paused=self._live_paused,
                idle_s=time.monotonic() - self._last_input_s,
                remote=self.terminal.remote,
                answer_ms=min(self._answers_ms),
                lost=self._lost_since_ms is not None,
            )
            header = self.query_one(Header)
            if header.pace_word != rhythm.word and self._admin is not None:
                header.pace_word = rhythm.word
                header.redraw()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), rhythm.every_s)
            self._wake.clear()
            if rhythm.every_s is not None and self.has_view and len(self.screen_stack) == 1:
                await self._reach(self._tick(), "refreshing")

    async def _tick(self) -> None:
        started = self._stopwatch()
        waiting = self.set_timer(WAITING_AFTER_S, self._say_waiting)
        try:
            async with asyncio.timeout(max(2.0, self.settings.timeout_s)):
                figures = await self.admin.live.snapshot()
            self._note_figures(figures, (self._stopwatch() - started) * 1000)
            await self.view.load_once()  # a search of many pages may take longer than one answer of Redis
        finally:
            waiting.stop()
        self._answers_ms = (self._answers_ms[1], (self._stopwatch() - started) * 1000)
        self.view.redraw_all()

    def _say_waiting(self) -> None:
        """Take back that the figures are live, long before the deadline after which the banner says so."""
        header = self.query_one(Header)
        if not header.lost:
            header.pace_word = "waiting for Redis"
            header.redraw()

    def _note_figures(self, figures: Mapping[str, Any], redis_ms: float) -> None:
        header = self.query_one(Header)
        header.figures = dict(figures)
        header.redis_ms = redis_ms
        queues = figures.get("queues")
        if queues:
            self.known["queue"] = tuple(queues)
        header.redraw()

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Key | events.MouseDown | events.Paste):
            slept = time.monotonic() - self._last_input_s > 60
            self._last_input_s = time.monotonic()
            if slept:
                self._wake.set()
        if isinstance(event, events.Key | events.Paste) and not event.is_forwarded:
            await self._typed(event)
        else:
            await super().on_event(event)

    async def _typed(self, event: Typed) -> None:
        if self.gate.admit(event):
            target = self.focused or self.screen
            try:
                await super().on_event(event)
            finally:
                self.gate.follow(target)

    @on(Followed)
    def _followed(self, message: Followed) -> None:
        self.gate.arrived(message)

    def _say_dropped(self, number: int) -> None:
        self.flash(f"Redis is slow to answer: {plural(number, 'key')} typed meanwhile did nothing.", "warn")

    def action_pause_live(self) -> None:
        self._live_paused = not self._live_paused
        self._wake.set()
        self.flash("The screen holds still; P lets it go on." if self._live_paused else "Live again.")

    def action_refresh(self) -> None:
        self.view.load_soon()

    def flash(self, text: str | None, style: str = "text") -> None:
        """Say something in the footer for a while."""
        footer = self.query_one(Footer)
        self._flash_number += 1
        number = self._flash_number
        footer.say(None if text is None else (text, style))
        if text is not None:
            self.set_timer(FLASH_S * (2 if style == "bad" else 1), lambda: self._unflash(number))

    def _unflash(self, number: int) -> None:
        if number == self._flash_number:
            self.query_one(Footer).say(None)

    def show_progress(self, operation: OperationView | None) -> None:
        """Show how far the operation is that runs from here."""
        self.query_one(Progress).say(operation)

    def report_error(self, error: Exception, *, during: str) -> None:
        """Show an unexpected error with all that a bug report needs; the console goes on."""
        found = report(error, during=during, at=datetime.now(tz=UTC).isoformat(timespec="seconds"))
        if self.reports and self.reports[-1].trace == found.trace:
            return
        self.reports = [*self.reports[-19:], found]
        if any(isinstance(screen, TextDialog) for screen in self.screen_stack):
            return
        text = str(found)
        self.push_screen(
            TextDialog(
                "Something went wrong here; the console goes on",
                lambda cells, _folds: [DocLine(((line, "text"),)) for line in wrap(text, cells)],
                text=text,
                height=text.count("\n") + 2,
                danger=True,
            )
        )

    def _handle_exception(self, error: Exception) -> None:
        """Textual's last resort ends the program; ours reports."""
        if not self._dom_ready:
            super()._handle_exception(error)
            return
        self.report_error(error, during="drawing")
