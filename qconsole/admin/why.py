"""Why a job is, or is not, running: one sentence, the facts it rests on, and a command that helps."""

import math
from typing import Any, Final

from qconsole.admin.counts import QueueCounts, read_counts
from qconsole.admin.job_sources import URGENT_END
from qconsole.admin.session import Session
from qconsole.admin.stored_job import StoredJob
from qconsole.admin.views import Why, WorkerView
from qconsole.admin.worker_registry import read_workers
from qconsole.runtime.job import JobState
from qconsole.runtime.score import Place, decode_score

Evidence = list[tuple[str, str]]
_ENDED: Final = {
    JobState.COMPLETED: "It has completed",
    JobState.FAILED: "It has failed",
    JobState.CANCELLED: "It was cancelled",
}


async def explain(session: Session, job: StoredJob) -> Why:
    """Return the answer for one job."""
    bare_id = session.backend.keys(job.queue).bare_id(job.id)
    match job.state:
        case JobState.COMPLETED | JobState.FAILED | JobState.CANCELLED:
            return _ended(session, job, bare_id)
        case JobState.ACTIVE:
            return await _active(session, job, bare_id)
        case JobState.WAITING_CHILDREN:
            return await _waiting_children(session, job, bare_id)
        case JobState.DELAYED:
            return _delayed(session, job, bare_id)
        case _:
            return await _waiting(session, job)


def _ended(session: Session, job: StoredJob, bare_id: str) -> Why:
    state = job.state or JobState.COMPLETED
    evidence: Evidence = [("state", state.value)]
    if job.finished_ms:
        evidence.append(("ended", ago(job.now_ms - job.finished_ms)))
    if state is not JobState.FAILED or job.error is None:
        return Why(f"{_ENDED[state]}.", "ended", tuple(evidence))
    message = session.backend.redaction.text(job.error.message[:200])
    evidence += [("error", f"{job.error.type}: {message}"), ("attempts", str(job.attempts_made))]
    command = session.command("jobs", "retry", bare_id, queue=job.queue)
    return Why(f"{_ENDED[state]}: {job.error.type}: {message}", "ended", tuple(evidence), command)


async def _active(session: Session, job: StoredJob, bare_id: str) -> Why:
    workers = {worker.id: worker for worker in await read_workers(session.backend)}
    name = job.worker or "a worker that is not known"
    evidence: Evidence = [("worker", name)]
    if job.started_ms:
        evidence.append(("started", ago(job.now_ms - job.started_ms)))
    lease_left_ms = None if job.lease_end_ms is None else job.lease_end_ms - job.now_ms
    if lease_left_ms is not None:
        evidence.append(("lease", f"ends in {span(lease_left_ms)}" if lease_left_ms > 0 else "ran out"))
    worker = workers.get(job.worker or "")
    if job.lease_token is None or (lease_left_ms is not None and lease_left_ms <= 0):
        sentence = f"Its worker {name} lost the lease; the next claim of any worker takes the job up again."
        return Why(sentence, "lease_lost", tuple(evidence), session.command("workers", "list"))
    if job.active is not None and (worker is None or worker.state == "lost"):
        evidence.append(("heartbeat", "none" if worker is None else ago(job.now_ms - worker.heartbeat_ms)))
        left = span(lease_left_ms) if lease_left_ms else "soon"
        sentence = f"Its worker {name} is gone; the lease ends in {left} and the job runs again."
        return Why(sentence, "lease_lost", tuple(evidence), session.command("workers", "list"))
    return Why(f"It is running on {name}.", "running", tuple(evidence), session.command("jobs", "logs", bare_id))


