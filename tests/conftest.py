"""One real server per test process, emptied before each test that asks for it."""

import signal
from collections.abc import AsyncIterator, Iterator

import pytest
from redis.asyncio import Redis

from qconsole.redis.connect import connect
from qconsole.redis.embedded import EmbeddedServer
from qconsole.redis.topology import ClusterFleet, SentinelFleet
from tests.support import server_binary


def pytest_configure() -> None:
    """Let Ctrl-C reach what the tests start, also where a shell made them ignore it by running them behind itself."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests of one fleet in one process, so that it is started once a run."""
    for test in items:
        assert isinstance(test, pytest.Function)
        chosen = list(test.callspec.params.values()) if hasattr(test, "callspec") else []
        for fleet in ("cluster", "sentinel"):
            if f"{fleet}_fleet" in test.fixturenames or fleet in chosen:
                test.add_marker(pytest.mark.xdist_group(fleet))


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    """The server of this test process: append-only file on, loopback, ended with the process."""
    with EmbeddedServer(tmp_path_factory.mktemp("redis"), binary=server_binary()) as server:
        yield server


@pytest.fixture
async def redis_url(redis_server: EmbeddedServer) -> str:
    """The server's URL, with every database empty."""
    client = connect(redis_server.url, name="flush")
    await client.flushall()
    await client.aclose()
    return redis_server.url


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """A client of the emptied server."""
    client = connect(redis_url, name="test")
    yield client
    await client.aclose()


@pytest.fixture(scope="session")
def sentinel_fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SentinelFleet]:
    """A primary, a replica and three sentinels; tests that break them start their own."""
    with SentinelFleet(tmp_path_factory.mktemp("sentinel"), replicas=1, binary=server_binary()) as fleet:
        yield fleet


@pytest.fixture(scope="session")
def cluster_fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClusterFleet]:
    """A healthy cluster of three primaries and three replicas; tests that break nodes start their own."""
    with ClusterFleet(tmp_path_factory.mktemp("cluster"), binary=server_binary()) as fleet:
        yield fleet


@pytest.fixture
async def cluster_url(cluster_fleet: ClusterFleet) -> str:
    """The cluster's URL, with every node empty."""
    client = connect(cluster_fleet.url, name="flush")
    await client.flushall()
    await client.aclose()
    return cluster_fleet.url
