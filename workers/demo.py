"""The demo's worker settings, and its feeder: `python -m workers.demo prepare | feed | trickle --redis URL`.

The job types are the platform's own. What is different: a short lease and short delays, so that a crash and a retry can
be watched, and a store that does not answer the first time it is asked for one of the documents.
"""

import argparse
import asyncio
import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Final

from qconsole.runtime import Client, Fixed, JobType, QueuePolicy
from workers.config import PlatformSettings
from workers.db import Database, upgrade
from workers.db.models import CatalogueRow
from workers.demo_documents import catalogue, write_documents
from workers.documents.jobs import ProcessDocument, process_document
from workers.platform import platform_of
from workers.settings import WorkerSettings as PlatformWorkerSettings
from workers.settings import open_platform
from workers.storage import Storage

SLOW_REF_FILE: Final = "answers-late.txt"
"""In the storage folder: references whose first read fails, one a line."""

RETRY_AFTER_S: Final = 2
TRICKLE_EVERY_S: Final = 1.5


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
    """The platform's worker with a lease of five seconds."""

    job_types: ClassVar[list[JobType[Any]]] = PlatformWorkerSettings.job_types
    queues: ClassVar[Mapping[str, QueuePolicy]] = PlatformWorkerSettings.queues
    on_startup = open_demo
    lock_s = 5


async def prepare(settings: PlatformSettings) -> None:
    """Brings the database to its newest version and fills the catalogue."""
    database = Database(settings.database_url)
    await upgrade(database)
    async with database.writing() as session:
        for row in catalogue():
            await session.merge(
                CatalogueRow(code=row.part_number, name=row.name, unit=row.unit, price=row.price, updated_ms=0)
            )
    await database.close()


async def feed(settings: PlatformSettings, client: Client) -> None:
    """Stores the demo's documents and enqueues a job for each, named `doc-<file name>`."""
    storage = Storage(settings.storage_dir)
    late: list[str] = []
    for path in write_documents(settings.storage_dir.parent / "documents").values():
        stored = await storage.put(path.read_bytes())
        if path.stem == "late":
            late.append(stored.ref)
            (settings.storage_dir / SLOW_REF_FILE).write_text("\n".join(late))
        await _enqueue(client, f"doc-{path.stem}", stored.ref, path.name)


async def trickle(settings: PlatformSettings, client: Client) -> None:
    """Enqueues a document now and then, for ever; one in six is broken."""
    storage = Storage(settings.storage_dir)
    files = sorted((settings.storage_dir.parent / "documents").iterdir())
    for number in itertools.count(1):
        path = files[number % len(files)]
        if path.stem != "large_order":
            # A comment behind the content makes it another file, so that it is read anew.
            stored = await storage.put(path.read_bytes() + b"\n%" + str(number).encode())
            await _enqueue(client, f"doc-{number:05d}-{path.stem}", stored.ref, path.name)
        await asyncio.sleep(TRICKLE_EVERY_S)


async def _enqueue(client: Client, document_id: str, file_ref: str, name: str) -> None:
    payload = ProcessDocument(document_id=document_id, file_ref=file_ref, name=name, customer="lapwing")
    await client.enqueue(process_document, payload, job_id=document_id, backoff=Fixed(RETRY_AFTER_S))


async def main() -> None:
    """Runs one step of the demo."""
    parser = argparse.ArgumentParser(prog="python -m workers.demo")
    parser.add_argument("step", choices=["prepare", "feed", "trickle"])
    parser.add_argument("--redis", metavar="URL")
    options = parser.parse_args()
    settings = PlatformSettings()
    if options.step == "prepare":
        await prepare(settings)
        return
    client = await Client.connect(options.redis)
    try:
        await (feed if options.step == "feed" else trickle)(settings, client)
    finally:
        await client.aclose()


if __name__ == "__main__":
    asyncio.run(main())
