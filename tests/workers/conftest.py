"""A platform of its own for each test: a database at the newest version, empty storage.

The database is SQLite; `PLATFORM_TEST_DATABASE=postgresql` runs every test on PostgreSQL instead, and those with
`support.every_database` run on both.
"""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.workers.postgres import Postgres, postgres_server, programs
from tests.workers.support import settings_in
from workers.platform import Platform, opened


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    found = programs()
    if found is None:
        pytest.skip("PostgreSQL's server is not installed (Debian: apt-get install postgresql)")
    with postgres_server(found) as server:
        yield server


@pytest.fixture(autouse=True)
def database_kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    kind: str = getattr(request, "param", os.environ.get("PLATFORM_TEST_DATABASE", "sqlite"))
    monkeypatch.delenv("PLATFORM_DATABASE_URL", raising=False)
    if kind == "postgresql":
        server: Postgres = request.getfixturevalue("postgres")
        with server.fresh() as url:
            monkeypatch.setenv("PLATFORM_DATABASE_URL", url)
            yield kind
    else:
        yield kind


@pytest.fixture
async def platform(tmp_path: Path) -> AsyncIterator[Platform]:
    async with opened(settings_in(tmp_path, reader_processes=1)) as found:
        yield found
