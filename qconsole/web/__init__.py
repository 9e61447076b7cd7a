"""The web console: `app.mount("/admin/queues", console("redis://…"))`."""

from qconsole.web.app import console
from qconsole.web.options import Auth, ConsoleOptions

__all__ = ["Auth", "ConsoleOptions", "console"]
