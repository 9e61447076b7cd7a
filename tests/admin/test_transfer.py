"""Export and import: all states round trip, loading again changes nothing, damaged files say where."""

import re

import pytest
from redis.asyncio import Redis

from qconsole.admin import Actor, Admin
from qconsole.admin.export_place import is_record, unfinished
from qconsole.admin.transfer import Loaded
from qconsole.errors import Conflict, Forbidden, Unrecoverable, UsageError
from qconsole.runtime.client import Client
from qconsole.runtime.dead_letter import DeadLetters
from qconsole.runtime.flow import Flow
from qconsole.runtime.keys import GLOBAL
from qconsole.runtime.policy import Dedup
from qconsole.runtime.schedule import cron
from qconsole.runtime.scheduler import Scheduler
from tests.runtime.hand import Hand
from tests.support import ManualClock


async def exported(admin: Admin) -> list[str]:
    return [line async for line in admin.transfer.export()]


async def load(admin: Admin, lines: list[str]) -> Loaded:
    return [found async for found in admin.transfer.load(lines)][-1]


async def loaded(admin: Admin, lines: list[str]) -> tuple[int, int, int]:
    found = await load(admin, lines)
    return found.done, found.skipped, found.failed


def timeless(lines: list[str]) -> list[str]:
    """Lines without what is left of their results' time."""
    return [re.sub(r'"result_ttl_ms":\d+', "", line) for line in lines]


def jobs_of(lines: list[str]) -> list[str]:
    """The lines of jobs in one order."""
    return sorted(line for line in timeless(lines) if '"kind":"job"' in line)


async def stocked(redis: Redis, client: Client, hand: Hand, admin: Admin, clock: ManualClock) -> None:
    await client.enqueue_many("send", [{"n": n} for n in range(3)], queue="email")
    clock.advance(s=1)
    done, lost, thrown = await hand.claim()
    await hand.complete(done, {"ok": True})
    await hand.fail(lost, Unrecoverable("no"))
    await hand.fail(thrown, Unrecoverable("no"))
    await admin.dead_letters.discard((await admin.dead_letters.page()).rows[0].id, reason="noise")
    await client.enqueue("send", {"to": "é\x00"}, queue="email", job_id="waits", priority=1)
    await client.enqueue("send", {}, queue="email", job_id="late", delay_s=600, dedup=Dedup("d"))
    await client.enqueue("send", {}, queue="email", job_id="thrown")
    await admin.jobs.cancel("thrown")
    await client.add_flow(
        Flow("report", {}, queue="email", job_id="root", children=[Flow("send", {}, queue="reports")])
    )
    await admin.queues.pause("email", reason="move")
    await admin.queues.limit("email", concurrency=3)
    schedule = cron("nightly", "0 2 * * *", job_type="send", queue="email")
    await Scheduler("email", redis=redis, clock=clock).add(schedule, actor="ann")
    await hand.claim()


async def test_everything_comes_back_as_it_was(
    admin: Admin, redis: Redis, client: Client, hand: Hand, clock: ManualClock
) -> None:
    await stocked(redis, client, hand, admin, clock)
    lines = await exported(admin)
    before = {view.name: view.counts for view in await admin.queues.list()}
    page = await admin.jobs.page(limit=100)
    await redis.flushall()
    counts = await loaded(admin, lines)
    assert counts == (sum(map(is_record, lines)), 0, 0)
    assert {view.name: view.counts for view in await admin.queues.list()} == before
    assert (await admin.jobs.page(limit=100)).rows == page.rows
    view = await admin.queues.get("email")
    assert (view.limits.concurrency, view.pause and view.pause.reason) == (3, "move")
    assert [schedule.id for schedule in await admin.schedules.list()] == ["nightly"]
    assert len((await admin.dead_letters.page("state:open,discarded")).rows) == 2
    assert (await admin.dead_letters.groups())[0].count == 1
    root = await admin.flows.tree("root")
    assert [child.queue for child in root.children] == ["reports"]
    assert not (await client.enqueue("send", {}, queue="email", dedup=Dedup("d"))).created
    assert jobs_of(await exported(admin)) == jobs_of(lines)


