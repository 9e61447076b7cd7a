"""URL paths of names that may hold anything: a queue or job id becomes one path segment and comes back unchanged.

A server decodes `%2F` before routing and proxies normalise `..`, so unsafe bytes are written `!XX` instead of `%XX`.
"""

import re

from starlette.convertors import Convertor, register_url_convertor

_SAFE = re.compile(rb"[A-Za-z0-9_.:@+=,~-]")
_ESCAPED = re.compile(rb"!([0-9A-F]{2})")


def segment(name: str) -> str:
    """Return `name` as one path segment without `/`, `%` or a leading dot."""
    raw = name.encode("utf-8", "surrogateescape")
    escaped = "".join(chr(byte) if _SAFE.match(bytes((byte,))) else f"!{byte:02X}" for byte in raw)
    return "!2E" + escaped[1:] if escaped.startswith(".") else escaped


def unsegment(text: str) -> str:
    """Return the name that `segment` wrote; unescaped text stays as it is, so typed URLs work too."""
    raw = text.encode("utf-8", "surrogateescape")
    return _ESCAPED.sub(lambda match: bytes((int(match.group(1), 16),)), raw).decode("utf-8", "surrogateescape")


class _Segment(Convertor[str]):
    regex = "[^/]+"

    def convert(self, value: str) -> str:
        return unsegment(value)

    def to_string(self, value: str) -> str:
        return segment(value)


register_url_convertor("segment", _Segment())
