"""What goes on after the demo's story: a job of some queue every second, for ever; about one in ten fails."""

import asyncio
import itertools
import logging
import random
from collections.abc import Awaitable, Callable
from typing import Final

from qconsole.errors import RedisUnavailable
from qconsole.runtime import Client
from workers.config import PlatformSettings
from workers.demo_feed import BUYER, LARGE, add_event, document, enqueue_document, order_mail, report
from workers.demo_people import FAILING_CUSTOMER, LEFT, PEOPLE
from workers.email import send_email
from workers.exports import ExportRows, Subject, export_rows
from workers.imports import SyncCatalogue, sync_catalogue
from workers.maintenance import Upkeep, cleanup_expired_sessions
from workers.notifications import NotifyUser, notify_user
from workers.reports import Format, make_report
from workers.storage import Storage

EVERY_S: Final = 1.0
logger = logging.getLogger(__name__)
Step = Callable[[int], Awaitable[object]]


class Trickle:
    """The kinds of jobs that go on; each takes its number, which makes it another one than those before."""

    def __init__(self, settings: PlatformSettings, client: Client) -> None:
        self._settings = settings
        self._client = client
        self._storage = Storage(settings.storage_dir)
        self._files = sorted(
            path for path in (settings.storage_dir.parent / "documents").iterdir() if path.stem != LARGE
        )

    def steps(self) -> dict[Step, int]:
        """Return each kind of job with its weight of a hundred."""
        return {
            self.document: 30, self.mail: 22, self.notification: 20, self.event: 10,
            self.report: 3, self.export: 4, self.sync: 2, self.upkeep: 3,
            self.mail_refused: 2, self.left: 2, self.event_down: 1, self.shrunken: 1,
        }  # fmt: skip

    async def document(self, number: int) -> None:
        """A document; one in seven is broken."""
        path = self._files[number % len(self._files)]
        # A comment behind the content makes it another file, so that it is read anew.
        stored = await self._storage.put(path.read_bytes() + b"\n%" + str(number).encode())
        await enqueue_document(self._client, document(f"{number:05d}-{path.stem}", stored.ref, path.name))

    async def mail(self, number: int) -> None:
        await self._client.enqueue(send_email, order_mail(BUYER, 5_000 + number))

    async def mail_refused(self, number: int) -> None:
        await self._client.enqueue(send_email, order_mail(f"nobody{number}@lapwing.example", number))

    async def notification(self, number: int) -> None:
        await self._notify(f"person-{number % PEOPLE:03}", number)

    async def left(self, number: int) -> None:
        await self._notify(LEFT, number)

    async def event(self, number: int) -> None:
        await add_event(self._settings, self._client)

    async def event_down(self, number: int) -> None:
        await add_event(self._settings, self._client, FAILING_CUSTOMER)

    async def report(self, number: int) -> None:
        kind = list(Format)[number % len(Format)]
        await self._client.enqueue(make_report, report(f"today-{number}", kind))

    async def export(self, number: int) -> None:
        subject = list(Subject)[number % len(Subject)]
        await self._client.enqueue(export_rows, ExportRows(export_id=f"{subject}-{number}", subject=subject))

    async def sync(self, number: int) -> None:
        await self._client.enqueue(sync_catalogue, SyncCatalogue())

    async def shrunken(self, number: int) -> None:
        await self._client.enqueue(sync_catalogue, SyncCatalogue(source="shrunken.csv"))

    async def upkeep(self, number: int) -> None:
        await self._client.enqueue(cleanup_expired_sessions, Upkeep())

    async def _notify(self, user_id: str, number: int) -> None:
        told = NotifyUser(event="order", event_id=f"order-{number}", title=f"Order {number} is packed", user_id=user_id)
        await self._client.enqueue(notify_user, told)


async def trickle(settings: PlatformSettings, client: Client) -> None:
    """Enqueues a job of some queue now and then, for ever."""
    steps = Trickle(settings, client).steps()
    chance = random.Random(8)  # noqa: S311 - nothing depends on it
    for number in itertools.count(1):
        (step,) = chance.choices(list(steps), list(steps.values()))
        await _made(step, number)


async def trickle_documents(settings: PlatformSettings, client: Client) -> None:
    """Enqueues a document now and then, for ever."""
    source = Trickle(settings, client)
    for number in itertools.count(1):
        await _made(source.document, number)


async def _made(step: Step, number: int) -> None:
    """Takes one step, and goes on without it when Redis is full or away: those are shown on a demo, too."""
    try:
        await step(number)
    except RedisUnavailable as error:
        logger.warning("%s", error)
    await asyncio.sleep(EVERY_S)
