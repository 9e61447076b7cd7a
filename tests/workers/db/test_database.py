"""The schema is what the models say, transactions hold, and wrong URLs are refused in a sentence."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, select, text

from qconsole.errors import ConfigError
from tests.support import eventually
from tests.workers.support import every_database, settings_in
from workers.db import Database, upgrade
from workers.db.migrate import downgrade
from workers.db.models import Base, CatalogueRow, User


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    found = Database(settings_in(tmp_path / "deep").database_url)
    await upgrade(found)
    yield found
    await found.close()


@every_database
async def test_the_migrations_make_what_the_models_say(database: Database) -> None:
    async with database.engine.begin() as connection:
        differences = await connection.run_sync(
            lambda sync: compare_metadata(MigrationContext.configure(sync, opts={"compare_type": True}), Base.metadata)
        )
    assert differences == []


@every_database
async def test_upgrading_twice_changes_nothing_and_downgrading_leaves_nothing(database: Database) -> None:
    await upgrade(database)
    await downgrade(database, "base")
    async with database.engine.connect() as connection:
        tables = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
    assert tables == ["alembic_version"]


@every_database
async def test_a_failed_transaction_leaves_nothing(database: Database) -> None:
    with pytest.raises(RuntimeError):
        async with database.writing() as session:
            session.add(User(id="u1", email="a@example.org", created_ms=1))
            await session.flush()
            raise RuntimeError("half-way")
    async with database.reading() as session:
        assert (await session.execute(select(User))).all() == []


@every_database
async def test_amounts_are_kept_to_the_last_digit(database: Database) -> None:
    async with database.writing() as session:
        session.add(CatalogueRow(code="1", name="x", price=Decimal("0.100000000000000001"), updated_ms=1))
    async with database.reading() as session:
        price = (await session.execute(select(CatalogueRow.price))).scalar_one()
    assert price == Decimal("0.100000000000000001")


@every_database
async def test_many_writers_at_once_lose_nothing(database: Database) -> None:
    async with database.writing() as session:
        session.add(User(id="u1", email="a@example.org", quiet_from_min=0, created_ms=1))

    turns: list[int] = []

    async def add_one(number: int) -> None:
        async with database.writing() as session:
            turns.append(number)
            user = await session.get_one(User, "u1", with_for_update=True)
            user.quiet_from_min = (user.quiet_from_min or 0) + 1

    await asyncio.gather(*(add_one(number) for number in range(40)))
    if database.url.get_backend_name() == "sqlite":  # which would let some wait for long while others go on
        assert turns == list(range(40))
    async with database.reading() as session:
        assert (await session.get_one(User, "u1")).quiet_from_min == 40


@every_database
async def test_readers_are_not_held_up_by_a_writer(database: Database) -> None:
    async with database.writing() as writer:
        await writer.execute(text("SELECT 1"))
        async with asyncio.timeout(5), database.reading() as reader:
            assert (await reader.execute(select(User))).all() == []


@pytest.mark.parametrize("url", ["mysql://h/db", "nonsense", ""])
def test_another_database_is_refused_in_a_sentence(url: str) -> None:
    with pytest.raises(ConfigError, match="database") as caught:
        Database(url)
    assert caught.value.hint


def test_a_password_does_not_show() -> None:
    database = Database("postgresql://user:secret@127.0.0.1/platform")
    assert "secret" not in repr(database.url)
    assert database.url.drivername == "postgresql+asyncpg"


async def test_a_connection_that_is_stopped_while_it_closes_leaves_nothing_hanging(tmp_path: Path) -> None:
    """What SQLAlchemy does when a statement that waits is cancelled twice, as at the end of a worker."""
    database = Database(f"sqlite:///{tmp_path / 'platform.db'}")
    async with database.engine.connect() as made:
        connection = (await made.get_raw_connection()).driver_connection
        assert connection is not None
        with closing(sqlite3.connect(tmp_path / "platform.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            waits = asyncio.create_task(connection.execute("BEGIN IMMEDIATE"))
            closes = asyncio.create_task(connection.close())
            await eventually(lambda: connection._tx.qsize())
            connection.stop()
        await asyncio.wait_for(closes, 60)
        await asyncio.gather(waits, return_exceptions=True)
    await database.close()
