"""Pages, single jobs and changes of one job, on a real server."""

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from qconsole.admin import Actor, Admin
from qconsole.admin.cursors import decode_cursor, encode_cursor
from qconsole.admin.views import JobRow, Page
from qconsole.errors import (
    Conflict,
    CursorError,
    FilterError,
    Forbidden,
    JobNotFound,
    PayloadInvalid,
    QueueNotFound,
    Unrecoverable,
    UsageError,
)
from qconsole.runtime.client import Client
from qconsole.runtime.keys import GLOBAL, Keys
from tests.admin.stock import NOW, driven, failed_jobs
from tests.runtime.hand import Hand
from tests.support import ManualClock


async def every_page(admin: Admin, filter: str = "", *, limit: int = 7, reverse: bool = False) -> list[Page[JobRow]]:
    pages = [await admin.jobs.page(filter, limit=limit, reverse=reverse)]
    while pages[-1].next:
        pages.append(await admin.jobs.page(filter, limit=limit, reverse=reverse, cursor=pages[-1].next))
    return pages


def ids(pages: list[Page[JobRow]]) -> list[str]:
    return [row.id for page in pages for row in page.rows]


async def test_jobs_are_listed_in_the_order_they_will_run(admin: Admin, client: Client, clock: ManualClock) -> None:
    for name, priority, delay in (("bulk", 10, 0), ("b", 5, 0), ("late", 5, 60), ("urgent", 1, 0), ("c", 5, 0)):
        await client.enqueue("send", {}, queue="email", job_id=name, priority=priority, delay_s=delay)
    page = await admin.jobs.page("queue:email")
    assert [row.id for row in page.rows] == ["urgent", "b", "c", "bulk", "late"]
    assert [row.state for row in page.rows] == ["waiting"] * 4 + ["delayed"]
    assert page.total is not None and page.total.value == 5
    clock.advance(s=61)
    assert ids(await every_page(admin, "state:waiting", limit=2)) == ["urgent", "b", "c", "late", "bulk"]


async def test_pages_lead_forwards_and_back_over_states_and_queues(admin: Admin, client: Client, hand: Hand) -> None:
    for queue in ("email", "reports"):
        await client.enqueue_many("send", [{"n": n} for n in range(25)], queue=queue)
    await hand.fail_all(Unrecoverable("bad"))
    await client.enqueue_many("send", [{"n": n} for n in range(10)], queue="email")
    pages = await every_page(admin)
    assert len(ids(pages)) == len(set(ids(pages))) == 60
    assert pages[0].previous is None and pages[-1].next is None
    back = [pages[-1]]
    while back[0].previous:
        back.insert(0, await admin.jobs.page(limit=7, cursor=back[0].previous))
    assert ids(back) == ids(pages)
    assert ids(await every_page(admin, reverse=True)) == ids(pages)[::-1]


async def test_a_page_goes_on_where_it_was_although_the_list_changed(
    admin: Admin, client: Client, redis: Redis
) -> None:
    await client.enqueue_many("send", [{"n": n} for n in range(30)], queue="email")
    first = await admin.jobs.page(limit=10)
    for row in first.rows[5:]:
        await admin.jobs.remove(row.id)
    second = await admin.jobs.page(limit=10, cursor=first.next)
    assert [row.summary for row in second.rows] == [f"n={n}" for n in range(10, 20)]


async def test_paging_is_exact_among_ten_thousand_equal_scores(admin: Admin, redis: Redis) -> None:
    keys = Keys("email")
    await redis.zadd(GLOBAL.queues(), {"email": NOW})
    members = {f"j{n:05}": NOW - 5 for n in range(10_000)}
    await redis.zadd(keys.completed(), members)
    page = await admin.jobs.page("state:completed", limit=500)
    seen = [row.id for row in page.rows]
    while page.next:
        await redis.zrem(keys.completed(), seen[-1])  # the place itself goes, the page behind it is found all the same
        page = await admin.jobs.page("state:completed", limit=500, cursor=page.next)
        seen += [row.id for row in page.rows]
    assert seen == sorted(members, reverse=True)


async def test_a_filter_is_answered_from_its_index_or_by_looking(admin: Admin, redis: Redis) -> None:
    await failed_jobs(redis, 300)
    page = await admin.jobs.page("fp:fp1", limit=50)
    assert [row.id for row in page.rows] == [f"job{n:07}" for n in range(298, 148, -3)]
    assert page.total is not None and page.total.value == 100
    assert page.scanned == 50
    found = await admin.jobs.page('state:failed error~"wrong 2" attempts>=3 payload.n<10')
    assert [row.id for row in found.rows] == ["job0000008", "job0000005", "job0000002"]
    assert (await admin.jobs.page("state:failed worker:w1 type:send -error:Error0", limit=1)).rows[0].worker == "w1"
    assert (await admin.jobs.page("job0000007")).rows[0].id == "job0000007"
    assert (await admin.jobs.page("id:job0000007,job0000001 -fp:fp0")).total is not None


