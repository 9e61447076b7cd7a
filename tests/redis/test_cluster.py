"""One client for a cluster: whatever arq and the runtime ask for lands on the right node, also while slots move."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from arq import ArqRedis
from arq.jobs import Job, JobStatus
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from qconsole.errors import RedisUnavailable
from qconsole.redis.connect import connect, is_clustered, primaries
from qconsole.redis.patience import Patience
from qconsole.redis.slots import slot_of
from qconsole.redis.topology import ClusterFleet

QUEUES = ("email", "reports", "webhooks", "document-processing", "data-import")


@pytest.fixture
async def cluster(cluster_url: str) -> AsyncIterator[Redis]:
    client = connect(cluster_url)
    yield client
    await client.aclose()


async def test_keys_live_on_all_nodes_and_are_found_again(cluster: Redis) -> None:
    assert is_clustered(cluster)
    for start in range(0, 300, 50):  # each opens a connection
        await asyncio.gather(*(cluster.set(f"k{n}", n) for n in range(start, start + 50)))
    assert await cluster.dbsize() == 300
    per_node = [await node.dbsize() for node in await primaries(cluster)]
    assert len(per_node) == 3
    assert min(per_node) > 50
    assert {key async for key in cluster.scan_iter(match="k*", count=10)} == {b"k%d" % n for n in range(300)}
    assert await cluster.mget("k1", "k2", "nothing") == [b"1", b"2", None]
    assert await cluster.delete("k1", "k2", "nothing") == 2
    assert await cluster.exists("k3", "k4", "k1") == 2


async def test_a_pipeline_over_nodes_answers_in_order(cluster: Redis) -> None:
    pipe = cluster.pipeline(transaction=False)
    for n in range(50):
        pipe.set(f"k{n}", n)
        pipe.get(f"k{n}")
    pipe.dbsize()
    pipe.ping()
    assert await pipe.execute() == [answer for n in range(50) for answer in (True, b"%d" % n)] + [50, True]
    pipe.get("k1")
    pipe.lpush("k2", "secret")
    with pytest.raises(ResponseError, match="WRONGTYPE") as caught:
        await pipe.execute()
    assert "secret" not in str(caught.value)


async def test_a_transaction_needs_one_slot_and_says_so(cluster: Redis) -> None:
    pipe = cluster.pipeline(transaction=True)
    pipe.set("{a}1", "x")
    pipe.set("{a}2", "y")
    assert await pipe.execute() == [True, True]
    pipe.set("{a}1", "x")
    pipe.set("{b}1", "y")
    with pytest.raises(ResponseError, match="must share a slot, got 2 slots; on a cluster a job id starts with"):
        await pipe.execute()


async def test_scripts_run_on_the_node_of_their_keys(cluster: Redis) -> None:
    script = cluster.register_script("redis.call('set', KEYS[1], ARGV[1]) return KEYS[1]")
    for queue in QUEUES:
        assert await script(keys=[f"qc:{{{queue}}}:x"], args=["1"]) == f"qc:{{{queue}}}:x".encode()
    pipe = cluster.pipeline(transaction=False)
    fresh = cluster.register_script("return redis.call('get', KEYS[1])")
    for queue in QUEUES:
        await fresh(keys=[f"qc:{{{queue}}}:x"], client=pipe)
    assert await pipe.execute() == [b"1"] * len(QUEUES)


@pytest.mark.parametrize("queue", QUEUES)
async def test_arqs_own_producer_and_handles_work_with_tagged_ids(cluster_url: str, queue: str) -> None:
    client = connect(cluster_url, client_class=ArqRedis, default_queue_name=queue)
    job = await client.enqueue_job("send", _job_id=f"{{{queue}}}1")
    assert job is not None
    assert await job.status() is JobStatus.queued
    assert await client.enqueue_job("send", _job_id=f"{{{queue}}}1") is None
    assert [found.job_id for found in await client.queued_jobs(queue_name=queue)] == [f"{{{queue}}}1"]
    with pytest.raises(asyncio.TimeoutError):
        await Job(f"{{{queue}}}1", client, queue).abort(timeout=0.05, poll_delay=0.01)
    assert await client.zrange(f"arq:abort:{{{queue}}}", 0, -1) == [f"{{{queue}}}1".encode()]
    await client.aclose()


async def test_a_watched_key_that_changes_fails_the_transaction_on_its_node(cluster: Redis) -> None:
    async with cluster.pipeline(transaction=True) as pipe:
        await pipe.watch("{q}a")
        assert await pipe.get("{q}a") is None
        await cluster.set("{q}a", "other")
        pipe.multi()
        pipe.set("{q}a", "mine")
        with pytest.raises(Exception, match="Watched variable changed"):
            await pipe.execute()
    assert await cluster.get("{q}a") == b"other"


async def test_messages_cross_the_cluster(cluster: Redis) -> None:
    async with cluster.pubsub() as listener:
        await listener.subscribe("news")
        await listener.get_message(timeout=60)
        await cluster.publish("news", "hello")
        message = await listener.get_message(timeout=60)
    assert message is not None
    assert message["data"] == b"hello"


async def test_blocking_pops_wait_on_the_right_node(cluster: Redis) -> None:
    for queue in QUEUES:
        pop = asyncio.create_task(cluster.blpop([f"qc:{{{queue}}}:wake"], timeout=60))
        await cluster.rpush(f"qc:{{{queue}}}:wake", "1")
        assert await pop is not None


async def test_commands_follow_a_slot_that_moves(cluster: Redis, cluster_fleet: ClusterFleet) -> None:
    slot = slot_of("{moving}")
    await cluster.mset({"{moving}stays": "1"})
    await cluster.set("{moving}goes", "2")
    source = cluster_fleet.owner_of(slot)
    target = next(cluster_fleet[f"node-{n}"] for n in (1, 2, 3) if cluster_fleet[f"node-{n}"] is not source)
    source_id, target_id = (node.ask("CLUSTER", "MYID").split("\r\n")[1] for node in (source, target))
    assert "OK" in target.ask("CLUSTER", "SETSLOT", str(slot), "IMPORTING", source_id)
    assert "OK" in source.ask("CLUSTER", "SETSLOT", str(slot), "MIGRATING", target_id)
    assert "OK" in source.ask("MIGRATE", "127.0.0.1", str(target.port), "{moving}goes", "0", "1000")
    assert await cluster.get("{moving}goes") == b"2"  # ASK
    assert await cluster.get("{moving}stays") == b"1"
    pipe = cluster.pipeline(transaction=False)
    for key in ("{moving}goes", "{moving}stays", "elsewhere"):
        pipe.get(key)
    assert await pipe.execute() == [b"2", b"1", None]
    assert "OK" in source.ask("MIGRATE", "127.0.0.1", str(target.port), "{moving}stays", "0", "1000")
    for node in (target, source):
        assert "OK" in node.ask("CLUSTER", "SETSLOT", str(slot), "NODE", target_id)
    assert await cluster.get("{moving}stays") == b"1"  # MOVED
    pipe = cluster.pipeline(transaction=True)
    pipe.set("{moving}goes", "3")
    pipe.get("{moving}stays")
    assert await pipe.execute() == [True, b"1"]


async def test_a_client_that_knows_an_old_map_is_put_right(cluster_url: str) -> None:
    client = connect(cluster_url)
    await client.ping()
    wrong = next(iter({owner for owner in client.connection_pool._watch.owners if owner}))
    client.connection_pool._watch.owners[:] = [wrong] * 16384
    for queue in QUEUES:
        pipe = client.pipeline(transaction=True)
        pipe.set(f"{{{queue}}}a", "1")
        assert await pipe.execute() == [True]
        async with client.pipeline(transaction=True) as watching:
            await watching.watch(f"{{{queue}}}a")
            watching.multi()
            watching.get(f"{{{queue}}}a")
            assert await watching.execute() == [b"1"]
    await client.aclose()


async def test_nobody_there_is_told_in_time() -> None:
    client = connect("redis+cluster://127.0.0.1:1,127.0.0.1:2", patience=Patience(deadline_s=0.5))
    with pytest.raises(RedisUnavailable, match=r"redis\+cluster://127.0.0.1:1,127.0.0.1:2 cannot be used"):
        await client.get("a")
    await client.aclose()
