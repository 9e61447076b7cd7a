"""One key at a time: what is typed ahead goes where the key before it leads.

A key passes the queues of the focused widget and of all that it stands in before its binding is looked up. Typed faster
than that, over a slow line or pasted, the text of `/state:failed` would sort the list and then run verbs on it. So a
message follows each key through the same queues, and the next key is let in when that has arrived, the screen on top
stands, and no verb is still preparing its dialog.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

from textual import events
from textual.app import App
from textual.message import Message
from textual.message_pump import MessagePump

HOLD_S = 1.0  # what keys wait for a verb's dialog; those typed meanwhile are dropped then
LOST_S = 0.25  # how often it is looked whether the follower of a key went down with its widget
MOST_LOOKS = 40  # after so many it is taken as lost though its widget is there
LOOK_AGAIN_S = 0.005
ROUNDS = 2  # the second comes behind what the key's handlers have sent themselves
MOST_WAITING = 512

Typed = events.Key | events.Paste


class Followed(Message):
    """Arrives at the app behind a key that was let in."""

    def __init__(self, number: int, left: int) -> None:
        super().__init__()
        self.number, self.left = number, left


class KeyGate:
    """Lets keys and pasted texts in, in their order.

    Args:
        stopwatch: seconds that pass.
        dropped: is told how many were dropped because Redis kept their verb waiting.
    """

    def __init__(self, app: App[Any], *, stopwatch: Callable[[], float], dropped: Callable[[int], None]) -> None:
        self._app = app
        self._stopwatch = stopwatch
        self._dropped = dropped
        self._waiting: deque[Typed] = deque()
        self._due: Typed | None = None
        self._number = 0
        self._target: MessagePump | None = None
        self._busy = False
        self._held_until_s: float | None = None
        self._held_at = 0

    def hold(self) -> None:
        """Keep keys back until a dialog stands above the screen that is shown, `release`, or a second has passed."""
        self._held_until_s = self._stopwatch() + HOLD_S
        self._held_at = len(self._app.screen_stack)

    def release(self) -> None:
        """Let keys in again."""
        self._held_until_s = None

    def admit(self, event: Typed) -> bool:
        """Return whether an event may pass now; one that may not comes again when it is its turn."""
        if isinstance(event, events.Key) and event.key == "ctrl+c":
            return True
        if event is not self._due and (self._busy or self._waiting or not self._open()):
            if len(self._waiting) < MOST_WAITING:
                self._waiting.append(event)
            else:
                self._dropped(1)
            if not self._busy:
                self._begin()
                self._settle(self._number)
            return False
        self._begin()
        return True

    def _begin(self) -> None:
        self._busy, self._due, self._target = True, None, None
        self._number += 1

    def follow(self, target: MessagePump) -> None:
        """Send a message after the key that was let in."""
        self._target = target
        target.post_message(Followed(self._number, ROUNDS))
        self._look(self._number, 0)

    def arrived(self, message: Followed) -> None:
        """Take note that a key and what its handlers sent have been dealt with."""
        if message.number != self._number:
            return
        if message.left > 1 and self._target is not None and self._target.is_attached:
            self._target.post_message(Followed(message.number, message.left - 1))
        else:
            self._app.call_later(self._settle, message.number)

    def _look(self, number: int, looks: int) -> None:
        """Go on where the follower went down with its widget; while the widget is there, it is only slow."""
        if number != self._number or not self._busy:
            return
        gone = self._target is None or not self._target.is_attached
        if looks and (gone or looks > MOST_LOOKS):
            self._settle(number)
        else:
            asyncio.get_running_loop().call_later(LOST_S, self._look, number, looks + 1)

    def _settle(self, number: int) -> None:
        if number != self._number or not self._busy:
            return
        if not (self._open() and self._app.screen_stack and self._app.screen.is_mounted):
            asyncio.get_running_loop().call_later(LOOK_AGAIN_S, self._settle, number)
            return
        self._busy = False
        if self._waiting:
            self._due = self._waiting.popleft()
            self._app.post_message(self._due)

    def _open(self) -> bool:
        """Return whether no verb keeps keys back; one that takes too long costs what was typed meanwhile."""
        if self._held_until_s is None or len(self._app.screen_stack) > self._held_at:
            self._held_until_s = None
        elif self._stopwatch() >= self._held_until_s:
            self._held_until_s = None
            if self._waiting and not self._leaving():
                self._dropped(len(self._waiting))
                self._waiting.clear()
        return self._held_until_s is None

    def _leaving(self) -> bool:
        """Return whether all that was typed is one key that leaves."""
        first = self._waiting[0]
        return len(self._waiting) == 1 and isinstance(first, events.Key) and first.key in {"q", "escape"}
