"""Where an export stands: the marks between its lines, and what a file that was cut short holds up to its last one.

A mark says which entry of which index was written last, by score and member: an export goes on behind it, whatever
became of that entry meanwhile. Pure.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import orjson

from qconsole.errors import Conflict, UsageError

VERSION: Final = 1
PLACE: Final = "place"
SETTINGS: Final = "settings"
_MARK: Final = '{"kind":"place",'
_FRAME: Final = ('{"kind":"export",', _MARK, '{"kind":"end",')


@dataclass(frozen=True, slots=True)
class Place:
    """What was written last.

    Args:
        queue: its queue.
        part: `settings` (with the schedules), or the index whose entries are being written.
        score: the entry's score, as Redis writes it; "" for settings.
        member: the entry.
    """

    queue: str
    part: str = SETTINGS
    score: str = ""
    member: str = ""

    def line(self) -> str:
        """Return the mark as a line of the file."""
        return orjson.dumps({"kind": PLACE, **asdict(self)}).decode()


@dataclass(frozen=True, slots=True)
class Unfinished:
    """What a file holds of an export that did not come to its end.

    Args:
        queues: the queues of the export, in its order.
        all: it was asked for every queue.
        at_ms: when it was begun, UTC epoch in milliseconds.
        place: its last mark; none when it wrote none.
        records: lines up to the mark that stand for something.
        size_bytes: the length of the file up to and with the mark; what stands behind is to be written again.
    """

    queues: tuple[str, ...]
    all: bool
    at_ms: int
    place: Place | None
    records: int
    size_bytes: int


def unfinished(lines: Iterable[bytes]) -> Unfinished | None:
    """Read a file that was cut short, line by line with their ends; none when not even its header is whole.

    Raises:
        UsageError: it does not begin with the header of an export.
        Conflict: another version wrote it.
    """
    source = iter(lines)
    first = next(source, b"")
    if not first.endswith(b"\n"):
        return None
    header = _read(first)
    check_header(header)
    place, records, size_bytes = None, 0, len(first)
    seen_records, seen_bytes = 0, len(first)
    for line in source:
        seen_bytes += len(line)
        if line.startswith(_MARK.encode()) and line.endswith(b"\n"):
            mark = _read(line)
            place = Place(*(str(mark.get(name, "")) for name in ("queue", "part", "score", "member")))
            records, size_bytes = seen_records, seen_bytes
        else:
            seen_records += 1
    queues = tuple(str(name) for name in header.get("queues", ()))
    return Unfinished(queues, bool(header.get("all")), int(header.get("at_ms", 0)), place, records, size_bytes)


def is_record(line: str) -> bool:
    """Say whether a line that export writes stands for something in a queue: no header, mark or end."""
    return not line.startswith(_FRAME)


def check_header(document: Mapping[str, Any]) -> None:
    """Check the first line of an export.

    Raises:
        UsageError: it is no header of ours.
        Conflict: another version wrote it.
    """
    if document.get("kind") != "export":
        raise UsageError("the first line must be the header that qconsole export writes", "Check the file.")
    if document.get("version") != VERSION:
        raise Conflict(
            f"the export must be of version {VERSION}, got {document.get('version')!r}", "Use that qconsole."
        )


def _read(line: bytes) -> dict[str, Any]:
    try:
        document = orjson.loads(line)
    except orjson.JSONDecodeError:
        return {}
    return document if isinstance(document, dict) else {}