async def test_a_search_that_ends_early_says_so_and_goes_on(admin: Admin, redis: Redis) -> None:
    await failed_jobs(redis, 2_000)
    page = await admin.jobs.page("state:failed payload.n:0", budget=500)
    assert (page.rows, page.complete, page.scanned) == ((), False, 500)
    while page.next:
        page = await admin.jobs.page("state:failed payload.n:0", budget=500, cursor=page.next)
        if page.rows:
            break
    assert [row.id for row in page.rows] == ["job0000000"]


async def test_counts_say_whether_they_are_exact(admin: Admin, redis: Redis) -> None:
    await failed_jobs(redis, 100)
    assert await admin.jobs.count("state:failed") == await admin.jobs.count("queue:email")
    assert (await admin.jobs.count("state:failed error:Error1")).value == 33


async def test_wrong_filters_limits_and_cursors_are_refused_with_a_sentence(admin: Admin, client: Client) -> None:
    await client.enqueue_many("send", [{}] * 5, queue="email")
    with pytest.raises(FilterError, match="at 6"):
        await admin.jobs.page("state:x")
    with pytest.raises(UsageError, match="limit must be"):
        await admin.jobs.page(limit=0)
    page = await admin.jobs.page(limit=2)
    assert page.next is not None
    for cursor in (page.next[:-2], page.next + "AA", "x", "é", page.next.swapcase()):
        with pytest.raises(CursorError, match="damaged or belongs to another"):
            await admin.jobs.page(limit=2, cursor=cursor)
    with pytest.raises(CursorError):
        await admin.jobs.page("queue:email", limit=2, cursor=page.next)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(max_size=100) | st.binary(max_size=60).map(lambda b: b.hex()))
def test_any_text_is_no_cursor(text: str) -> None:
    with pytest.raises(CursorError):
        decode_cursor("jobs:", text)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers() | st.text(max_size=8) | st.floats(allow_nan=False, allow_infinity=False), max_size=6))
def test_a_cursor_gives_back_its_place(place: list[object]) -> None:
    bounded = [p for p in place if not isinstance(p, int) or abs(p) < 2**63]
    parts = [lambda part: True for _ in bounded]
    assert decode_cursor("jobs:x", encode_cursor("jobs:x", bounded), *parts) == bounded


async def test_a_job_is_shown_whole_with_its_secrets_masked(
    admin: Admin, client: Client, hand: Hand, clock: ManualClock
) -> None:
    queued = await client.enqueue("send", {"to": "a", "password": "hunter2"}, queue="email", attempts=1, priority=3)
    clock.advance(s=1)
    await hand.fail_all(ValueError("cannot use redis://u:pw@host"))
    view = await admin.jobs.get(queued.id)
    assert view.payload == {"args": [], "kwargs": {"to": "a", "password": "***"}}
    assert view.redacted == ("payload.kwargs.password",)
    assert (view.row.state, view.row.priority, view.row.attempts_made) == ("failed", 3, 1)
    assert view.error is not None and view.error.message == "cannot use redis://***@host"
    assert view.dead_letter == f"{queued.id}~{clock.now_ms()}"
    assert len(view.attempts) == 1 and view.attempts[0].outcome == "failed"
    revealed = await admin.jobs.get(queued.id, reveal=True)
    assert revealed.payload["kwargs"]["password"] == "hunter2"
    assert (await admin.audit.page()).rows[0].action == "jobs.reveal"
    with pytest.raises(Forbidden):
        await admin.as_actor(Actor("bob", "operator", "web")).jobs.get(queued.id, reveal=True)


async def test_masked_values_cannot_be_searched_for(admin: Admin, client: Client) -> None:
    await client.enqueue("send", {"password": "hunter2"}, queue="email")
    assert (await admin.jobs.page("payload.password:hunter2")).rows == ()
    assert (await admin.jobs.page("payload~hunter")).rows == ()


async def test_what_does_not_exist_is_not_found(admin: Admin) -> None:
    with pytest.raises(JobNotFound, match="there is no job 'nope'"):
        await admin.jobs.get("nope")
    with pytest.raises(QueueNotFound):
        await admin.jobs.get("nope", queue="nowhere")
    with pytest.raises(UsageError):
        await admin.jobs.get("")
    with pytest.raises(UsageError):
        await admin.jobs.get("\ud800")


