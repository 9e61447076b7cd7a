"""Serves the console alone with uvicorn, after refusing what would be unsafe."""

import uvicorn

from qconsole.admin.admin import Admin
from qconsole.config import Settings
from qconsole.web.app import create_app
from qconsole.web.options import ConsoleOptions

GRACE_S = 3


def server(settings: Settings, *, admin: Admin | None = None, options: ConsoleOptions | None = None) -> uvicorn.Server:
    """Return a server for the settings' address, not yet running.

    Raises:
        ConfigError: the address would let strangers in.
    """
    options = options or ConsoleOptions.of(settings)
    options.refuse_unsafe(settings.web_host)
    app = create_app(settings, admin=admin, options=options)
    config = uvicorn.Config(
        app,
        host=settings.web_host,
        port=settings.web_port,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE_S,
    )
    return uvicorn.Server(config)


async def serve(settings: Settings, *, admin: Admin | None = None, options: ConsoleOptions | None = None) -> None:
    """Serve until the process is told to stop."""
    await server(settings, admin=admin, options=options).serve()
