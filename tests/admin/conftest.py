"""The service on a real server, a clock set by hand, and a worker run by hand."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from qconsole.admin import Actor, Admin
from qconsole.runtime.client import Client
from tests.admin.stock import NOW
from tests.runtime.hand import Hand
from tests.support import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def client(redis: Redis, clock: ManualClock) -> Client:
    return Client(redis=redis, clock=clock)


@pytest.fixture
def hand(redis: Redis, clock: ManualClock) -> Hand:
    return Hand(redis, clock, "email")


@pytest.fixture
async def admin(redis_url: str, clock: ManualClock) -> AsyncIterator[Admin]:
    async with await Admin.open(redis_url, actor=Actor("ann", "admin", "cli"), clock=clock) as service:
        yield service