async def _waiting_children(session: Session, job: StoredJob, bare_id: str) -> Why:
    keys = session.backend.keys(job.queue)
    flow = await session.backend.redis.hgetall(keys.flow(job.id))  # type: ignore[misc]
    children = {name: state for name, state in flow.items() if b"\n" in name and not name.startswith(b"=")}
    pending = [name for name, state in children.items() if state == b"pending"]
    evidence: Evidence = [("children", str(len(children))), ("still pending", str(len(pending)))]
    for name in sorted(pending)[:5]:
        queue, _, child = name.decode("utf-8", "replace").partition("\n")
        evidence.append(("child", f"{queue}/{session.backend.keys(queue).bare_id(child)}"))
    sentence = f"It waits for {count_of(len(pending), 'child', 'children')} of {len(children)} to end."
    return Why(sentence, "waiting_children", tuple(evidence), session.command("flows", "show", bare_id))


def _delayed(session: Session, job: StoredJob, bare_id: str) -> Why:
    due_ms = int(job.score or 0)
    evidence: Evidence = [("due", f"in {span(due_ms - job.now_ms)}")]
    if job.attempts_spent:
        evidence.append(("attempts so far", str(job.attempts_spent)))
        if job.error is not None:
            evidence.append(
                ("last error", f"{job.error.type}: {session.backend.redaction.text(job.error.message[:200])}")
            )
        failed = count_of(job.attempts_spent, "time", "times")
        sentence = f"It failed {failed} and is tried again in {span(due_ms - job.now_ms)}."
    else:
        sentence = f"It is delayed: due in {span(due_ms - job.now_ms)}."
    return Why(sentence, "delayed", tuple(evidence), session.command("jobs", "promote", bare_id, queue=job.queue))


async def _waiting(session: Session, job: StoredJob) -> Why:
    """Go through what can hold back a job that is due, the strongest first."""
    counts = (await read_counts(session.backend, [job.queue]))[job.queue]
    stored = await session.backend.redis.hgetall(session.backend.keys(job.queue).config())  # type: ignore[misc]
    config = {name.decode(): value.decode("utf-8", "replace") for name, value in stored.items()}
    workers = [worker for worker in await read_workers(session.backend) if job.queue in worker.queues]
    waited: Evidence = [("waiting for", span(job.now_ms - (job.due_ms or job.now_ms)))]
    if counts.pause is not None:
        return _paused(session, job, counts, waited)
    if counts.held_until_ms is not None:
        left = span(counts.held_until_ms - job.now_ms)
        evidence = (("hold ends in", left), *waited)
        command = session.command("queues", "resume", job.queue, hold=True)
        return Why(
            f"Queue {job.queue} is held for {left}: a job said that an upstream is rate limited.",
            "held",
            evidence,
            command,
        )
    no_worker = await _no_worker(session, job, workers, waited)
    if no_worker is not None:
        return no_worker
    return await _limited(session, job, counts, config, workers, waited)


def _paused(session: Session, job: StoredJob, counts: QueueCounts, waited: Evidence) -> Why:
    pause = counts.pause
    evidence: Evidence = [*waited]
    by = f" by {pause.actor}" if pause and pause.actor else ""
    reason = f": {pause.reason}" if pause and pause.reason else ""
    if pause and pause.since_ms:
        evidence.append(("paused", ago(job.now_ms - pause.since_ms)))
    if pause and pause.until_ms:
        evidence.append(("resumes in", span(pause.until_ms - job.now_ms)))
    command = session.command("queues", "resume", job.queue)
    return Why(f"Queue {job.queue} is paused{by}{reason}.", "paused", tuple(evidence), command)


