"""A cluster that serves the slots it has, with one shard gone: the other queues are worked, listed and explained."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from qconsole.admin import Actor, Admin
from qconsole.errors import RedisUnavailable
from qconsole.redis.slots import slot_of
from qconsole.redis.topology import ClusterFleet
from tests.faults.stage import stage
from tests.support import eventually, server_binary

QUEUES = ("faults", "email", "reports", "webhooks")
SHARED = "@"  # the tag of what belongs to no queue: workers, audit, operations


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[ClusterFleet]:
    with ClusterFleet(tmp_path, node_timeout_ms=500, binary=server_binary()) as found:
        for node in found.nodes.values():
            node.ask("CONFIG", "SET", "cluster-require-full-coverage", "no")
        yield found


@pytest.mark.slow
async def test_the_other_shards_are_worked_and_shown(fleet: ClusterFleet, tmp_path: Path) -> None:
    owners = {queue: fleet.owner_of(slot_of(queue)).name for queue in QUEUES}
    shared = fleet.owner_of(slot_of(SHARED)).name
    lost = next(name for name in owners.values() if name != shared)
    living = [queue for queue, owner in owners.items() if owner != lost]
    async with (
        stage(fleet.url, tmp_path) as set_up,
        await Admin.open(fleet.url, actor=Actor("operator", "admin", "cli")) as admin,
    ):
        set_up.start_worker(queues=",".join(QUEUES))
        for queue in QUEUES:
            await set_up.client.enqueue("note", {}, queue=queue, job_id=f"{queue}-before")
        await eventually(lambda: len(set_up.ledger.ended()) == len(QUEUES))
        for name in (f"{lost}-replica-1", lost):
            fleet[name].process.kill()
        for queue in living:
            for number in range(20):
                await set_up.client.enqueue("note", {}, queue=queue, job_id=f"{queue}-{number}")
        wanted = {f"{queue}-{number}" for queue in living for number in range(20)}
        await eventually(lambda: wanted <= set_up.ledger.ended())

        for queue in living:
            assert (await admin.queues.get(queue)).counts["completed"] == 21
            assert len((await admin.jobs.page(f"queue:{queue}")).rows) == 21
        overview = await admin.queues.overview()
        for views in (await admin.queues.list(), overview.queues):
            found = {view.name: view for view in views}
            assert [name for name in QUEUES if found[name].error is None] == living
            assert all(found[name].counts["completed"] == 21 for name in living)
        silent = next(queue for queue in QUEUES if queue not in living)
        assert f"cannot be read: Redis at {fleet.url.split(',')[0]} and 5 others" in found[silent].health_reason
        with pytest.raises(RedisUnavailable, match=f"queue {silent} cannot be read"):
            await admin.queues.get(silent)
        began = time.monotonic()
        await assert_the_rest_is_listed(admin, living, silent)
        assert time.monotonic() - began < 30  # each of the ten gives up on the silent shard after a second or two
        findings = {finding.code: finding for finding in await admin.doctor.examine()}
        assert str(fleet[lost].port) in findings["unreachable"].text
        assert "queues there stand still" in findings["cluster"].text


async def assert_the_rest_is_listed(admin: Admin, living: list[str], silent: str) -> None:
    lost = {queue for queue in QUEUES if queue not in living}
    page = await admin.jobs.page(limit=100)
    assert {row.queue for row in page.rows} == set(living) and page.missing.keys() == lost
    assert page.total is not None and (page.total.value, page.total.exact) == (21 * len(living), False)
    assert (await admin.jobs.count()).exact is False
    with pytest.raises(RedisUnavailable, match=f"queue {silent} cannot be read"):
        await admin.jobs.page(f"queue:{silent}")
    assert (await admin.jobs.get(f"{living[0]}-before")).row.queue == living[0]
    with pytest.raises(RedisUnavailable, match="in no queue that can be read"):
        await admin.jobs.get(f"{silent}-before")
    with pytest.raises(RedisUnavailable, match=f"queue {silent} cannot be read"):
        await admin.operations.plan("retry")
    assert (await admin.operations.plan("retry", f"-queue:{','.join(lost)}")).count.value == 0
    for answer in (
        await admin.dead_letters.page(),
        await admin.dead_letters.groups(),
        await admin.events.page(),
        await admin.trash.page(),
        await admin.flows.page(),
        await admin.schedules.list(),
        await admin.metrics.series(),
    ):
        assert answer.missing.keys() == lost
    live = await admin.live.snapshot()
    assert set(live["queues"]) == set(living) and live["missing"].keys() == lost
    text = await admin.metrics.prometheus()
    assert all(f'qconsole_queue_up{{queue="{queue}"}} {int(queue in living)}\n' in text for queue in QUEUES)
    assert f'qconsole_queue_jobs{{queue="{silent}"' not in text
    rules = [("dlq_max", None, 0), ("dlq_max", living[0], 0), ("max_wait", silent, 9), ("min_workers", silent, 1)]
    checked = await admin.check(rules)
    assert [ok for _, ok, _ in checked] == [False, True, False, True]
    assert checked[0][2].startswith("0; queue") and f"{silent} cannot be read" in checked[2][2]
