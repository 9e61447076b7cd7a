"""No exception ends the console: the edge where whatever went wrong becomes a report, and the program goes on."""

import logging
import platform
import traceback
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from textual.message_pump import MessagePump

    _Pump = MessagePump
else:
    _Pump = object

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Report:
    """An unexpected error as it is shown and copied: nothing of any job's payload is in it but what the error says."""

    at: str
    during: str
    error: str
    trace: str

    def __str__(self) -> str:
        about = f"qconsole {version('qconsole')}, textual {version('textual')}, Python {platform.python_version()}"
        return f"{self.error}\n\nwhile {self.during}, at {self.at}\n{about}, {platform.system()}\n\n{self.trace}"


def report(error: BaseException, *, during: str, at: str) -> Report:
    """Describe an error."""
    trace = "".join(traceback.format_exception(error))
    return Report(at, during, f"{type(error).__name__}: {error}", trace)


class Guarded(_Pump):
    """Mix-in for apps, screens and widgets: an error in a message's handler is reported, and the next message is
    dispatched.
    """

    async def _dispatch_message(self, message: Message) -> None:
        try:
            await super()._dispatch_message(message)
        except Exception as error:
            app = self.app
            logger.exception("the terminal console failed during %s", type(message).__name__)
            if not hasattr(app, "report_error"):
                raise
            app.report_error(error, during=f"{type(self).__name__}, {type(message).__name__}")
