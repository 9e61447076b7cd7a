"""Data nobody meant well: huge, deep, broken, exact to the last digit."""

from typing import Any

import orjson
import pytest
from redis.asyncio import Redis

from qconsole.admin import Admin
from qconsole.admin.schema import to_json
from qconsole.errors import Conflict, PayloadInvalid, QConsoleError, Refused, Unrecoverable
from qconsole.runtime.client import Client
from qconsole.runtime.codec import encode_call
from qconsole.runtime.keys import GLOBAL, Keys
from tests.admin.stock import NOW
from tests.runtime.hand import Hand

EMAIL = Keys("email")


async def put(redis: Redis, job_id: str, data: bytes) -> None:
    await redis.zadd(GLOBAL.queues(), {"email": NOW})
    await redis.set(EMAIL.job(job_id), data)
    await redis.zadd("email", {job_id: NOW - 5})


def call(text: bytes) -> bytes:
    return encode_call("send", text, NOW)


DEEP = b'{"a":' * 900 + b"1" + b"}" * 900
DATA = {
    "huge": call(orjson.dumps({"body": "x" * 10_000_000, "password": "hunter2"})),
    "wide": call(orjson.dumps({str(n): n for n in range(100_000)})),
    "deep": call(DEEP),
    "deeper": call(b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
    "latin": call(b'{"a":"\xff\xfe"}'),
    "nul": call(orjson.dumps({"a\x00b": "c\x00\x1b[2J\u202e<script>"})),
    "cut": call(b'{"a":1}')[:-3],
    "empty": b"",
    "noise": bytes(range(256)) * 20,
    "json": b'{"f": 5, "a": "x", "k": []}',
    "html": call(orjson.dumps({"to": "<img src=x onerror=alert(1)>"})),
}


@pytest.mark.parametrize("name", DATA)
async def test_any_stored_call_can_be_listed_shown_searched_and_removed(admin: Admin, redis: Redis, name: str) -> None:
    await put(redis, "j", DATA[name])
    page = await admin.jobs.page("queue:email")
    assert [row.id for row in page.rows] == ["j"]
    assert len(page.rows[0].summary) <= 200
    view = await admin.jobs.get("j")
    orjson.dumps(to_json(view))
    assert len(orjson.dumps(to_json(view))) < 3_000_000
    assert "hunter2" not in str(view)
    await admin.jobs.page("payload~needle")
    await admin.jobs.page("needle type:send")
    await admin.jobs.why("j")
    await admin.jobs.remove("j")
    if name != "empty":
        await admin.trash.restore("j")


async def test_a_large_payload_says_that_it_is_cut_and_is_not_edited(admin: Admin, redis: Redis) -> None:
    await put(redis, "j", DATA["huge"])
    view = await admin.jobs.get("j")
    assert view.payload_truncated and view.payload_bytes > 10_000_000
    assert view.row.job_type == "send"
    with pytest.raises(Refused, match="cannot be edited"):
        await admin.jobs.edit("j", payload={"body": "y"})
    assert await redis.strlen(EMAIL.job("j")) > 10_000_000


async def test_integers_stay_exact(admin: Admin, client: Client, hand: Hand) -> None:
    await client.enqueue("send", {"n": 2**63 + 1, "m": 9_007_199_254_740_993}, queue="email", job_id="j", delay_s=60)
    view = await admin.jobs.get("j")
    assert view.payload["kwargs"] == {"n": 2**63 + 1, "m": 9_007_199_254_740_993}
    document = to_json(view)["payload"]["kwargs"]
    assert document == {"n": {"$qc": "bigint", "v": str(2**63 + 1)}, "m": 9_007_199_254_740_993}
    assert (await admin.jobs.page(f"payload.n:{2**63 + 1}")).rows
    await admin.jobs.edit("j", payload={**document, "m": 1})
    assert (await admin.jobs.get("j")).payload["kwargs"] == {"n": 2**63 + 1, "m": 1}


@pytest.mark.parametrize(
    "payload",
    [5, "x", [1], {"args": 5, "kwargs": {}}, {"kwargs": [1]}, {"a": {"$qc": "nonsense", "v": 1}}, {1: 2}],
)
async def test_a_wrong_edit_changes_nothing(admin: Admin, client: Client, redis: Redis, payload: Any) -> None:
    await client.enqueue("send", {"to": "a"}, queue="email", job_id="j")
    before = await redis.get(EMAIL.job("j"))
    with pytest.raises(PayloadInvalid):
        await admin.jobs.edit("j", payload=payload)
    assert await redis.get(EMAIL.job("j")) == before


async def test_a_masked_value_that_was_left_alone_is_kept(admin: Admin, client: Client) -> None:
    secret = {"password": "p", "url": "redis://u:pw@h", "list": [{"token": "t"}]}
    await client.enqueue("send", {"to": "a", **secret}, queue="email", job_id="j")
    shown = (await admin.jobs.get("j")).payload
    shown["kwargs"]["to"] = "b"
    await admin.jobs.edit("j", payload=shown)
    kept = (await admin.jobs.get("j", reveal=True)).payload["kwargs"]
    assert kept == {"to": "b", **secret}


async def test_records_that_are_no_json_or_no_numbers_are_survived(admin: Admin, client: Client, redis: Redis) -> None:
    await client.enqueue("send", {}, queue="email", job_id="j")
    broken = dict.fromkeys(("error", "history", "progress", "pri", "attempts", "parent", "created_ms"), b"\xff{")
    await redis.hset(EMAIL.record("j"), mapping=broken)  # type: ignore[misc]
    await redis.hset(EMAIL.config(), mapping={"concurrency": "x", "code": "[", "operator": "5"})  # type: ignore[misc]
    await redis.hset(GLOBAL.job_types(), mapping={"send": "[", "other": "[]"})  # type: ignore[misc]
    await redis.zadd(GLOBAL.workers(), {b"\xff": NOW})
    await redis.hset(EMAIL.dlq_groups(), "fp", "nonsense")  # type: ignore[misc]
    await redis.zadd(EMAIL.dlq_fingerprint("fp"), {"gone~1": 1})
    await redis.zadd(EMAIL.dlq(), {"gone~1": 1})
    view = await admin.jobs.get("j")
    assert view.row.state == "waiting" and view.attempts == ()
    await admin.queues.overview()
    await admin.workers.list()
    assert await admin.jobs.job_types() == ()
    await admin.dead_letters.groups()
    assert (await admin.dead_letters.page()).rows == ()
    await admin.doctor.examine()


async def test_text_of_jobs_stays_data_in_audit_and_commands(admin: Admin, client: Client, hand: Hand) -> None:
    await client.enqueue("send", {}, queue="email", job_id="-rf $(id) 'x'", attempts=1)
    await hand.fail_all(Unrecoverable("<b>\x1b[31m{{ 7*7 }}"))
    applied = await admin.jobs.retry("-rf $(id) 'x'")
    assert applied.command == """qconsole jobs retry --queue email -- '-rf $(id) '"'"'x'"'"''"""


async def test_every_refusal_is_one_of_ours(admin: Admin, client: Client) -> None:
    await client.enqueue("send", {}, queue="email", job_id="j")
    calls: list[Any] = [
        admin.jobs.get("j", queue="{"),
        admin.jobs.get("x" * 5_000),
        admin.jobs.edit("j", priority=101),
        admin.jobs.edit("j"),
        admin.jobs.edit("j", attempts=0),
        admin.jobs.reschedule("j", -1),
        admin.jobs.reschedule("j", 10**30),
        admin.jobs.add("send", {}, queue="email", delay_s=-1),
        admin.jobs.add("send", {}, queue="email", delay_s=float("nan")),
        admin.jobs.add("send", {}, queue="email", job_id="a~b"),
        admin.jobs.add("unknown", {}),
        admin.jobs.add("send", [1], queue="email"),
        admin.jobs.logs("j", after=-1),
        admin.jobs.retry("j"),
        admin.jobs.retry("j", reason="x" * 501),
        admin.jobs.promote("j"),
        admin.jobs.result("j"),
        admin.dead_letters.get("nope"),
        admin.dead_letters.group("nope"),
        admin.dead_letters.note("nope", "x"),
        admin.metrics.series(window="1y"),
        admin.metrics.series(queue="nowhere"),
        admin.metrics.histogram("email", kind="x"),
        admin.metrics.mark("x", "y"),
        admin.operations.start("nope"),
        admin.operations.undo("nope"),
        admin.operations.plan("explode", ""),
        admin.operations.plan("retry", "", ids=["a"], limit=-5),
        admin.trash.restore("nope"),
        admin.audit.page("state:failed"),
        admin.events.page(cursor="x"),
        admin.flows.page(cursor="x"),
        admin.trash.page(cursor="x"),
        admin.operations.page(cursor="x"),
        admin.queues.overview(0),
    ]
    for number, call in enumerate(calls):
        with pytest.raises(QConsoleError) as caught:
            await call
            pytest.fail(f"call {number} was not refused")
        assert caught.value.message, number
    with pytest.raises(Conflict):
        await admin.jobs.add("send", {}, queue="email", job_id="j")
