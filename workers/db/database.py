"""Connections and transactions. A writing one takes SQLite's write lock at once, so that it never fails half-way.

On SQLite the writing transactions of one process take turns, first come first served. SQLite itself lets those that
wait sleep and try again, so that some wait for seconds while others, who came later, go on.

Invariant: a session is used by one coroutine and ends with its `async with`: commit at the end, rollback on an error.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import aiosqlite
from sqlalchemy import Connection, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

from qconsole.errors import ConfigError

_DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "postgresql": "postgresql+asyncpg",
    "postgres": "postgresql+asyncpg",
}
_BUSY_MS = 30_000
_WRITING = "qconsole_writing"


def database_url(text: str) -> URL:
    """Returns the URL with its asynchronous driver.

    Raises:
        ConfigError: not a URL, or of another database than SQLite and PostgreSQL.
    """
    try:
        url = make_url(text)
    except ArgumentError as error:
        raise ConfigError(
            "the database URL cannot be read", hint="write sqlite:///file.db or postgresql://user:password@host/name"
        ) from error
    driver = _DRIVERS.get(url.drivername.partition("+")[0])
    if driver is None:
        raise ConfigError(
            f"the database must be SQLite or PostgreSQL, got {url.drivername}",
            hint="write sqlite:///file.db or postgresql://user:password@host/name",
        )
    return url.set(drivername=driver)


class Database:
    """One engine and its sessions."""

    def __init__(self, url: str) -> None:
        self.url = database_url(url)
        self._engine = _engine(self.url)
        self._reading = async_sessionmaker(self._engine, expire_on_commit=False)
        self._writing = async_sessionmaker(self._engine.execution_options(**{_WRITING: True}), expire_on_commit=False)
        self._turn: AbstractAsyncContextManager[None] = asyncio.Lock() if _is_sqlite(self.url) else nullcontext()

    @property
    def engine(self) -> AsyncEngine:
        """The engine, for migrations and bulk work."""
        return self._engine

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """Opens a session that writes nothing."""
        async with self._reading() as session:
            yield session

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncSession]:
        """Opens one transaction: committed at the end, rolled back on an error; never opened inside another."""
        async with self._turn, self._writing.begin() as session:
            yield session

    async def close(self) -> None:
        """Closes every connection."""
        await self._engine.dispose()


class _SqliteConnection(aiosqlite.Connection):
    """Stops once. A statement that is cancelled twice makes SQLAlchemy stop the connection's thread while its closing
    still waits to do so; that second stop would wait for ever for a thread that has ended, and so would the process.
    """

    _is_stopped = False

    def stop(self) -> asyncio.Future[Any] | None:
        if self._is_stopped:
            return None
        self._is_stopped = True
        return super().stop()


async def _open_sqlite(path: str) -> _SqliteConnection:
    connection = _SqliteConnection(partial(sqlite3.connect, path, timeout=_BUSY_MS / 1000), iter_chunk_size=64)
    connection._thread.daemon = True  # as SQLAlchemy does with connections it opens itself
    await connection
    return connection


def _is_sqlite(url: URL) -> bool:
    return url.get_backend_name() == "sqlite"


def _engine(url: URL) -> AsyncEngine:
    if not _is_sqlite(url):
        try:
            return create_async_engine(url, pool_pre_ping=True, pool_size=10, max_overflow=20)
        except ModuleNotFoundError as error:
            raise ConfigError("PostgreSQL needs the postgres extra", hint="pip install 'qconsole[postgres]'") from error
    if url.database and url.database != ":memory:":
        Path(url.database).expanduser().parent.mkdir(parents=True, exist_ok=True)
    engine = create_async_engine(url, async_creator=partial(_open_sqlite, url.database or ":memory:"))
    event.listen(engine.sync_engine, "connect", _configure_sqlite)
    event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


def _configure_sqlite(connection: Any, _record: object) -> None:
    # The driver's own BEGIN comes too late to hold the write lock; `_begin_sqlite` sends it instead.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "foreign_keys=ON", "synchronous=NORMAL", f"busy_timeout={_BUSY_MS}"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writing = connection.get_execution_options().get(_WRITING)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")
