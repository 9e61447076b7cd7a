"""The web console: `app.mount("/admin/queues", console("redis://…"))`."""

from qconsole.web.app import console

__all__ = ["console"]
