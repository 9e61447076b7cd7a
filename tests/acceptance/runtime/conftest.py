import pytest
from redis.asyncio import Redis

from qconsole.runtime import Client
from tests.acceptance.runtime.bench import Bench


@pytest.fixture
def bench(redis: Redis) -> Bench:
    return Bench(redis)


@pytest.fixture
def client(redis: Redis) -> Client:
    return Client(redis=redis)
