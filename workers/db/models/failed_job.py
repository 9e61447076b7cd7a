"""Buried jobs kept for review, and the incidents they raised."""

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from workers.db.models.base import Base, Json, Long, Millis, Short


class FailedJob(Base):
    """One dead letter: the payload with its secrets masked, the error, and what became of it."""

    __tablename__ = "failed_jobs"
    __table_args__ = (Index("ix_failed_jobs_open", "status", "queue"),)

    entry_id: Mapped[str] = mapped_column(primary_key=True)
    queue: Mapped[Short]
    job_id: Mapped[Short] = mapped_column(index=True)
    job_type: Mapped[Short]
    severity: Mapped[Short]
    cause: Mapped[Short]
    payload: Mapped[Json | None]
    error_type: Mapped[Short]
    error: Mapped[Long]
    traceback: Mapped[Long]
    fingerprint: Mapped[Short] = mapped_column(index=True)
    incident_key: Mapped[Short] = mapped_column(index=True)
    attempts: Mapped[int]
    stalls: Mapped[int]
    enqueued_ms: Mapped[Millis | None]
    failed_ms: Mapped[Millis]
    status: Mapped[Short] = mapped_column(default="open")
    actor: Mapped[Short | None]
    reason: Mapped[Long | None]
    replayed_as: Mapped[Short | None]
    resolved_ms: Mapped[Millis | None]


class Incident(Base):
    """What is told to the pager as one: all failures of a kind until it is resolved; `told` names the channels."""

    __tablename__ = "incidents"

    dedup_key: Mapped[str] = mapped_column(String(255), primary_key=True)
    severity: Mapped[Short]
    summary: Mapped[Short]
    failures: Mapped[int] = mapped_column(default=0)
    told: Mapped[Json]
    opened_by: Mapped[Short]
    opened_ms: Mapped[Millis]
    alerted_ms: Mapped[Millis | None]
    resolved_ms: Mapped[Millis | None]
