"""What a mail is: who gets it, its content, its attachments, and an identity that stays the same over attempts."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr

from qconsole.errors import Unrecoverable
from workers.mail.rendering import Rendered


@dataclass(frozen=True, slots=True)
class Attached:
    """A file that goes with a mail."""

    name: str
    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail ready to be sent; `recipients` is the envelope, `source` the bytes on the wire."""

    sender: str
    recipients: tuple[str, ...]
    source: bytes


def message_id(job_id: str, mail_from: str) -> str:
    """Returns the identity of the mail of a job: the same for each of its attempts."""
    domain = parseaddr(mail_from)[1].rpartition("@")[2] or "localhost"
    return f"<{hashlib.sha256(job_id.encode()).hexdigest()[:32]}@{domain}>"


def compose(
    rendered: Rendered,
    *,
    mail_id: str,
    mail_from: str,
    to: Sequence[str],
    cc: Sequence[str],
    recipients: Sequence[str],
    reply_to: str,
    attached: Sequence[Attached],
    at_ms: int,
) -> Mail:
    """Returns the mail.

    Args:
        to, cc: what the header shows; blind copies are in `recipients` only.
        recipients: who gets it this time.

    Raises:
        Unrecoverable: an address or a header is not one.
    """
    message = EmailMessage()
    try:
        message["From"] = mail_from
        message["To"] = [_address(one) for one in to]
        if cc:
            message["Cc"] = [_address(one) for one in cc]
        if reply_to:
            message["Reply-To"] = _address(reply_to)
        message["Subject"] = rendered.subject
        message["Message-ID"] = mail_id
        message["Date"] = format_datetime(datetime.fromtimestamp(at_ms / 1000, UTC))
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(rendered.text)
        message.add_alternative(rendered.html, subtype="html")
        for one in attached:
            kind, _, subtype = one.content_type.partition("/")
            message.add_attachment(
                one.content, maintype=kind or "application", subtype=subtype or "octet-stream", filename=_name(one.name)
            )
    except (ValueError, IndexError) as error:
        raise Unrecoverable(f"the mail cannot be built: {error}") from error
    return Mail(sender=parseaddr(mail_from)[1], recipients=tuple(recipients), source=message.as_bytes())


def _address(text: str) -> Address:
    shown, spec = parseaddr(text)
    return Address(display_name=shown, addr_spec=spec)


def _name(name: str) -> str:
    """Returns a file name without folders and control characters."""
    cleaned = "".join(letter for letter in name if letter.isprintable()).replace("\\", "/").rpartition("/")[2]
    return cleaned[:150] or "attachment"