async def test_retry_keeps_the_history_and_is_written_down(admin: Admin, client: Client, hand: Hand) -> None:
    queued = await client.enqueue("send", {"to": "a"}, queue="email", attempts=1)
    await hand.fail_all(ValueError("full"))
    applied = await admin.jobs.retry(queued.id, reason="mailbox emptied")
    assert applied.command == f"qconsole jobs retry --queue email --reason 'mailbox emptied' {queued.id}"
    view = await admin.jobs.get(queued.id)
    assert view.row.state == "waiting" and len(view.attempts) == 1
    row = (await admin.audit.page()).rows[0]
    assert (row.actor, row.face, row.action, row.target, row.reason) == (
        "ann",
        "cli",
        "jobs.retry",
        f"email/{queued.id}",
        "mailbox emptied",
    )
    with pytest.raises(Conflict, match="was not put back: it is waiting"):
        await admin.jobs.retry(queued.id)


async def test_an_edited_retry_is_checked_against_the_schema(
    admin: Admin, client: Client, hand: Hand, redis: Redis
) -> None:
    schema = {"type": "object", "properties": {"to": {"type": "string"}}, "required": ["to"]}
    described = orjson.dumps({"name": "send", "queue": "email", "schema": schema})
    await redis.hset(GLOBAL.job_types(), "send", described)  # type: ignore[misc,arg-type]
    queued = await client.enqueue("send", {"to": "a", "api_key": "k-123"}, queue="email", attempts=1)
    await hand.fail_all(ValueError("full"))
    with pytest.raises(PayloadInvalid, match="to of send") as caught:
        await admin.jobs.retry(queued.id, payload={"to": 5})
    assert caught.value.fields["field"] == "to"
    assert (await admin.jobs.get(queued.id)).row.state == "failed"
    shown = (await admin.jobs.get(queued.id)).payload
    shown["kwargs"]["to"] = "b"
    await admin.jobs.retry(queued.id, payload=shown)
    (claimed,) = await hand.claim()
    assert claimed.payload is not None and b'{"to":"b","api_key":"k-123"}' in claimed.payload


async def test_waiting_jobs_can_be_edited_promoted_and_cancelled(admin: Admin, client: Client) -> None:
    await client.enqueue("send", {"to": "a"}, queue="email", job_id="w", delay_s=60)
    await admin.jobs.edit("w", priority=1, payload={"to": "b"}, attempts=9)
    view = await admin.jobs.get("w")
    assert (view.row.priority, view.row.attempts_allowed, view.payload["kwargs"]) == (1, 9, {"to": "b"})
    await admin.jobs.reschedule("w", NOW + 5_000)
    assert (await admin.jobs.get("w")).row.due_ms == NOW + 5_000
    await admin.jobs.promote("w")
    assert (await admin.jobs.get("w")).row.state == "waiting"
    await admin.jobs.cancel("w")
    assert (await admin.jobs.get("w")).row.state == "cancelled"
    assert (await admin.jobs.get("w")).payload["kwargs"] == {"to": "b"}


async def test_a_removed_job_comes_back_from_the_trash(admin: Admin, client: Client) -> None:
    await client.enqueue("send", {"to": "a"}, queue="email", job_id="gone")
    applied = await admin.jobs.remove("gone", reason="test")
    assert applied.undo_until_ms == NOW + 86_400_000
    page = await admin.trash.page()
    assert [(row.id, row.job_type, row.state_before, row.actor) for row in page.rows] == [
        ("gone", "send", "waiting", "ann")
    ]
    assert await admin.trash.matching("queue:email type:send state:waiting age<1h gon*,gone") == ("email/gone",)
    assert await admin.trash.matching("-id:g*") == ()
    with pytest.raises(UsageError, match="cannot be selected by payload, worker"):
        await admin.trash.matching("payload.to:a worker:w")
    await admin.trash.restore("email/gone")
    assert (await admin.jobs.get("gone")).row.state == "waiting"


async def test_the_trash_is_paged_to_its_end_though_all_was_removed_at_once(admin: Admin, client: Client) -> None:
    ids = [f"job{n:04}" for n in range(600)]
    await client.enqueue_many("send", [{}] * 600, queue="email", job_ids=ids)
    plan = await admin.operations.plan("remove", "queue:email")
    await admin.operations.start(plan.operation.id, confirm="600")
    await driven(admin, plan.operation.id)
    page = await admin.trash.page(limit=250)
    seen = [row.id for row in page.rows]
    while page.next:
        page = await admin.trash.page(page.next, 250)
        seen += [row.id for row in page.rows]
    assert sorted(seen) == ids


