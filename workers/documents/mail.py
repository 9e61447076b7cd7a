"""Reads mails: the HTML body (or the plain one), and every attachment by its own reader.

Large pictures inside the text are read where there is neither an attachment nor a table.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage, Message

from workers.documents import ocr
from workers.documents.errors import UnreadableBlank, UnreadableDocument, UnreadableTooLarge
from workers.documents.limits import MAX_MAIL_ATTACHMENTS, MAX_MAIL_DEPTH
from workers.documents.markup import read_html
from workers.documents.message import messages_in
from workers.documents.model import Kind, ParsedDocument
from workers.documents.plaintext import grids_in_text, page_of_text
from workers.documents.spreadsheet import decode

_SMALL_PICTURE_BYTES = 40_000
_MAX_INLINE_PICTURES = 3
Reader = Callable[[bytes, str | None, int], ParsedDocument]


def read_mail(data: bytes, *, name: str | None, depth: int, read: Reader) -> ParsedDocument:
    """Return a mail as its body and its readable attachments; what could not be read is noted.

    Args:
        data: The mail as sent.
        name: Its file name.
        depth: How many mails it is nested in.
        read: Reads an attachment: its bytes, its name, its depth.

    Raises:
        UnreadableBlank: It has neither text nor a readable attachment.
        UnreadableTooLarge: It is nested too deeply or has too many attachments.
    """
    if depth >= MAX_MAIL_DEPTH:
        raise UnreadableTooLarge(f"mails must be nested at most {MAX_MAIL_DEPTH} deep")
    message = message_from_bytes(data, policy=policy.default)
    attachments: list[ParsedDocument] = []
    notes: list[str] = []
    html: list[str] = []
    plain: list[str] = []
    pictures: list[Message] = []
    for count, part in enumerate(_parts(message)):
        if count > MAX_MAIL_ATTACHMENTS:
            raise UnreadableTooLarge(f"a mail must have at most {MAX_MAIL_ATTACHMENTS} parts")
        if _is_body(part):
            (html if part.get_content_type() == "text/html" else plain).append(_text(part))
            continue
        content = _content(part)
        if content and _is_decoration(part, content):
            pictures += [part] if ocr.is_large_picture(content) else []
        elif content:
            _attach(part, content, attachments, notes, depth, read)
    grids, text = read_html("\n".join(html)) if html else ([], "")
    messages = [message for body in (text, "\n".join(plain)) for message in messages_in(body)]
    pages = [page_of_text(message) for message in messages]
    grids = grids or [grid for message in messages for grid in grids_in_text(message)]
    if not attachments and not grids:
        for part in pictures[:_MAX_INLINE_PICTURES]:
            _attach(part, _content(part), attachments, notes, depth, read)
    if not pages and not attachments:
        raise UnreadableBlank(
            "the mail has no text and no readable attachment" + "".join(f"; {note}" for note in notes)
        )
    return ParsedDocument(
        Kind.MAIL, name, tuple(pages), tuple(grids), attachments=tuple(attachments), notes=tuple(notes)
    )


def _attach(
    part: Message, content: bytes, attachments: list[ParsedDocument], notes: list[str], depth: int, read: Reader
) -> None:
    """Read an attachment, or note why it cannot be read."""
    try:
        attachments.append(read(content, part.get_filename(), depth + 1))
    except UnreadableDocument as error:
        notes.append(f"attachment {part.get_filename() or part.get_content_type()}: {error.reason}")


def _parts(message: Message) -> Iterator[Message]:
    """Yield the leaves of a mail; an attached mail is one leaf."""
    if message.get_content_type() == "message/rfc822":
        yield message
    elif message.is_multipart():
        for part in message.get_payload():
            if isinstance(part, Message):
                yield from _parts(part)
    else:
        yield message


def _is_body(part: Message) -> bool:
    return (
        part.get_content_type() in ("text/plain", "text/html")
        and part.get_content_disposition() != "attachment"
        and not part.get_filename()
    )


def _text(part: Message) -> str:
    try:
        content = part.get_content() if isinstance(part, EmailMessage) else None
    except (LookupError, UnicodeError, KeyError):
        content = None
    return content if isinstance(content, str) else decode(_content(part))


def _content(part: Message) -> bytes:
    if part.get_content_type() == "message/rfc822":
        inner = part.get_payload()
        return inner[0].as_bytes() if isinstance(inner, list) and inner and isinstance(inner[0], Message) else b""
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _is_decoration(part: Message, content: bytes) -> bool:
    """Tell whether a part is a logo, a signature or a calendar entry rather than a document."""
    kind = part.get_content_type()
    if kind.startswith("image/"):
        return part.get_content_disposition() != "attachment" or len(content) < _SMALL_PICTURE_BYTES
    return bool(re.match(r"text/(?:calendar|x-?vcard|vcard|directory)|application/(?:pkcs7|x-pkcs7|pgp)", kind))
