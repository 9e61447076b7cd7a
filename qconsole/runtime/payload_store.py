"""Where payloads over the limit lie (claim check): the job carries a reference, the worker fetches the payload.

A reference is the payload's own hash, so storing twice stores once, and a changed payload is noticed.
"""

import asyncio
import hashlib
import os
import re
import time
from pathlib import Path
from typing import Final, Protocol

import orjson

from qconsole.errors import Undecodable
from qconsole.runtime.json_codec import TAG

CLAIM_CHECK: Final = "claim_check"
LARGE_BYTES: Final = 65_536

_REFERENCE: Final = re.compile(r"[0-9a-f]{64}")
_MARK: Final = b'{"$qc":"claim_check"'


class PayloadStore(Protocol):
    """Keeps payloads by reference."""

    async def put(self, reference: str, payload: bytes) -> None:
        """Keep a payload until nobody can need it any more."""
        ...

    async def get(self, reference: str) -> bytes | None:
        """Return a payload, or None when it is gone."""
        ...


def claim_check(payload: bytes) -> tuple[str, bytes]:
    """Return a large payload's reference, and what the job carries in its place."""
    reference = hashlib.sha256(payload).hexdigest()
    return reference, orjson.dumps({TAG: CLAIM_CHECK, "v": {"ref": reference, "bytes": len(payload)}})


def reference_of(payload: bytes) -> str | None:
    """Return the reference a job's payload consists of, or None when it is a payload itself."""
    if not payload.startswith(_MARK):
        return None
    try:
        reference = orjson.loads(payload)["v"]["ref"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return None
    return reference if isinstance(reference, str) and _REFERENCE.fullmatch(reference) else None


async def resolve(payload: bytes, store: PayloadStore | None) -> bytes:
    """Return the payload a job's own payload stands for; most stand for themselves.

    Raises:
        Undecodable: it is a reference, and there is no store, or the store lost or changed the payload.
    """
    reference = reference_of(payload)
    if reference is None:
        return payload
    if store is None:
        raise Undecodable("the payload is kept in a payload store, and this process has none configured", ref=reference)
    found = await store.get(reference)
    if found is None:
        raise Undecodable(f"the payload store no longer has payload {reference[:12]}…", ref=reference)
    if hashlib.sha256(found).hexdigest() != reference:
        raise Undecodable(f"the payload store's copy of payload {reference[:12]}… is damaged", ref=reference)
    return found


class FilePayloadStore:
    """Payloads as files of one folder that producers and workers share.

    Args:
        folder: created when missing, readable by its owner only.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def _path(self, reference: str) -> Path:
        if not _REFERENCE.fullmatch(reference):
            raise Undecodable(f"a payload reference must be 64 hexadecimal digits, got {reference[:80]!r}")
        return self._folder / reference[:2] / reference

    async def put(self, reference: str, payload: bytes) -> None:
        """Keep a payload; its age counts from the last time it was put."""
        await asyncio.to_thread(self._write, self._path(reference), payload)

    async def get(self, reference: str) -> bytes | None:
        """Return a payload, or None when it is gone."""
        return await asyncio.to_thread(self._read, self._path(reference))

    async def sweep(self, older_than_s: float) -> int:
        """Delete payloads nobody has put for this long, and return how many."""
        return await asyncio.to_thread(self._sweep, time.time() - older_than_s)

    @staticmethod
    def _write(path: Path, payload: bytes) -> None:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        part = path.with_name(f"{path.name}.{os.getpid()}.{os.urandom(4).hex()}.part")
        try:
            with part.open("wb") as file:
                file.write(payload)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)

    @staticmethod
    def _read(path: Path) -> bytes | None:
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None

    def _sweep(self, before_s: float) -> int:
        swept = 0
        for path in self._folder.glob("??/*"):
            if path.stat().st_mtime < before_s:
                path.unlink(missing_ok=True)
                swept += 1
        return swept