async def _no_worker(session: Session, job: StoredJob, workers: list[WorkerView], waited: Evidence) -> Why | None:
    alive = [worker for worker in workers if worker.state in ("running", "plain arq")]
    if alive:
        known = await session.job_types.all()
        declared = known.get(job.job_type)
        if (
            declared
            and declared.get("queue") not in (None, job.queue)
            and not any(w.state == "plain arq" for w in alive)
        ):
            evidence = (("job type's queue", str(declared["queue"])), *waited)
            return Why(
                f"Job type {job.job_type} belongs to queue {declared['queue']}, not {job.queue}.",
                "unknown_type",
                evidence,
            )
        return None
    evidence = tuple([(worker.id, worker.state) for worker in workers[:5]] + waited)
    quiet = [worker for worker in workers if worker.state == "quiet"]
    if quiet:
        command = session.command("workers", "resume", quiet[0].id)
        return Why(f"Every worker of queue {job.queue} is quiet.", "no_worker", evidence, command)
    command = "qconsole worker SETTINGS"
    return Why(f"No worker serves queue {job.queue}.", "no_worker", evidence, command)


async def _limited(
    session: Session,
    job: StoredJob,
    counts: QueueCounts,
    config: dict[str, str],
    workers: list[WorkerView],
    waited: Evidence,
) -> Why:
    concurrency = _limit(config.get("concurrency"))
    if concurrency is not None and counts.active >= concurrency:
        evidence = (("running", str(counts.active)), ("limit", str(concurrency)), *waited)
        command = session.command("queues", "limit", job.queue, concurrency=concurrency * 2)
        return Why(f"Queue {job.queue} runs {counts.active} jobs, its limit.", "concurrency", evidence, command)
    rate_max, rate_ms = _limit(config.get("rate_max")), _limit(config.get("rate_ms"))
    if rate_max and rate_ms:
        starts = await session.backend.redis.lrange(session.backend.keys(job.queue).starts(), -rate_max, -1)  # type: ignore[misc]
        inside = [start for start in starts if float(start) >= job.now_ms - rate_ms]
        if len(inside) >= rate_max:
            left = span(float(inside[0]) + rate_ms - job.now_ms)
            evidence = (("started", f"{len(inside)} within {span(rate_ms)}"), ("next start in", left), *waited)
            return Why(
                f"Queue {job.queue} is at its rate limit of {rate_max} per {span(rate_ms)}.", "rate_limited", evidence
            )
    slots, busy = sum(w.queues.get(job.queue, 0) for w in workers), counts.active
    ahead = await _ahead(session, job)
    evidence = (("ahead of it", ahead), ("slots", str(slots)), ("running", str(busy)), *waited)
    if slots and busy >= slots:
        return Why(f"All {slots} slots of its workers are busy; {ahead} ahead of it.", "ready", evidence)
    return Why(f"It is ready and will be claimed in its turn; {ahead} ahead of it.", "ready", evidence)


async def _ahead(session: Session, job: StoredJob) -> str:
    """Say how many jobs will be claimed before this one."""
    if job.score is None:
        return "0 jobs"
    redis, score = session.backend.redis, f"({job.score:.17g}"
    place = decode_score(job.score, job.now_ms)
    if place.place is Place.BAND:
        ahead = await redis.zcount(job.queue, "-inf", score)
        if place.priority > 5:
            ahead += await redis.zcount(job.queue, "(0", f"({job.now_ms + 1}")
    else:
        ahead = await redis.zcount(job.queue, "-inf", URGENT_END) + await redis.zcount(job.queue, "(0", score)
    return count_of(int(ahead), "job", "jobs")


def _limit(text: str | None) -> int | None:
    try:
        value = int(float(text)) if text else None
    except ValueError:
        return None
    return value if value is not None and value >= 0 else None


def count_of(number: int, one: str, many: str) -> str:
    """Return a number with its noun."""
    return f"{number:,} {one if number == 1 else many}"


def span(ms: Any) -> str:
    """Return a length of time for a sentence: `4 s`, `12 min`, `3 h 5 min`, `2 d`."""
    seconds = max(0.0, float(ms) / 1000)
    if seconds < 1:
        return f"{math.ceil(seconds * 1000)} ms"
    if seconds < 90:
        return f"{round(seconds)} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    return f"{round(hours / 24)} d"


def ago(ms: Any) -> str:
    """Return how long something has been past."""
    return f"{span(ms)} ago"
