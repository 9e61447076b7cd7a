"""The short form of every fault; `make faults` runs the long ones and prints what they counted."""

from pathlib import Path

import pytest

from tests.faults import failover_faults, line_faults, network_faults, server_faults, worker_faults
from tests.faults.network import why_not
from tests.faults.stage import Outcome

RESUME_S = 5.0
CLUSTER_RESUME_S = 2 * failover_faults.NODE_TIMEOUT_MS / 1000 + 2
STARTS = 5  # a resumption takes far less than starting a worker, which an idle machine does in a second

needs_two_hosts = pytest.mark.skipif(why_not() is not None, reason=str(why_not()))


def nothing_lost(outcome: Outcome) -> None:
    """Assert what holds for every fault."""
    print(outcome)
    assert outcome.acknowledged > 0
    assert (outcome.lost, outcome.overlapped, outcome.settled_twice) == (0, 0, 0)


def resumed_in_time(outcome: Outcome, limit_s: float) -> None:
    """Assert that work went on within the limit; on a machine that is too busy, within some starts of a worker."""
    assert outcome.resume_s is not None
    assert outcome.resume_s < max(limit_s, STARTS * outcome.start_s)


async def test_a_worker_killed_at_every_step_costs_a_stall_and_no_attempt(tmp_path: Path) -> None:
    outcome = await worker_faults.killed_at_every_step(tmp_path, 1)
    nothing_lost(outcome)
    assert outcome.stalls > 0
    assert "0 counted as attempts" in outcome.note


async def test_a_worker_that_is_told_to_stop_finishes_and_counts_nothing_against_a_job(tmp_path: Path) -> None:
    outcome = await worker_faults.stopped_under_load(tmp_path, 30)
    nothing_lost(outcome)
    assert outcome.stalls == 0
    assert "exit 0, 0 counted as attempts" in outcome.note


async def test_a_worker_that_is_told_twice_gives_its_jobs_back_at_once(tmp_path: Path) -> None:
    outcome = await worker_faults.stopped_twice(tmp_path, 10)
    nothing_lost(outcome)
    assert outcome.stalls == 0
    assert float(outcome.note.split("gone in ")[1].split(" ")[0]) < 30  # its jobs take 60 s
    assert "0 counted as attempts" in outcome.note


async def test_a_blocked_event_loop_loses_no_lease(tmp_path: Path) -> None:
    outcome = await worker_faults.loop_blocked(tmp_path, 1)
    nothing_lost(outcome)
    assert (outcome.stalls, outcome.run_twice) == (0, 0)


async def test_a_worker_that_comes_back_after_its_lease_settles_nothing(tmp_path: Path) -> None:
    outcome = await worker_faults.frozen(tmp_path, 8)
    nothing_lost(outcome)
    assert outcome.stalls == 8
    assert "8 results dropped" in outcome.note


@pytest.mark.slow  # the crash below is the short form of both
async def test_a_redis_restart_is_waited_out(tmp_path: Path) -> None:
    outcome = await server_faults.restarted(tmp_path, 150)
    nothing_lost(outcome)
    assert "2 of 2 workers went on, 0 counted as attempts" in outcome.note


@pytest.mark.parametrize("fsync", ["everysec", pytest.param("always", marks=pytest.mark.slow)])
async def test_a_redis_crash_keeps_what_was_acknowledged(tmp_path: Path, fsync: str) -> None:
    outcome = await server_faults.killed(tmp_path, 150, fsync)
    nothing_lost(outcome)
    assert "2 of 2 workers went on" in outcome.note
    resumed_in_time(outcome, RESUME_S)


async def test_a_full_redis_is_told_to_the_producer_and_outlasted_by_the_worker(tmp_path: Path) -> None:
    outcome = await server_faults.out_of_memory(tmp_path, 8)
    nothing_lost(outcome)
    assert "takes no more data" in outcome.note
    assert outcome.run_twice == 0


async def test_a_read_only_redis_is_waited_out(tmp_path: Path) -> None:
    outcome = await server_faults.read_only(tmp_path, 150)
    nothing_lost(outcome)
    resumed_in_time(outcome, RESUME_S)


async def test_forgotten_scripts_are_sent_again(tmp_path: Path) -> None:
    nothing_lost(await server_faults.scripts_forgotten(tmp_path, 150))


@pytest.mark.parametrize("hours", [1, pytest.param(-1, marks=pytest.mark.slow)])
async def test_a_jump_of_a_hosts_clock_moves_no_job(tmp_path: Path, hours: int) -> None:
    outcome = await server_faults.clock_jumped(tmp_path, 100, hours)
    nothing_lost(outcome)
    assert outcome.stalls == 0
    first, last = (float(word) for word in outcome.note.split(" s from ")[0].split("started ")[1].split(" to "))
    assert -0.1 <= first <= last < 60  # their worker's clock is 3,600 s off


@pytest.mark.parametrize("how", ["kill", pytest.param("freeze", marks=pytest.mark.slow)])
async def test_a_lost_primary_under_sentinel_costs_seconds_and_no_job(tmp_path: Path, how: str) -> None:
    outcome = await failover_faults.sentinel_primary(tmp_path, 150, how)
    nothing_lost(outcome)
    resumed_in_time(outcome, RESUME_S)
    assert "2 of 2 workers went on" in outcome.note


@pytest.mark.slow
async def test_a_lost_replica_is_told_and_stops_nobody(tmp_path: Path) -> None:
    outcome = await failover_faults.replica_killed(tmp_path, 400)
    nothing_lost(outcome)
    assert (outcome.run_twice, outcome.stalls) == (0, 0)
    resumed_in_time(outcome, RESUME_S)
    assert "2 of 2 workers went on, 0 counted as attempts" in outcome.note


@pytest.mark.parametrize("how", [pytest.param("kill", marks=pytest.mark.slow), "freeze"])
async def test_a_lost_primary_of_a_cluster_costs_seconds_and_no_job(tmp_path: Path, how: str) -> None:
    outcome = await failover_faults.cluster_primary(tmp_path, 150, how)
    nothing_lost(outcome)
    assert outcome.run_twice == 0
    resumed_in_time(outcome, CLUSTER_RESUME_S)
    assert "2 of 2 workers went on" in outcome.note


async def test_a_slow_line_that_keeps_breaking_loses_nothing(tmp_path: Path) -> None:
    outcome = await line_faults.poor_line(tmp_path, 50, delay_ms=20)
    nothing_lost(outcome)
    assert "not drained" not in outcome.note


@needs_two_hosts
async def test_a_dropped_network_holds_no_call_above_its_deadline(tmp_path: Path) -> None:
    outcome = await network_faults.run("dropped", tmp_path, 200)
    nothing_lost(outcome)
    longest_s = float(outcome.note.split("the longest took ")[1].split(" ")[0])  # the cut lasts until all are refused
    assert longest_s < network_faults.DEADLINE_S + max(0.4, outcome.start_s)


@needs_two_hosts
async def test_a_partition_loses_nothing_that_a_replica_had_confirmed(tmp_path: Path) -> None:
    outcome = await network_faults.run("partitioned", tmp_path, 100, "wait", "4")
    nothing_lost(outcome)
    resumed_in_time(outcome, RESUME_S)


@pytest.mark.slow
@needs_two_hosts
async def test_what_a_partition_may_lose_is_bounded(tmp_path: Path) -> None:
    outcome = await network_faults.run("partitioned", tmp_path, 500, "default", "6")
    assert outcome.settled_twice == 0
    per_s, worst_s = 50, network_faults.MAX_LAG_S + 2
    assert outcome.lost <= per_s * worst_s
