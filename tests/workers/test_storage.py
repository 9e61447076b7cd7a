"""Files are kept once, appear whole, and only references of our own making are followed."""

import os
import time
from pathlib import Path

import pytest

from qconsole.errors import NotFound, UsageError
from workers.storage import Storage


async def test_what_is_put_can_be_read_and_equal_files_are_one(tmp_path: Path) -> None:
    storage = Storage(tmp_path)
    first, second = await storage.put(b"content"), await storage.put(b"content")
    assert first == second
    assert await storage.read(first.ref) == b"content"
    assert first.size_bytes == 7


async def test_a_written_file_is_adopted_whole(tmp_path: Path) -> None:
    storage = Storage(tmp_path)
    part = storage.partial("report")
    part.write_bytes(b"x" * 3_000_000)
    stored = await storage.adopt(part)
    assert not part.exists()
    assert len(await storage.read(stored.ref)) == stored.size_bytes == 3_000_000


async def test_what_a_dead_writer_left_is_swept_and_what_is_being_written_stays(tmp_path: Path) -> None:
    storage = Storage(tmp_path)
    left, growing = storage.partial("left"), storage.partial("growing")
    for part in (left, growing):
        part.write_bytes(b"half")
    two_days_ago = time.time() - 2 * 86_400
    os.utime(left, (two_days_ago, two_days_ago))
    assert await storage.sweep_partial(older_s=86_400) == 1
    assert not left.exists()
    assert growing.exists()


async def test_a_removed_file_is_gone_and_removing_again_is_fine(tmp_path: Path) -> None:
    storage = Storage(tmp_path)
    stored = await storage.put(b"content")
    await storage.remove(stored.ref)
    await storage.remove(stored.ref)
    with pytest.raises(NotFound):
        await storage.read(stored.ref)


@pytest.mark.parametrize("ref", ["../../etc/passwd", "", "a" * 63, "A" * 64, "a" * 64 + "\n", "/" + "a" * 63])
async def test_a_foreign_reference_is_refused(tmp_path: Path, ref: str) -> None:
    with pytest.raises(UsageError, match="64 hexadecimal digits"):
        await Storage(tmp_path).read(ref)
