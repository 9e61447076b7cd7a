"""Large payloads in the platform's database: the claim check of its jobs.

Producers give it to their client (`Client(payload_store=DatabasePayloadStore(database))`); workers and the console open
it by its path, `workers.payloads.open_payloads`.
"""

from collections.abc import Iterable
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite

from qconsole.clock import Clock, SystemClock
from workers.config import PlatformSettings
from workers.db import Database
from workers.db.models import StoredPayload

_AT_ONCE: Final = 500


class DatabasePayloadStore:
    """A payload store (`qconsole.runtime.payload_store.PayloadStore`) in a database.

    Args:
        database: at the version of a worker's start, or of `python -m workers.db.migrate`.
        clock: where "now" comes from.
    """

    def __init__(self, database: Database, *, clock: Clock | None = None) -> None:
        self._database = database
        self._clock = clock or SystemClock()

    async def put(self, reference: str, payload: bytes) -> None:
        """Keeps a payload; its age counts from the last time it was put."""
        async with self._database.writing() as session:
            make = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
            adding = make(StoredPayload).values(ref=reference, content=payload, put_ms=self._clock.now_ms())
            await session.execute(
                adding.on_conflict_do_update(index_elements=["ref"], set_={"put_ms": adding.excluded.put_ms})
            )

    async def get(self, reference: str) -> bytes | None:
        """Returns a payload, or None when it is gone."""
        async with self._database.reading() as session:
            return await session.scalar(select(StoredPayload.content).where(StoredPayload.ref == reference))

    async def older_than(self, age_s: float) -> frozenset[str]:
        """Returns the references of payloads that nobody has put for this long."""
        async with self._database.reading() as session:
            old = await session.scalars(select(StoredPayload.ref).where(StoredPayload.put_ms < self._before_ms(age_s)))
            return frozenset(old)

    async def remove(self, references: Iterable[str], age_s: float) -> int:
        """Deletes those of the payloads that are still this old, and returns how many."""
        removed, refs = 0, list(references)
        for start in range(0, len(refs), _AT_ONCE):
            over = delete(StoredPayload).where(
                StoredPayload.ref.in_(refs[start : start + _AT_ONCE]), StoredPayload.put_ms < self._before_ms(age_s)
            )
            async with self._database.writing() as session:
                removed += int(getattr(await session.execute(over), "rowcount", 0))
        return removed

    async def close(self) -> None:
        """Closes the database."""
        await self._database.close()

    def _before_ms(self, age_s: float) -> int:
        return self._clock.now_ms() - round(age_s * 1_000)


def open_payloads() -> DatabasePayloadStore:
    """Returns the store in the database that `PLATFORM_DATABASE_URL` names."""
    return DatabasePayloadStore(Database(PlatformSettings().database_url))
