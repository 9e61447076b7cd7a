"""Serves the console alone with uvicorn, after refusing what would be unsafe."""

import socket
from collections.abc import Callable

import uvicorn

from qconsole.config import Settings, with_values
from qconsole.errors import ConfigError
from qconsole.web.app import create_app
from qconsole.web.options import ConsoleOptions

GRACE_S = 3


def server(settings: Settings, *, options: ConsoleOptions | None = None) -> uvicorn.Server:
    """Return a server of the console, not yet running.

    Raises:
        ConfigError: the settings' address would let strangers in.
    """
    options = options or ConsoleOptions.of(settings)
    options.refuse_unsafe(settings.web_host)
    config = uvicorn.Config(
        create_app(settings, options=options),
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE_S,
    )
    return uvicorn.Server(config)


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens on an address; port 0 takes a free one.

    Raises:
        ConfigError: the address cannot be had.
    """
    name, bound = host.strip("[]"), None
    try:
        family = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)[0][0]
        bound = socket.socket(family, socket.SOCK_STREAM)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((name, port))
        bound.listen()  # whoever is told the address may call at once
    except OSError as error:
        if bound is not None:
            bound.close()
        raise ConfigError(
            f"the web console cannot listen on {host}:{port}: {error.strerror or error}", "Choose another --port."
        ) from error
    return bound


def address(bound: socket.socket) -> str:
    """Return the URL of a bound socket."""
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def serve(
    settings: Settings, *, host: str | None = None, port: int | None = None, say: Callable[[str], object] | None = None
) -> int:
    """Serve until the process is told to stop, and return the exit code.

    Args:
        host, port: instead of the settings'.
        say: tells people the address.

    Raises:
        ConfigError: the address cannot be had, or would let strangers in.
    """
    settings = with_values(
        settings, web_host=host or settings.web_host, web_port=settings.web_port if port is None else port
    )
    made = server(settings)
    with listen(settings.web_host, settings.web_port) as bound:
        if say is not None:
            say(f"The web console is at {address(bound)}")
        made.run(sockets=[bound])
    return 0
