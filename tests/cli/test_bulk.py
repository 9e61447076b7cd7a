"""Verbs over many: ids that are named must be there and fit, a filter may select nothing; exit codes say which."""

import asyncio

import pytest
from redis.asyncio import Redis

from qconsole.runtime.client import Client
from qconsole.runtime.keys import Keys
from tests.admin.stock import failed_jobs
from tests.cli.conftest import Shell

EMAIL = Keys("email")
FAILED = "job0000000"


@pytest.fixture
async def stocked(redis: Redis) -> None:
    """Twelve failed jobs of `email` with their dead letters, one that waits there and one of the same id elsewhere."""
    await failed_jobs(redis, 12)
    client = Client(redis=redis)
    await client.enqueue("send", {}, queue="email", job_id="waits")
    await client.enqueue("send", {}, queue="email", job_id="twice", delay_s=3_600)
    await client.enqueue("send", {}, queue="reports", job_id="report", delay_s=3_600)
    await redis.zadd("reports", {"twice": await redis.zscore("email", "twice")})


VERBS = [
    ("jobs", "retry"),
    ("jobs", "cancel"),
    ("jobs", "remove"),
    ("jobs", "promote"),
    ("dlq", "replay"),
    ("dlq", "discard"),
    ("trash", "restore"),
]


@pytest.mark.usefixtures("stocked")
@pytest.mark.parametrize(("noun", "verb"), VERBS)
@pytest.mark.parametrize("ids", [("nope",), ("nope", "neither"), ("nope", "--dry-run")])
def test_unknown_ids_are_not_found_whatever_the_verb(shell: Shell, noun: str, verb: str, ids: tuple[str, ...]) -> None:
    answer = shell(noun, verb, *ids, "--reason", "x", "--yes", "-o", "json")
    assert answer.code == 3, answer
    error = answer.error()
    assert error["code"] == ("dead_letter_not_found" if noun == "dlq" else "job_not_found")
    assert all(repr(name) in error["message"] for name in ids if not name.startswith("-"))
    assert shell("audit", "list", "-o", "json").json()["items"] == []


@pytest.mark.usefixtures("stocked")
def test_ids_from_standard_input_are_as_good_as_named_ones(shell: Shell) -> None:
    answer = shell("jobs", "retry", "--yes", stdin=b"nope\n\n neither \n")
    assert answer.code == 3
    assert answer.err.startswith("qconsole: there are no jobs 'nope', 'neither'\n  It may have been removed")
    many = shell("jobs", "retry", "-", "--yes", stdin=b"\n".join(b"n%d" % n for n in range(30)))
    assert (many.code, "and 20 more" in many.err) == (3, True)


@pytest.mark.usefixtures("stocked")
def test_ids_that_the_verb_does_not_fit_are_refused_each_with_why(shell: Shell) -> None:
    answer = shell("jobs", "retry", "waits", "twice", "nope", "--yes")
    assert answer.code == 4
    assert (
        "retry applies to none of them: waits (waiting: retry does not apply); twice (in several queues" in answer.err
    )
    assert "nope (not found)" in answer.err


@pytest.mark.usefixtures("stocked")
@pytest.mark.parametrize("wait", ["--wait", "--no-wait"])
async def test_the_good_ones_are_done_and_the_others_named(shell: Shell, redis: Redis, wait: str) -> None:
    answer = await asyncio.to_thread(shell, "jobs", "retry", FAILED, "nope", "waits", "--yes", wait, "-o", "json")
    assert answer.code == 6
    assert answer.json()["matched"] == 1
    error = answer.error()
    assert error["message"] == "left out nope (not found); waits (waiting: retry does not apply)"
    assert error["fields"]["left_out"] == [["nope", "not found"], ["waits", "waiting: retry does not apply"]]
    left = await redis.zscore(EMAIL.failed(), FAILED)
    assert (left is None) == (wait == "--wait")


@pytest.mark.usefixtures("stocked")
def test_a_dry_run_names_who_is_left_out(shell: Shell) -> None:
    answer = shell("jobs", "retry", FAILED, "nope", "--dry-run")
    assert answer.code == 0
    assert "left out   nope: not found" in answer.out
    plan = shell("jobs", "retry", FAILED, "nope", "--dry-run", "-o", "json").json()
    assert (plan["count"]["value"], plan["left_out"]) == (1, [["nope", "not found"]])


@pytest.mark.usefixtures("stocked")
def test_a_filter_may_select_nothing(shell: Shell) -> None:
    answer = shell("jobs", "retry", "--filter", "type:none")
    assert (answer.code, answer.out, answer.err) == (0, "", "Nothing to retry: no match.\n")
    for noun, verb, matched in (("jobs", "retry", "type:none"), ("trash", "restore", "id:none")):
        document = shell(noun, verb, "--filter", matched, "-o", "json").json()
        assert (document["schema"], document["matched"], document["state"]) == ("qconsole.operation/v1", 0, "planned")


@pytest.mark.usefixtures("stocked")
async def test_the_queue_narrows_ids_and_filters(shell: Shell, redis: Redis) -> None:
    assert (
        await asyncio.to_thread(shell, "jobs", "promote", "twice", "waits", "--queue", "reports", "--yes")
    ).code == 6
    assert (await redis.zmscore("reports", ["twice"]))[0] < (await redis.zmscore("email", ["twice"]))[0]
    assert (
        await asyncio.to_thread(shell, "jobs", "cancel", "--filter", "state:waiting", "--queue", "reports", "--yes")
    ).code == 0
    assert await redis.zscore("email", "waits") is not None
    for words in (("jobs", "cancel", "a", "b"), ("jobs", "cancel", "--filter", "state:waiting")):
        assert (await asyncio.to_thread(shell, *words, "--queue", "nope", "--yes")).code == 3
    assert (await asyncio.to_thread(shell, "queues", "drain", "nope", "--yes")).code == 3


@pytest.mark.usefixtures("stocked")
async def test_what_fails_is_a_partial_failure(shell: Shell, redis: Redis) -> None:
    (entry,) = await redis.zrange(EMAIL.dlq(), 0, 0)
    await redis.hdel(EMAIL.dead_letter(entry.decode()), "payload")  # type: ignore[misc]
    await redis.hdel(EMAIL.record(FAILED), "payload")  # type: ignore[misc]
    answer = await asyncio.to_thread(shell, "jobs", "retry", "--filter", "queue:email", "--yes", "-o", "json")
    assert answer.code == 6, answer
    assert answer.json()["failed"] == 1
    assert answer.error()["message"] == "1 of 12 failed"
