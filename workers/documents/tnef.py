"""Unpacks `winmail.dat`, the envelope (TNEF) in which Outlook wraps attachments and at times the text.

The layout follows Microsoft's MS-OXTNEF; properties beside texts, names and contents are passed over.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from workers.documents.errors import UnreadableBroken

_SIGNATURE = b"\x78\x9f\x3e\x22"
_BODY, _MESSAGE, _CODE_PAGE = 0x800C, 0x9003, 0x9007
_BEGIN, _TITLE, _CONTENT, _PROPERTIES = 0x9002, 0x8010, 0x800F, 0x9005
_PR_BODY, _PR_HTML, _PR_CONTENT, _PR_LONG_NAME = 0x1000, 0x1013, 0x3701, 0x3707
_FIXED = {2: 4, 3: 4, 4: 4, 5: 8, 6: 8, 7: 8, 10: 4, 11: 4, 20: 8, 64: 8, 72: 16}
_TEXT, _WIDE_TEXT, _OBJECT, _BINARY, _SEVERAL = 30, 31, 13, 258, 0x1000
_GUID_BYTES = 16


@dataclass(slots=True)
class Wrapped:
    """A file inside the envelope; a text of the message has no name."""

    name: str | None = None
    content: bytes = b""


def is_tnef(data: bytes) -> bool:
    """Tell whether `data` is such an envelope."""
    return data.startswith(_SIGNATURE)


def unwrap(data: bytes) -> list[Wrapped]:
    """Return the message's text, HTML where there is any, and the files attached to it.

    Raises:
        UnreadableBroken: It is cut off or damaged.
    """
    try:
        return _unwrap(data)
    except (struct.error, IndexError, LookupError) as error:
        raise UnreadableBroken("the winmail.dat is damaged; ask the sender to send plain attachments") from error


def _unwrap(data: bytes) -> list[Wrapped]:
    encoding, plain, html = "cp1252", b"", b""
    files: list[Wrapped] = []
    for name, value in _attributes(data):
        if name == _CODE_PAGE:
            encoding = _codec(struct.unpack_from("<I", value)[0])
        elif name == _BODY:
            plain = value.rstrip(b"\0")
        elif name == _MESSAGE:
            found = dict(_properties(value, encoding))
            html, plain = found.get(_PR_HTML, html), found.get(_PR_BODY, plain)
        elif name == _BEGIN:
            files.append(Wrapped())
        elif files and name == _TITLE:
            files[-1].name = files[-1].name or value.rstrip(b"\0").decode(encoding, errors="replace")
        elif files and name == _CONTENT:
            files[-1].content = value
        elif files and name == _PROPERTIES:
            found = dict(_properties(value, encoding))
            files[-1].content = files[-1].content or found.get(_PR_CONTENT, b"")
            if _PR_LONG_NAME in found:
                files[-1].name = found[_PR_LONG_NAME].decode("utf-8")
    text = html or plain
    return [*([Wrapped(None, text)] if text.strip() else []), *(file for file in files if file.content)]


def _codec(page: int) -> str:
    try:
        "".encode(f"cp{page}")
    except LookupError:
        return "cp1252"
    return f"cp{page}"


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    place = 6
    while place < len(data):
        name, _, size = struct.unpack_from("<HHI", data, place + 1)
        start = place + 9
        if start + size > len(data):
            raise IndexError(size)
        yield name, data[start : start + size]
        place = start + size + 2


def _properties(data: bytes, encoding: str) -> Iterator[tuple[int, bytes]]:
    """Yield the texts and contents among the properties of a message or an attachment; texts as UTF-8."""
    (count,) = struct.unpack_from("<I", data)
    place = 4
    for _ in range(count):
        kind, name = struct.unpack_from("<HH", data, place)
        place += 4
        if name >= 0x8000:
            place = _after_name(data, place)
        basic = kind & ~_SEVERAL
        if basic in _FIXED:
            times = 1
            if kind & _SEVERAL:
                (times,) = struct.unpack_from("<I", data, place)
                place += 4
            place += times * _FIXED[basic]
            continue
        (times,) = struct.unpack_from("<I", data, place)
        place += 4
        for _ in range(times):
            (size,) = struct.unpack_from("<I", data, place)
            value = data[place + 4 : place + 4 + size]
            place += 4 + size + -size % 4
            if len(value) < size or basic not in (_TEXT, _WIDE_TEXT, _OBJECT, _BINARY):
                raise IndexError(size)
            yield name, _plain(value, basic, encoding)


def _after_name(data: bytes, place: int) -> int:
    """Return where the name of a named property ends."""
    (by_text,) = struct.unpack_from("<I", data, place + _GUID_BYTES)
    place += _GUID_BYTES + 4
    if not by_text:
        return place + 4
    (size,) = struct.unpack_from("<I", data, place)
    return place + 4 + int(size) + -int(size) % 4


def _plain(value: bytes, kind: int, encoding: str) -> bytes:
    if kind == _TEXT:
        return value.rstrip(b"\0").decode(encoding, errors="replace").encode()
    if kind == _WIDE_TEXT:
        return value.decode("utf-16-le", errors="replace").rstrip("\0").encode()
    if kind == _OBJECT:
        return value[_GUID_BYTES:]
    return value
