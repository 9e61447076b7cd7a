"""A real SMTP server on loopback, with TLS and a login, that answers as the test wants for each recipient."""

import asyncio
import ssl
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import trustme
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


@dataclass(slots=True)
class Received:
    """One mail the server took: for whom, and what it says."""

    recipients: list[str]
    content: bytes

    @property
    def mail(self) -> EmailMessage:
        return message_from_bytes(self.content, policy=default)


@dataclass(slots=True)
class Server:
    """What the server got, and how it answers: by recipient, to DATA, and in total."""

    port: int = 0
    ca_file: Path = Path()
    got: list[Received] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)
    data_answer: str | None = None
    connections: int = 0

    async def handle_EHLO(
        self, server: SMTP, session: Session, _: Envelope, hostname: str, lines: list[str]
    ) -> list[str]:
        session.host_name = hostname
        self.connections += session.ssl is None
        return lines

    async def handle_RCPT(self, _: SMTP, __: Session, envelope: Envelope, address: str, options: list[str]) -> str:
        if address in self.answers:
            return self.answers[address]
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, _: SMTP, __: Session, envelope: Envelope) -> str:
        if self.data_answer is not None:
            return self.data_answer
        content = envelope.content
        assert isinstance(content, bytes)
        self.got.append(Received(list(envelope.rcpt_tos), content))
        return "250 taken"


def _check_login(_: SMTP, __: Session, ___: Envelope, mechanism: str, auth: Any) -> AuthResult:
    right = isinstance(auth, LoginPassword) and (auth.login, auth.password) == (b"robot", b"s3cret")
    return AuthResult(success=right)


@asynccontextmanager
async def smtp_server(folder: Path, *, tls_at_once: bool = False) -> AsyncIterator[Server]:
    """Runs the server with a login required, after STARTTLS or on a line that is encrypted from its first byte."""
    authority = trustme.CA()
    server = Server(ca_file=folder / "ca.pem")
    authority.cert_pem.write_to_path(str(server.ca_file))
    context = _server_context(authority)

    starttls: dict[str, Any] = (
        {"auth_require_tls": False} if tls_at_once else {"tls_context": context, "require_starttls": True}
    )

    def protocol() -> SMTP:
        with warnings.catch_warnings():
            # The class cannot know that the line is encrypted by then.
            warnings.filterwarnings("ignore", "Requiring AUTH while not requiring TLS")
            return SMTP(server, auth_required=True, authenticator=_check_login, **starttls)

    listening = await asyncio.get_running_loop().create_server(
        protocol, "127.0.0.1", 0, ssl=context if tls_at_once else None
    )
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()


def _server_context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    return context