async def test_a_viewer_changes_nothing(admin: Admin, client: Client) -> None:
    await client.enqueue("send", {}, queue="email", job_id="w")
    viewer = admin.as_actor(Actor("eve", "viewer", "web"))
    calls = (
        viewer.jobs.add("send", {}, queue="email"),
        viewer.jobs.edit("w", priority=1),
        viewer.jobs.retry("w"),
        viewer.jobs.cancel("w"),
        viewer.jobs.remove("w"),
        viewer.jobs.promote("w"),
        viewer.jobs.reschedule("w", NOW + 1),
        viewer.queues.pause("email"),
        viewer.queues.resume("email"),
        viewer.queues.limit("email", concurrency=1),
        viewer.queues.empty("email", confirm_name="email", reason="x"),
        viewer.queues.release_hold("email"),
        viewer.dead_letters.replay("w~1"),
        viewer.dead_letters.discard("w~1", reason="x"),
        viewer.dead_letters.note("w~1", "x"),
        viewer.schedules.pause("s"),
        viewer.schedules.run("s"),
        viewer.schedules.edit("s", pattern="* * * * *"),
        viewer.schedules.remove("s"),
        viewer.workers.stop("w1"),
        viewer.flows.retry_failed("w"),
        viewer.trash.restore("w"),
        viewer.operations.plan("remove", "queue:email"),
        viewer.operations.start("x"),
        viewer.operations.pause("x"),
        viewer.operations.undo("x"),
        viewer.doctor.fix(),
        viewer.metrics.mark("operator", "x"),
        viewer.users.add("x", password="0123456789"),
        viewer.tokens.create("x"),
    )
    for call in calls:
        with pytest.raises(Forbidden):
            await call
    assert (await admin.audit.page()).rows == ()
    assert (await admin.jobs.get("w")).row.state == "waiting"


async def test_logs_are_read_in_parts_and_redacted(admin: Admin, client: Client, redis: Redis) -> None:
    await client.enqueue("send", {}, queue="email", job_id="w")
    lines = [b'{"ms":%d,"attempt":1,"line":"line %d password=x"}' % (NOW + n, n) for n in range(5)]
    await redis.rpush(Keys("email").log("w"), *lines)  # type: ignore[misc]
    logs = await admin.jobs.logs("w", after=3)
    assert [(line.ms, line.line) for line in logs] == [(NOW + n, f"line {n} password=***") for n in (3, 4)]
    assert (await admin.jobs.get("w")).logs_total == 5


async def test_similar_failures_are_found_by_their_fingerprint(admin: Admin, redis: Redis) -> None:
    await failed_jobs(redis, 30)
    rows = await admin.jobs.similar("job0000010", limit=3)
    assert [row.id for row in rows] == ["job0000028", "job0000025", "job0000022"]


async def test_waiting_for_a_job_ends_with_the_job_or_the_time(admin: Admin, client: Client, hand: Hand) -> None:
    queued = await client.enqueue("send", {}, queue="email")
    with pytest.raises(Conflict, match=r"has not ended within 0\.1 s: it is waiting"):
        await admin.jobs.wait(queued.id, 0.1)
    await hand.run_all({"ok": 1})
    view = await admin.jobs.wait(queued.id, 5)
    assert (view.row.state, view.result) == ("completed", {"ok": 1})
    assert await admin.jobs.result(queued.id) == {"ok": 1}


async def test_jobs_of_any_size_are_found_by_their_times_and_types(
    admin: Admin, client: Client, hand: Hand, clock: ManualClock
) -> None:
    sizes = (10, 3_000, 60_000)
    ended = [await client.enqueue("send", {"text": "x" * size}, queue="email") for size in sizes]
    for claimed in await hand.claim():
        hand.endings(claimed).completed(b'"%s"' % (b"y" * 3_000))
    await hand.settle()
    waiting = [await client.enqueue("send", {"text": "x" * size}, queue="email") for size in sizes]
    clock.advance(s=60)
    for asked, expected in (
        ("state:completed age>30s", ended),
        ("state:completed wait<1m run<1m attempts:1 type:send", ended),
        ("state:waiting age>30s type:send", waiting),
    ):
        page = await admin.jobs.page(asked)
        assert {row.id for row in page.rows} == {queued.id for queued in expected}, asked
        assert {row.created_ms for row in page.rows} == {NOW}
