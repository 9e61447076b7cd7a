"""Where payloads over the limit lie (claim check): the job carries a reference, the worker fetches the payload.

A reference is the payload's own hash, so storing twice stores once, and a changed payload is noticed. What no job and
no dead letter refers to any more is removed by `payload_sweep`.
"""

import asyncio
import hashlib
import os
import re
import time
from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path
from typing import Final, Protocol

import orjson

from qconsole.errors import ConfigError, Undecodable
from qconsole.runtime.json_codec import TAG

CLAIM_CHECK: Final = "claim_check"
LARGE_BYTES: Final = 65_536

_REFERENCE: Final = re.compile(r"[0-9a-f]{64}")
_MARK: Final = b'{"$qc":"claim_check"'
_MENTION: Final = re.compile(rb'"\$qc":"claim_check","v":\{"ref":"([0-9a-f]{64})"')
_DOTTED: Final = re.compile(r"[A-Za-z_]\w*([.:][A-Za-z_]\w*)+")


class PayloadStore(Protocol):
    """Keeps payloads by reference. A payload's age counts from the last time it was put."""

    async def put(self, reference: str, payload: bytes) -> None:
        """Keep a payload until nobody can need it any more."""
        ...

    async def get(self, reference: str) -> bytes | None:
        """Return a payload, or None when it is gone."""
        ...

    async def older_than(self, age_s: float) -> frozenset[str]:
        """Return the references of payloads that nobody has put for this long."""
        ...

    async def remove(self, references: Iterable[str], age_s: float) -> int:
        """Delete those of the payloads that are still this old, and return how many."""
        ...

    async def close(self) -> None:
        """Close what the store opened."""
        ...


MakeStore = Callable[[], PayloadStore]


def open_payload_store(wanted: PayloadStore | MakeStore | str) -> PayloadStore:
    """Return the store that a setting names.

    Args:
        wanted: a store, what makes one, the dotted path of what makes one (`app.payloads.open_store`), or a folder.

    Raises:
        ConfigError: there is nothing of this name that makes a store.
    """
    if not isinstance(wanted, str):
        return wanted() if callable(wanted) else wanted
    if not _DOTTED.fullmatch(wanted):
        return FilePayloadStore(Path(wanted))
    module, _, name = wanted.replace(":", ".").rpartition(".")
    hint = "Name a function without parameters that returns the store, or a folder (one with a dot: ./a.b)."
    try:
        make = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"the payload store {wanted!r} cannot be imported: {error}", hint) from error
    if not callable(make):
        raise ConfigError(f"the payload store {wanted!r} must be a function, got {type(make).__name__}", hint)
    made: PayloadStore = make()
    return made


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


def references_in(stored: bytes) -> frozenset[str]:
    """Return every reference that stored bytes mention: a call, a result, a field of a dead letter."""
    return frozenset(reference.decode() for reference in _MENTION.findall(stored))


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

    async def older_than(self, age_s: float) -> frozenset[str]:
        """Return the references of payloads that nobody has put for this long."""
        return await asyncio.to_thread(self._older_than, time.time() - age_s)

    async def remove(self, references: Iterable[str], age_s: float) -> int:
        """Delete those of the payloads that are still this old, and return how many."""
        paths = [self._path(reference) for reference in references]
        return await asyncio.to_thread(self._remove, paths, time.time() - age_s)

    async def close(self) -> None:
        """Files are open only while they are read or written."""

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

    def _older_than(self, before_s: float) -> frozenset[str]:
        old = set()
        for path in self._folder.glob("??/*"):
            if path.stat().st_mtime >= before_s:
                continue
            if _REFERENCE.fullmatch(path.name):
                old.add(path.name)
            else:
                path.unlink(missing_ok=True)  # half a payload, whose writer died
        return frozenset(old)

    @staticmethod
    def _remove(paths: list[Path], before_s: float) -> int:
        removed = 0
        for path in paths:
            try:
                if path.stat().st_mtime < before_s:
                    path.unlink()
                    removed += 1
            except FileNotFoundError:
                continue
        return removed
