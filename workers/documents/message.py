"""Takes the text of a message apart: what its writer says, without signature, and each message quoted below it."""

from __future__ import annotations

import re

from workers.documents.headers import fold

_QUOTING = re.compile(
    r"^(?:-{2,}\s*)?(?:original message|ursprungliche nachricht|message d origine|message original|mensaje original"
    r"|oorspronkelijk bericht|forwarded message|weitergeleitete nachricht|begin forwarded message|message transfere"
    r"|mensaje reenviado|doorgestuurd bericht|(?:on|am|le|el|op) .{4,90}"
    r"(?:wrote|schrieb|a ecrit|escribio|schreef)\b.{0,60}$)"
)
_HEADER = re.compile(
    r"^(?:\*)?(?:from|von|de|van|sent|gesendet|envoye|enviado|verzonden|to|an|a|aan|date|datum|fecha|subject|betreff|objet|asunto"
    r"|onderwerp|cc)\s?:"
)
_FAREWELL = re.compile(
    r"^(?:(?:with )?(?:best|kind|warm|many)? ?(?:regards|wishes)|(?:many )?thanks(?: and .{0,20})?"
    r"|yours (?:sincerely|faithfully|truly)|cheers"
    r"|(?:mit )?(?:freundlichen|freundliche|besten|beste|viele|vielen|liebe|schone|herzliche)"
    r" (?:grussen|grusse|gruss|dank)"
    r"(?: (?:aus|im voraus|und) .{0,30})?|mfg|grusse?"
    r"|(?:bien )?cordialement|salutations(?: distinguees)?|meilleures salutations|bien a vous"
    r"|(?:un )?(?:cordial )?saludos?(?: cordiales)?|atentamente|gracias y saludos"
    r"|(?:met )?(?:vriendelijke|hartelijke) groet(?:en)?|groet(?:en|jes)?|mvg)$"
)
_SIGNATURE_LINES = 12


def messages_in(text: str) -> list[str]:
    """Return the messages that `text` holds, the newest first, each without its signature; the empty ones left out."""
    parts: list[list[str]] = [[]]
    depth = headers = 0
    for line in text.splitlines():
        bare = re.sub(r"^(?:>\s?)+", "", line)
        level = line[: len(line) - len(bare)].count(">")
        headers = headers + 1 if _HEADER.match(_label(bare)) else 0
        if (level != depth and bare.strip()) or _QUOTING.match(fold(bare)) or headers == 2:
            depth = level
            parts.append([])
        parts[-1].append(bare)
    return [message for part in parts if (message := "\n".join(_unsigned(part))).strip()]


def _label(text: str) -> str:
    """Return the beginning of a line folded, its first colon kept."""
    label, colon, _ = text.partition(":")
    return f"{fold(label)}{colon}" if len(label) < 20 else ""


def _unsigned(lines: list[str]) -> list[str]:
    """Cut a short ending that begins with a farewell or the mark of a signature."""
    for index, line in enumerate(lines):
        leave = line.rstrip() == "--" or _FAREWELL.match(fold(line))
        if leave and index and sum(1 for below in lines[index + 1 :] if below.strip()) <= _SIGNATURE_LINES:
            return lines[:index]
    return lines