async def test_loading_again_writes_nothing_twice(
    admin: Admin, redis: Redis, client: Client, hand: Hand, clock: ManualClock
) -> None:
    await stocked(redis, client, hand, admin, clock)
    lines = await exported(admin)
    await redis.flushall()
    await loaded(admin, lines[: len(lines) // 2])
    done, skipped, failed = await loaded(admin, lines)
    assert failed == 0 and skipped > 0 and done + skipped == sum(map(is_record, lines))
    assert len(await DeadLetters("email", redis=redis, clock=clock).list()) == 1


async def test_an_export_holds_secrets_so_it_needs_an_admin_and_is_written_down(admin: Admin, client: Client) -> None:
    await client.enqueue("send", {}, queue="email")
    with pytest.raises(Forbidden):
        await exported(admin.as_actor(Actor("bob", "operator", "cli")))
    await exported(admin)
    assert (await admin.audit.page()).rows[0].action == "export"


async def test_damaged_files_say_where(admin: Admin, redis: Redis) -> None:
    header = '{"kind":"export","version":1}'
    with pytest.raises(UsageError, match="first line must be the header"):
        await loaded(admin, ['{"kind":"job"}'])
    with pytest.raises(Conflict, match="must be of version 1, got 9"):
        await loaded(admin, ['{"kind":"export","version":9}'])
    with pytest.raises(UsageError, match="line 2 is no JSON"):
        await loaded(admin, [header, "{"])
    wrong = ['{"kind":"job","queue":"email"}', '{"kind":"nonsense","queue":"email"}', '{"queue":"{"}', "{}"]
    found = await load(admin, [header, *wrong, '{"kind":"end","records":4}'])
    assert (found.done, found.skipped, found.failed, found.complete) == (0, 0, 4, True)
    assert found.problems[:2] == (
        "line 2: id is missing",
        "line 3: its kind must be one that export writes, got 'nonsense'",
    )
    assert await redis.exists(GLOBAL.queues()) == 0


async def test_a_file_that_was_cut_short_is_loaded_as_far_as_it_goes_and_told(
    admin: Admin, redis: Redis, client: Client
) -> None:
    await client.enqueue_many("send", [{"n": n} for n in range(300)], queue="email")
    lines = await exported(admin)
    await redis.flushall()
    found = await load(admin, lines[:-1])
    assert (found.done, found.complete) == (301, False)
    await redis.flushall()
    last = next(n for n in reversed(range(len(lines))) if '"kind":"job"' in lines[n])
    with pytest.raises(UsageError, match=f"line {last + 1} is no JSON"):
        await loaded(admin, [*lines[:last], lines[last][:40]])
    assert await redis.zcard("email") == 299
    found = await load(admin, lines)
    assert (found.done, found.skipped, found.complete) == (1, 300, True)
    reasons = [row.reason for row in (await admin.audit.page()).rows if row.action == "import"]
    assert reasons == ["done", "begun", "begun"]


async def test_an_export_goes_on_from_wherever_it_was_cut_off(
    admin: Admin, redis: Redis, client: Client, hand: Hand, clock: ManualClock
) -> None:
    await stocked(redis, client, hand, admin, clock)
    await client.enqueue_many("send", [{"n": n} for n in range(450)], queue="email")
    whole = await exported(admin)
    for cut in range(1, len(whole), 31):
        begun = unfinished([*(f"{line}\n".encode() for line in whole[:cut]), whole[cut][:30].encode()])
        assert begun is not None
        kept = "".join(f"{line}\n" for line in whole).encode()[: begun.size_bytes].decode().splitlines()
        rest = [line async for line in admin.transfer.export(begun=begun)]
        assert sum(map(is_record, kept)) == begun.records
        assert timeless(kept + rest) == timeless(whole)
    with pytest.raises(UsageError, match=r"for the same queues \(all queues\)"):
        await anext(admin.transfer.export(["email"], begun=begun))


async def test_what_is_no_beginning_of_an_export_is_called_so() -> None:
    assert unfinished([]) is None
    assert unfinished([b'{"kind":"export","version":1']) is None
    with pytest.raises(UsageError, match="first line must be the header"):
        unfinished([b"a diary\n"])
    with pytest.raises(Conflict, match="must be of version 1, got 9"):
        unfinished([b'{"kind":"export","version":9}\n'])


async def test_a_server_that_forgot_the_scripts_is_given_them(admin: Admin, redis: Redis, client: Client) -> None:
    await client.enqueue_many("send", [{"n": n} for n in range(10)], queue="email")
    lines = await exported(admin)
    await redis.flushall()
    await redis.script_flush()
    assert await loaded(admin, lines) == (11, 0, 0)
