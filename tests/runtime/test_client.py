"""Enqueueing on a real server: ids, order, options, bad input, lost connections."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from arq.connections import ArqRedis
from arq.jobs import Job
from pydantic import BaseModel
from redis.asyncio import Redis

from qconsole.errors import JobTypeNotFound, PayloadInvalid, PayloadTooLarge, RedisUnavailable, UsageError
from qconsole.redis.patience import Patience
from qconsole.runtime.client import Client
from qconsole.runtime.codec import decode_call
from qconsole.runtime.enqueued import Verdict
from qconsole.runtime.job_type import Context, job_type
from qconsole.runtime.keys import GLOBAL, Keys
from qconsole.runtime.payload_store import FilePayloadStore, resolve
from qconsole.runtime.policy import Exponential
from qconsole.runtime.score import decode_score
from qconsole.runtime.scripts import script
from qconsole.runtime.server_clock import ServerClock
from tests.support import ManualClock, server_kind

NOW = 1_764_000_000_000
EMAIL = Keys("email")


class Mail(BaseModel):
    to: str
    copies: int = 1
    sum: Decimal = Decimal("1.10")


@job_type("send_email", queue="email")
async def send_email(ctx: Context, payload: Mail) -> None: ...


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
async def client(redis: Redis, clock: ManualClock) -> AsyncIterator[Client]:
    yield Client(redis=redis, clock=clock, job_types=[send_email])


async def order(redis: Redis, queue: str = "email") -> list[str]:
    return [member.decode() for member in await redis.zrange(queue, 0, -1)]


async def test_a_plain_arq_handle_reads_the_job(client: Client, redis_url: str, clock: ManualClock) -> None:
    queued = await client.enqueue(send_email, Mail(to="a@b.c"))
    async with ArqRedis.from_url(redis_url) as arq:
        info = await Job(queued.id, arq, _queue_name="email").info()
    assert info is not None
    assert (info.function, info.kwargs["to"], info.score) == ("send_email", "a@b.c", NOW)
    assert info.enqueue_time == datetime.fromtimestamp(NOW / 1000, UTC)


async def test_ids_are_short_and_sort_by_time(client: Client, redis: Redis, clock: ManualClock) -> None:
    ids = []
    for _ in range(300):
        ids.append((await client.enqueue(send_email, {"to": "x"})).id)
        clock.advance(ms=len(ids) % 2)
    assert ids == sorted(ids) == await order(redis)
    assert {len(i) for i in ids} == {20}


async def test_order_inside_one_millisecond_is_the_order_of_the_calls(client: Client, redis: Redis) -> None:
    ids = [f"z{9 - n}" for n in range(9)]
    for name in ids:
        await client.enqueue("send_email", {"to": "x"}, job_id=name)
    assert await order(redis) == ids


async def test_priorities_stand_lower_first_and_fifo_within(client: Client, redis: Redis) -> None:
    for name, priority in [("n1", None), ("b1", 10), ("u1", 1), ("n2", 5), ("b2", 10), ("u2", 1), ("top", 0)]:
        await client.enqueue("send_email", {"to": "x"}, job_id=name, priority=priority)
    ranked = await redis.zrange("email", 0, -1, withscores=True)
    by_claim = sorted(ranked, key=lambda m: (decode_score(m[1], NOW).priority, m[1]))
    assert [m.decode() for m, _ in by_claim] == ["top", "u1", "u2", "n1", "n2", "b1", "b2"]
    assert all(score <= NOW + 1 for _, score in ranked)
    assert await redis.hget(EMAIL.record("b1"), "pri") == b"10"
    assert not await redis.exists(EMAIL.record("n1"))


async def test_a_delayed_job_stands_at_its_due_time(client: Client, redis: Redis) -> None:
    await client.enqueue(send_email, {"to": "x"}, job_id="later", delay_s=1.5)
    await client.enqueue(send_email, {"to": "x"}, job_id="at", at=datetime.fromtimestamp(NOW / 1000 + 9, UTC))
    await client.enqueue(send_email, {"to": "x"}, job_id="urgent", delay_s=3, priority=1)
    scores = {m.decode(): s for m, s in await redis.zrange("email", 0, -1, withscores=True)}
    assert scores == {"later": NOW + 1500, "at": NOW + 9000, "urgent": NOW + 3000}
    assert await redis.zrange(EMAIL.due(), 0, -1, withscores=True) == [(b"urgent", NOW + 3000)]


async def test_jobs_due_in_the_same_millisecond_keep_their_order(client: Client, redis: Redis) -> None:
    ids = [f"z{9 - n}" for n in range(9)]
    for name in ids:
        await client.enqueue(send_email, {"to": "x"}, job_id=name, at=NOW + 5000)
    assert await order(redis) == ids


async def test_an_id_in_use_answers_with_the_standing_job(client: Client, redis: Redis, clock: ManualClock) -> None:
    assert (await client.enqueue(send_email, {"to": "x"}, job_id="doc-1")).created
    clock.advance(ms=1)
    again = await client.enqueue(send_email, {"to": "y"}, job_id="doc-1")
    assert (again.created, again.id, again.verdict) == (False, "doc-1", Verdict.EXISTS)
    call = decode_call(await redis.get(EMAIL.job("doc-1")) or b"")
    assert call is not None and b'"x"' in call.payload


async def test_a_kept_result_keeps_the_id_taken(client: Client, redis: Redis) -> None:
    await redis.set(EMAIL.result("doc-1"), b"kept")
    assert (await client.enqueue(send_email, {"to": "x"}, job_id="doc-1")).verdict is Verdict.EXISTS
    assert await redis.zcard("email") == 0


async def test_a_stale_abort_does_not_poison_a_new_job_of_that_id(client: Client, redis: Redis) -> None:
    await redis.zadd(EMAIL.abort, {"doc-1": NOW - 10})
    await client.enqueue(send_email, {"to": "x"}, job_id="doc-1")
    assert await redis.zscore(EMAIL.abort, "doc-1") is None


async def test_options_are_kept_in_the_record(client: Client, redis: Redis) -> None:
    queued = await client.enqueue(
        send_email, {"to": "x"}, attempts=3, backoff=Exponential(2, max_s=9), timeout_s=1.5, expires_s=60, delay_s=10
    )
    record = await redis.hgetall(EMAIL.record(queued.id))
    assert record[b"attempts"] == b"3"
    assert record[b"timeout_ms"] == b"1500"
    assert int(record[b"expires_ms"]) == NOW + 10_000 + 60_000
    assert b"exponential" in record[b"backoff"]


async def test_the_queue_becomes_known(client: Client, redis: Redis) -> None:
    await client.enqueue(send_email, {"to": "x"})
    assert await redis.zrange(GLOBAL.queues(), 0, -1) == [b"email"]


@pytest.mark.parametrize(
    ("payload", "field"), [({"to": 7}, "to"), ({}, "to"), ({"to": "x", "copies": "many"}, "copies"), (3, "payload")]
)
async def test_a_wrong_payload_is_refused_with_its_field(
    client: Client, redis: Redis, payload: Any, field: str
) -> None:
    with pytest.raises(PayloadInvalid) as caught:
        await client.enqueue(send_email, payload)
    assert caught.value.fields["field"] == field
    assert await redis.dbsize() == 0


@pytest.mark.parametrize(
    "options",
    [
        {"priority": 101},
        {"priority": 1.5},
        {"delay_s": -1},
        {"delay_s": float("nan")},
        {"delay_s": 1, "at": NOW},
        {"at": datetime(2026, 1, 1)},
        {"attempts": 0},
        {"backoff": 3},
        {"job_id": ""},
        {"job_id": "{email}x"},
        {"job_id": "a\nb"},
        {"queue": "a{b"},
    ],
)
async def test_a_wrong_option_is_refused_with_a_sentence(client: Client, redis: Redis, options: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=r"must|not both"):
        await client.enqueue(send_email, {"to": "x"}, **options)
    assert await redis.dbsize() == 0


async def test_a_job_type_known_to_nobody_needs_a_queue(client: Client, redis: Redis) -> None:
    with pytest.raises(JobTypeNotFound, match="unheard_of"):
        await client.enqueue("unheard_of", {})
    await redis.hset(GLOBAL.job_types(), "unheard_of", '{"queue":"reports"}')
    assert (await client.enqueue("unheard_of", {})).queue == "reports"


async def test_a_large_payload_is_refused_unless_there_is_a_store(client: Client, redis: Redis, tmp_path: Path) -> None:
    with pytest.raises(PayloadTooLarge, match="65,536"):
        await client.enqueue(send_email, {"to": "x" * 70_000})
    store = FilePayloadStore(tmp_path / "payloads")
    checking = Client(redis=redis, large_payloads="claim_check", payload_store=store)
    queued = await checking.enqueue(send_email, {"to": "x" * 70_000})
    call = decode_call(await redis.get(EMAIL.job(queued.id)) or b"")
    assert call is not None and len(call.payload) < 200
    assert send_email.decode(await resolve(call.payload, store)).to == "x" * 70_000


async def test_a_bulk_is_queued_in_order_and_names_its_duplicates(client: Client, redis: Redis) -> None:
    await client.enqueue(send_email, {"to": "old"}, job_id="j7")
    answer = await client.enqueue_many(
        send_email, ({"to": str(n)} for n in range(1200)), job_ids=(f"j{n}" for n in range(1200))
    )
    assert answer.ids == tuple(f"j{n}" for n in range(1200))
    assert [(d.index, d.id, d.verdict) for d in answer.duplicates] == [(7, "j7", Verdict.EXISTS)]
    assert await order(redis) == ["j7"] + [f"j{n}" for n in range(1200) if n != 7]


async def test_a_bulk_of_new_ids_keeps_its_order(client: Client, redis: Redis) -> None:
    answer = await client.enqueue_many(send_email, [Mail(to=str(n)) for n in range(1300)])
    assert not answer.duplicates
    assert await order(redis) == list(answer.ids)


async def test_a_bulk_can_be_staggered(client: Client, redis: Redis) -> None:
    answer = await client.enqueue_many(send_email, [{"to": "x"}] * 3, stagger_ms=100)
    scores = [await redis.zscore("email", job_id) for job_id in answer.ids]
    assert scores == [NOW, NOW + 100, NOW + 200]


async def test_a_wrong_payload_in_a_bulk_is_named(client: Client) -> None:
    with pytest.raises(PayloadInvalid) as caught:
        await client.enqueue_many(send_email, [{"to": "x"}, {"to": 1}])
    assert (caught.value.fields["index"], caught.value.fields["field"]) == (1, "to")


class Lossy:
    """Passes bytes between a client and the server, and cuts the line after the server has answered."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.cut_answers = 0
        self.requests = 0

    async def __aenter__(self) -> "Lossy":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"redis://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/0"
        return self

    async def __aexit__(self, *error: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back, forth = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            while data := await reader.read(1 << 20):
                forth.write(data)
                answer = await back.read(1 << 20)
                if b"EVALSHA" in data:
                    self.requests += 1
                    if self.cut_answers:
                        self.cut_answers -= 1
                        break
                writer.write(answer)
        except ConnectionResetError:
            return
        finally:
            writer.close()
            forth.close()


@pytest.mark.parametrize("own_id", [None, "doc-1"])
async def test_a_lost_answer_neither_loses_nor_doubles_the_job(
    redis_url: str, redis: Redis, own_id: str | None
) -> None:
    async with Lossy(int(redis_url.rsplit(":", 1)[1].split("/")[0])) as line:
        plain = Redis.from_url(line.url)
        client = Client(redis=plain, clock=ManualClock(NOW))
        await client.enqueue("warm", {}, queue="other")
        line.cut_answers = 2
        queued = await client.enqueue(send_email, {"to": "x"}, job_id=own_id)
        many = await client.enqueue_many(send_email, [{"to": "x"}] * 5)
        line.cut_answers = 1
        more = await client.enqueue_many(send_email, [{"to": "x"}] * 5, priority=9)
        await plain.aclose()
    assert queued.created and not many.duplicates and not more.duplicates
    assert line.requests >= 6
    assert await redis.zcard("email") == 11


@pytest.mark.parametrize(("check", "queued"), [("again", 0), ("own", 1)])
async def test_only_a_repeated_call_takes_an_ended_job_for_its_own(redis: Redis, check: str, queued: int) -> None:
    await redis.zadd(EMAIL.completed(), {"doc-1": NOW + 3})
    args = (NOW, "doc-1", b"call", 5, 0, check, "")
    answer = await script("enqueue").run(redis, ("email", EMAIL.abort), args)
    assert answer == [b"created", b"doc-1"]
    assert await redis.zcard("email") == queued
    assert (await redis.zscore(EMAIL.completed(), "doc-1") is None) == (check == "own")


async def test_a_dead_server_is_an_error_within_the_deadline() -> None:
    client = Client(redis=Redis(host="127.0.0.1", port=1), clock=ManualClock(NOW), patience=Patience(deadline_s=0.3))
    with pytest.raises(RedisUnavailable, match="cannot be used"):
        async with asyncio.timeout(5):
            await client.enqueue(send_email, {"to": "x"})


async def test_waiting_for_a_replica_says_when_there_is_none(redis: Redis) -> None:
    client = Client(redis=redis, durability="wait", replica_timeout_s=0.05)
    with pytest.raises(RedisUnavailable, match="no replica"):
        await client.enqueue(send_email, {"to": "x"})
    assert await redis.zcard("email") == 1


# The same 261 bytes of call and one place in a sorted set; the rest is each server's own: Valkey 9 keeps a key and its
# value in one piece, Redis 7.0 pads both more than 6.2 did.
BYTES_OF_A_JOB = {"valkey": 420, "redis6": 480, "redis7": 530}


async def test_a_waiting_job_is_small(client: Client, redis: Redis) -> None:
    queued = await client.enqueue_many("send", [{"to": "x" * 190}] * 5000, queue="email")
    call = await redis.memory_usage(EMAIL.job(queued.ids[0]))
    places = await redis.memory_usage("email", samples=0)
    assert call is not None and places is not None
    assert call + places / 5000 <= BYTES_OF_A_JOB[server_kind()]
    assert not await redis.exists(EMAIL.record(queued.ids[0]))


async def test_the_clock_of_a_connected_client_is_the_servers(redis_url: str, redis: Redis) -> None:
    async with await Client.connect(redis_url) as client:
        seconds, micros = await redis.time()
        assert abs(client.clock.now_ms() - (seconds * 1000 + micros // 1000)) < 10_000
        assert (await client.enqueue(send_email, {"to": "x"})).created


async def test_a_producer_follows_a_server_whose_clock_jumped(redis_url: str, redis: Redis) -> None:
    async with await Client.connect(redis_url) as client:
        assert isinstance(client.clock, ServerClock)
        client.clock._offset_ns += 3_600 * 10**9
        client.clock._measured_s -= 60
        queued = await client.enqueue(send_email, {"to": "x"})
    seconds, _ = await redis.time()
    assert abs(await redis.zscore("email", queued.id) - seconds * 1000) < 60_000
