"""Deploy and operator marks as they are kept: JSON of an operator's, `deploy:<name>` of a worker's start. Pure."""

from dataclasses import dataclass
from typing import Final

import orjson

WORKER_MARK: Final = "deploy:"


@dataclass(frozen=True, slots=True)
class StoredMark:
    """One mark: `deploy` or `operator`, when, and its label."""

    ms: int
    kind: str
    label: str


def read_mark(text: bytes, ms: float) -> StoredMark:
    """Return the mark of a stored text."""
    try:
        said = orjson.loads(text)
    except orjson.JSONDecodeError:
        said = None
    if isinstance(said, dict):
        return StoredMark(int(ms), str(said.get("kind") or "operator"), str(said.get("label") or ""))
    return StoredMark(int(ms), "deploy", text.decode("utf-8", "replace").removeprefix(WORKER_MARK))
