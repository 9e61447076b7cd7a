"""Sends mails over SMTP connections that stay open between mails; says for each recipient what the server answered.

A connection that failed is never used again, and one that has been idle too long is replaced.
"""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiosmtplib

from qconsole.errors import JobError
from workers.config import PlatformSettings
from workers.mail.mail import Mail

_IDLE_S = 30.0
_CONNECTIONS = 5


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server answered about one recipient; 250 is yes, 4xx is not now, 5xx is no."""

    code: int
    text: str

    @property
    def accepted(self) -> bool:
        return self.code < 400

    @property
    def final(self) -> bool:
        return self.code >= 500


class MailRefused(JobError):
    """The server refused the mail as a whole: `reply` says how."""

    code = "mail_refused"

    def __init__(self, reply: Reply) -> None:
        super().__init__(f"the mail server answered {reply.code}: {reply.text}", reply_code=reply.code)
        self.reply = reply


class MailServerUnavailable(JobError):
    """The mail server cannot be reached or broke off."""

    code = "mail_server_unavailable"


class Smtp:
    """A few connections to one mail server."""

    def __init__(self, settings: PlatformSettings) -> None:
        self._settings = settings
        self._idle: list[tuple[float, aiosmtplib.SMTP]] = []
        self._slots = asyncio.Semaphore(_CONNECTIONS)

    async def send(self, mail: Mail) -> Mapping[str, Reply]:
        """Sends the mail and returns the answer for each recipient.

        Raises:
            MailRefused: the server refused sender or content.
            MailServerUnavailable: it cannot be reached or broke off; it may have taken the mail.
        """
        async with self._connection() as connection:
            try:
                refused, answer = await connection.sendmail(mail.sender, mail.recipients, mail.source)
            except aiosmtplib.SMTPRecipientsRefused as error:
                return {one.recipient: _reply(one.code, one.message) for one in error.recipients}
            except aiosmtplib.SMTPResponseException as error:
                raise MailRefused(_reply(error.code, error.message)) from error
        replies = {recipient: Reply(250, answer) for recipient in mail.recipients}
        return {**replies, **{recipient: _reply(*reply) for recipient, reply in refused.items()}}

    async def close(self) -> None:
        """Ends every idle connection."""
        while self._idle:
            await _quit(self._idle.pop()[1])

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[aiosmtplib.SMTP]:
        async with self._slots:
            connection = await self._take()
            healthy = False
            try:
                yield connection
                healthy = True
            except MailRefused as error:
                healthy = error.reply.code != 421
                raise
            except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
                raise MailServerUnavailable(f"the mail server broke off: {error}") from error
            finally:
                if healthy and connection.is_connected:
                    self._idle.append((time.monotonic(), connection))
                else:
                    connection.close()

    async def _take(self) -> aiosmtplib.SMTP:
        while self._idle:
            since, connection = self._idle.pop()
            if connection.is_connected and time.monotonic() - since < _IDLE_S:
                return connection
            await _quit(connection)
        return await self._connect()

    async def _connect(self) -> aiosmtplib.SMTP:
        settings = self._settings
        connection = aiosmtplib.SMTP(
            hostname=settings.smtp_host,
            port=settings.smtp_port,
            use_tls=settings.smtp_security == "tls",
            start_tls=settings.smtp_security == "starttls",
            tls_context=None if settings.smtp_security == "none" else _tls(settings),
            timeout=settings.smtp_timeout_s,
        )
        try:
            await connection.connect()
            if settings.smtp_user:
                await connection.login(settings.smtp_user, settings.smtp_password.get_secret_value())
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            connection.close()
            raise MailServerUnavailable(
                f"the mail server {settings.smtp_host}:{settings.smtp_port} cannot be used: {error}"
            ) from error
        return connection


async def _quit(connection: aiosmtplib.SMTP) -> None:
    try:
        await connection.quit(timeout=2)
    except (aiosmtplib.SMTPException, OSError, TimeoutError):
        connection.close()


def _tls(settings: PlatformSettings) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(settings.smtp_ca_file) if settings.smtp_ca_file else None)


def _reply(code: int, text: str | bytes) -> Reply:
    return Reply(int(code), text.decode(errors="replace") if isinstance(text, bytes) else str(text))
