"""A platform of its own for each test: SQLite at the newest version, empty storage."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.workers.support import settings_in
from workers.platform import Platform, opened


@pytest.fixture
async def platform(tmp_path: Path) -> AsyncIterator[Platform]:
    async with opened(settings_in(tmp_path, reader_processes=1)) as found:
        yield found
