"""Reads jobs: one script call for a batch of ids of one queue, whatever their states."""

from collections.abc import Sequence
from typing import Any, Final

from qconsole.admin.backend import Backend
from qconsole.admin.stored_job import ROW_FIELDS, StoredJob

BATCH_JOBS: Final = 200
ROW_CAP_BYTES: Final = 16_384
VIEW_CAP_BYTES: Final = 4_194_304
ROW_PARTS: Final = "prf"
VIEW_PARTS: Final = "prhl"


class JobReader:
    """Turns ids into `StoredJob`s."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def read(
        self,
        queue: str,
        ids: Sequence[str],
        *,
        parts: str = ROW_PARTS,
        cap_bytes: int = ROW_CAP_BYTES,
        fields: Sequence[str] = ROW_FIELDS,
    ) -> list[StoredJob]:
        """Return what is known about each wire id, in order; unknown ones have no state.

        Args:
            queue: whose jobs they are.
            ids: as they stand in Redis.
            parts: see `lua/rows.lua`.
            cap_bytes: how much of a payload or result to read.
            fields: of the record, for part `f`.
        """
        now_ms = self._backend.now_ms()
        jobs: list[StoredJob] = []
        for start in range(0, len(ids), BATCH_JOBS):
            batch = ids[start : start + BATCH_JOBS]
            answers = await self._backend.read("rows", [queue], [parts, cap_bytes, len(fields), *fields, *batch])
            for job_id, answer in zip(batch, answers, strict=True):
                jobs.append(_stored(job_id, queue, now_ms, answer, None if "h" in parts else fields))
        return jobs

    async def view(self, queue: str, job_id: str) -> StoredJob:
        """Return everything about one job (its wire id)."""
        (job,) = await self.read(queue, [job_id], parts=VIEW_PARTS, cap_bytes=VIEW_CAP_BYTES)
        payload, result = await self._backend.whole_call(job.payload), await self._backend.whole_result(job.result)
        if payload is not job.payload and payload is not None:
            job.payload, job.payload_bytes = payload, len(payload)
        if result is not job.result and result is not None:
            job.result, job.result_bytes = result, len(result)
        return job


def _stored(job_id: str, queue: str, now_ms: int, answer: list[Any], fields: Sequence[str] | None) -> StoredJob:
    score, children, ended, ended_ms, token, active, lease_end, spent = answer[:8]
    payload, payload_bytes, result, result_bytes, record, logs, flow = answer[8:]
    return StoredJob(
        id=job_id,
        queue=queue,
        now_ms=now_ms,
        score=None if score is None else float(score),
        children_ms=None if children is None else int(float(children)),
        ended=None if ended is None else ended.decode(),
        ended_ms=None if ended_ms is None else int(float(ended_ms)),
        lease_token=token,
        active=active,
        lease_end_ms=None if lease_end is None else float(lease_end),
        attempts_spent=_count(spent),
        payload=payload,
        payload_bytes=payload_bytes,
        result=result,
        result_bytes=result_bytes,
        record=_record(record, fields),
        logs_total=logs,
        children=flow,
    )


def _count(raw: bytes | None) -> int:
    return int(raw) if raw is not None and raw.isdigit() else 0


def _record(values: list[bytes | None] | None, fields: Sequence[str] | None) -> dict[str, bytes]:
    """Return the record from a list of values of known fields, or of alternating names and values."""
    if not values:
        return {}
    if fields is None:
        pairs = zip(values[::2], values[1::2], strict=True)
        return {
            name.decode("utf-8", "replace"): value for name, value in pairs if name is not None and value is not None
        }
    return {name: value for name, value in zip(fields, values, strict=True) if value is not None}
