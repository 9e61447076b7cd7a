"""What upkeep looks after: people's sessions, and when each schedule last ran."""

from sqlalchemy.orm import Mapped, mapped_column

from workers.db.models.base import Base, Key, Millis, Short


class Session(Base):
    """A signed-in session of the platform, by the digest of its token."""

    __tablename__ = "sessions"

    token_digest: Mapped[Key]
    user_id: Mapped[Short]
    created_ms: Mapped[Millis]
    expires_ms: Mapped[Millis] = mapped_column(index=True)


class ScheduleRun(Base):
    """When a schedule last ran to its end, and when a missed run was last told."""

    __tablename__ = "schedule_runs"

    schedule: Mapped[Key]
    ended_ms: Mapped[Millis]
    told_ms: Mapped[Millis | None]
