"""Text from jobs made safe for a terminal: what would steer the terminal or reorder the line is shown, not obeyed."""

import re
import unicodedata

_NAMED = {0x09: "  ", 0x1B: "␛", 0x7F: "␡", 0x00: "␀"}
_SUSPECT = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff]"
)


def _shown(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code in _NAMED:
        return _NAMED[code]
    if code < 0x20:
        return chr(0x2400 + code)
    return f"\\u{code:04x}"


def visible(text: str, *, keep_newlines: bool = False) -> str:
    """Return `text` with control, bidi and other invisible steering characters written out.

    Args:
        text: untrusted text.
        keep_newlines: leave line feeds as they are (for a block of text); otherwise they show as `␊`.
    """
    if keep_newlines:
        return "\n".join(visible(line) for line in text.split("\n"))
    return _SUSPECT.sub(_shown, text)


def printable_json(text: str) -> str:
    """Return JSON with the steering characters in its strings escaped: the same values, harmless on a terminal."""
    return _SUSPECT.sub(_escaped, text)


def _escaped(match: re.Match[str]) -> str:
    char = match.group()
    return char if char < " " else f"\\u{ord(char):04x}"  # JSON has control characters between its strings only


def clip(text: str, cells: int, *, ellipsis: str = "…") -> str:
    """Return the longest start of `text` that fits into `cells` terminal cells, marked when it was cut."""
    width = 0
    for at, char in enumerate(text):
        width += cell_width(char)
        if width > cells:
            room = cells - len(ellipsis)
            kept, used = [], 0
            for earlier in text[:at]:
                used += cell_width(earlier)
                if used > room:
                    break
                kept.append(earlier)
            return "".join(kept) + ellipsis
    return text


def cell_width(char: str) -> int:
    """Return how many terminal cells one character takes: 0, 1 or 2."""
    if unicodedata.combining(char) or unicodedata.category(char) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(char) in {"W", "F"} else 1
