"""The demo's worker settings, and its feeder: `python -m workers.demo prepare | feed | trickle --redis URL`.

The job types are the platform's own. What is different: a short lease and short pauses, so that a crash and a retry can
be watched, and a store that does not answer the first time it is asked for one of the documents.
"""

import argparse
import asyncio
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from qconsole.runtime import Client, Fixed, JobType, QueuePolicy, Schedule
from workers.config import PlatformSettings
from workers.db import Database, upgrade
from workers.demo_feed import RETRY_AFTER_S, SLOW_REF_FILE, feed, feed_documents
from workers.demo_people import add_endpoints, furnish, write_catalogues
from workers.demo_trickle import trickle, trickle_documents
from workers.platform import platform_of
from workers.settings import WorkerSettings as PlatformWorkerSettings
from workers.settings import open_platform
from workers.storage import Storage


class DemoStorage(Storage):
    """The platform's storage, which does not answer the first time it is asked for some files."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self._late = root / SLOW_REF_FILE

    async def read(self, ref: str) -> bytes:
        """As the platform's storage.

        Raises:
            TimeoutError: this file is asked for the first time and was said to be late.
        """
        late = self._late.read_text().split() if self._late.exists() else []
        if ref in late:
            self._late.write_text("\n".join(other for other in late if other != ref))
            raise TimeoutError("the document store did not answer within 5 s")
        return await super().read(ref)


async def open_demo(resources: dict[str, Any]) -> None:
    """Opens the platform on the demo's storage."""
    await open_platform(resources)
    here = platform_of(resources)
    here.storage = DemoStorage(here.settings.storage_dir)


class WorkerSettings(PlatformWorkerSettings):
    """The platform's worker with a lease of five seconds and pauses of two."""

    job_types: ClassVar[list[JobType[Any]]] = [
        replace(declared, backoff=Fixed(RETRY_AFTER_S)) for declared in PlatformWorkerSettings.job_types
    ]
    queues: ClassVar[Mapping[str, QueuePolicy]] = PlatformWorkerSettings.queues
    schedules: ClassVar[list[Schedule]] = PlatformWorkerSettings.schedules
    on_startup = open_demo
    lock_s = 5


async def prepare(settings: PlatformSettings, outside: str | None) -> None:
    """Brings the database to its newest version and puts in what the jobs need; `outside` receives webhooks."""
    database = Database(settings.database_url)
    await upgrade(database)
    async with database.writing() as session:
        await furnish(session)
        if outside is not None:
            await add_endpoints(session, outside)
    if settings.catalogue_source:
        write_catalogues(Path(settings.catalogue_source))
    await database.close()


async def main() -> None:
    """Runs one step of the demo."""
    parser = argparse.ArgumentParser(prog="python -m workers.demo")
    parser.add_argument("step", choices=["prepare", "feed", "trickle"])
    parser.add_argument("--redis", metavar="URL")
    parser.add_argument("--outside", metavar="URL", help="where webhooks are received")
    parser.add_argument("--documents", action="store_true", help="nothing but documents")
    options = parser.parse_args()
    settings = PlatformSettings()
    if options.step == "prepare":
        await prepare(settings, options.outside)
        return
    steps = {"feed": (feed, feed_documents), "trickle": (trickle, trickle_documents)}
    client = await Client.connect(options.redis)
    try:
        await steps[options.step][options.documents](settings, client)
    finally:
        await client.aclose()


if __name__ == "__main__":
    asyncio.run(main())
