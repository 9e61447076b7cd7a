"""A platform with its mail server and its receiver, a queue, and an operator who replays what was buried."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from redis.asyncio import Redis
from sqlalchemy import select

from qconsole.admin import Actor, Admin
from qconsole.runtime import Client, Fixed, JobType
from qconsole.runtime.codec import decode_result
from tests.workers.http_server import Receiver, http_server
from tests.workers.smtp_server import Server, smtp_server
from tests.workers.support import context, settings_in, work
from workers.db.models import FailedJob
from workers.dead_letter import FollowDeadLetters, dead_letter, follow_dead_letters
from workers.platform import Platform, opened


@dataclass(slots=True)
class Story:
    """One platform and what happens on it; `platform` may be opened anew with other settings."""

    folder: Path
    redis: Redis
    redis_url: str
    mail: Server
    receiver: Receiver
    stack: AsyncExitStack
    platform: Platform = field(init=False)

    async def open(self, **settings: Any) -> None:
        known = {
            "smtp_port": self.mail.port, "smtp_user": "robot", "smtp_password": SecretStr("s3cret"),
            "smtp_ca_file": self.mail.ca_file, "webhook_allowed_networks": ("127.0.0.0/8",),
            "link_secret": SecretStr("0123456789abcdef"), "reader_processes": 1,
            "catalogue_source": str(self.folder / "share" / "catalogue.csv"),
        }  # fmt: skip
        self.platform = await self.stack.enter_async_context(opened(settings_in(self.folder, **{**known, **settings})))

    async def buried(self, job_type: JobType[Any], payload: Any, *others: JobType[Any], attempts: int = 2) -> FailedJob:
        """Queues the job, runs it until it is buried, and returns what `failed_jobs` says of it."""
        client = Client(redis=self.redis)
        await client.enqueue(job_type, payload, attempts=attempts, backoff=Fixed(0))
        await work(self.platform, self.redis_url, job_type, *others, dead_letter)
        (failed,) = await self.failed()
        assert (failed.status, failed.job_type) == ("open", job_type.name)
        return failed

    async def replayed(
        self, failed: FailedJob, job_type: JobType[Any], *others: JobType[Any], payload: dict[str, Any] | None = None
    ) -> Any:
        """Replays the entry, runs the new job, and returns its result once `failed_jobs` says that it succeeded."""
        entry = failed.entry_id.removeprefix(f"{failed.queue}/")
        async with await Admin.open(self.redis_url, actor=Actor("ann", "operator", "cli")) as admin:
            await admin.dead_letters.replay(entry, queue=failed.queue, payload=payload, reason="it works again")
        await work(self.platform, self.redis_url, job_type, *others, dead_letter)
        client = Client(redis=self.redis)
        await follow_dead_letters(context(self.platform, client=client)[0], FollowDeadLetters())
        (settled,) = await self.failed()
        assert (settled.status, settled.actor, settled.reason) == ("succeeded", "ann", "it works again")
        keys = client.keys(failed.queue)
        assert settled.replayed_as is not None
        stored = await self.redis.get(keys.result(keys.wire_id(settled.replayed_as)))
        result = None if stored is None else decode_result(stored)
        assert result is not None
        return result.result()

    async def failed(self) -> list[FailedJob]:
        """Returns what `failed_jobs` holds."""
        async with self.platform.database.reading() as session:
            return list((await session.execute(select(FailedJob))).scalars())


@pytest.fixture
async def story(tmp_path: Path, redis: Redis, redis_url: str) -> AsyncIterator[Story]:
    async with http_server() as receiver, smtp_server(tmp_path) as mail, AsyncExitStack() as stack:
        found = Story(tmp_path, redis, redis_url, mail, receiver, stack)
        await found.open()
        yield found
