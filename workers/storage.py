"""Files by reference: uploads, results, attachments. A reference is the content's digest, so equal files are kept once.

Refuses every reference that is not one of its own making; a file appears whole or not at all.
"""

import asyncio
import hashlib
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from qconsole.errors import NotFound, UsageError

_REFERENCE = re.compile(r"[0-9a-f]{64}")
_CHUNK_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Stored:
    """A file that was put: its reference (the SHA-256 of its content) and its size."""

    ref: str
    size_bytes: int


class Storage:
    """A folder of files named by their content."""

    def __init__(self, root: Path) -> None:
        self._root = root

    async def put(self, content: bytes) -> Stored:
        """Keeps the content and returns its reference."""
        return await asyncio.to_thread(self._put, content)

    async def adopt(self, path: Path) -> Stored:
        """Moves a finished file in and returns its reference."""
        return await asyncio.to_thread(self._adopt, path)

    async def read(self, ref: str) -> bytes:
        """Returns the content.

        Raises:
            NotFound: no file has this reference.
        """
        path = self.path(ref)
        try:
            return await asyncio.to_thread(path.read_bytes)
        except FileNotFoundError as error:
            raise NotFound(f"no stored file has the reference {ref[:12]}…", ref=ref) from error

    async def remove(self, ref: str) -> None:
        """Forgets the content; nothing happens when it is gone already."""
        await asyncio.to_thread(self.path(ref).unlink, missing_ok=True)

    def path(self, ref: str) -> Path:
        """Returns where the content lies, whether or not it is there.

        Raises:
            UsageError: this is no reference.
        """
        if not _REFERENCE.fullmatch(ref):
            raise UsageError(f"a file reference must be 64 hexadecimal digits, got {ref[:80]!r}")
        return self._root / ref[:2] / ref

    def partial(self, name: str) -> Path:
        """Returns a path of its own for a file that is being written and will be adopted."""
        folder = self._root / "partial"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder / f"{hashlib.sha256(name.encode()).hexdigest()[:16]}.{os.getpid()}.{os.urandom(4).hex()}"

    async def sweep_partial(self, *, older_s: float) -> int:
        """Forgets files whose writer died before they were adopted; returns how many there were."""
        return await asyncio.to_thread(self._sweep_partial, older_s)

    def _sweep_partial(self, older_s: float) -> int:
        before_s = time.time() - older_s  # the file system's clock, not the platform's
        over = [part for part in (self._root / "partial").glob("*") if part.stat().st_mtime < before_s]
        for part in over:
            part.unlink(missing_ok=True)
        return len(over)

    def _put(self, content: bytes) -> Stored:
        ref = hashlib.sha256(content).hexdigest()
        part = self.partial(ref)
        try:
            with part.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            self._place(part, ref)
        finally:
            part.unlink(missing_ok=True)
        return Stored(ref, len(content))

    def _adopt(self, path: Path) -> Stored:
        digest = hashlib.sha256()
        for chunk in _chunks(path):
            digest.update(chunk)
        ref, size = digest.hexdigest(), path.stat().st_size
        self._place(path, ref)
        return Stored(ref, size)

    def _place(self, part: Path, ref: str) -> None:
        target = self.path(ref)
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        part.replace(target)


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            yield chunk
