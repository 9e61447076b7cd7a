"""The service on a cluster: ids carry their queue's tag in Redis and never on a screen."""

from collections.abc import AsyncIterator

import pytest

from qconsole.admin import Actor, Admin
from qconsole.redis.connect import connect
from qconsole.runtime.client import Client
from tests.admin.stock import NOW, driven
from tests.admin.test_audit_log import kill_a_console
from tests.support import ManualClock


@pytest.fixture
async def clustered(cluster_url: str) -> AsyncIterator[tuple[Admin, Client]]:
    clock = ManualClock(NOW)
    redis = connect(cluster_url)
    client = Client(redis=redis, clock=clock, cluster=True)
    async with await Admin.open(cluster_url, actor=Actor("ann", "admin", "cli"), clock=clock) as service:
        yield service, client
    await redis.aclose()


async def test_queues_of_several_slots_are_listed_shown_and_acted_on(
    clustered: tuple[Admin, Client], cluster_url: str
) -> None:
    admin, client = clustered
    plain_id = (await client.enqueue("send", {}, queue="email")).id
    for number in range(6):
        await client.enqueue_many("send", [{"n": n} for n in range(5)], queue=f"q{number}")
    await client.enqueue("send", {"n": 1}, queue="q1", job_id="mine", delay_s=60)
    page = await admin.jobs.page(limit=12)
    seen = [row.id for row in page.rows]
    while page.next:
        page = await admin.jobs.page(limit=12, cursor=page.next)
        seen += [row.id for row in page.rows]
    assert len(seen) == len(set(seen)) == 32
    assert not any("{" in job_id for job_id in seen)
    assert (await admin.jobs.get("mine")).row.queue == "q1"
    await admin.jobs.promote("mine")
    await admin.jobs.cancel("mine")
    assert (await admin.jobs.page("mine")).rows[0].state == "cancelled"
    plan = await admin.operations.plan("remove", "queue:q2,q3")
    await admin.operations.start(plan.operation.id, confirm=plan.confirm_text)
    done = await driven(admin, plan.operation.id)
    assert (plan.count.value, done.done) == (10, 10)
    assert (await admin.operations.undo(done.id)).done == 10
    counts = {view.name: view.counts["waiting"] for view in await admin.queues.list()}
    assert counts == {f"q{number}": 5 for number in range(6)} | {"email": 1}
    await admin.queues.overview()
    assert (await admin.live.snapshot())["totals"]["queued"] == 31
    assert "cluster" in {finding.code for finding in await admin.doctor.examine()}
    assert (await admin.trash.page()).rows == ()
    await kill_a_console(cluster_url, "after", plain_id)
    cut_off, *others = (await admin.audit.page()).rows
    assert (cut_off.action, cut_off.outcome) == ("jobs.remove", "unknown")
    assert [row.outcome for row in others] == ["done"] * len(others) and len(others) >= 4
