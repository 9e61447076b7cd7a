"""Notifications inside the product, what people want to hear of, and fan-outs to many."""

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from workers.db.models.base import Base, Json, Key, Long, Millis, Serial, Short


class Notification(Base):
    """One thing told to one person; told once, whatever is retried."""

    __tablename__ = "notifications"
    __table_args__ = (
        UniqueConstraint("user_id", "event_id"),
        Index("ix_notifications_unread", "user_id", "read_ms"),
        Index("ix_notifications_digest", "digest_due_ms"),
    )

    id: Mapped[Serial]
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    event_id: Mapped[Short]
    event: Mapped[Short]
    title: Mapped[Short]
    body: Mapped[Long]
    link: Mapped[Short | None]
    channels: Mapped[Json]
    created_ms: Mapped[Millis]
    read_ms: Mapped[Millis | None]
    digest_due_ms: Mapped[Millis | None]


class NotificationPreference(Base):
    """The channels on which a person wants to hear of an event; `*` is every event without a row of its own."""

    __tablename__ = "notification_preferences"

    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    event: Mapped[str] = mapped_column(primary_key=True)
    channels: Mapped[Json]


class Fanout(Base):
    """One notification to many; `last_user_id` is where the next chunk goes on."""

    __tablename__ = "fanouts"

    id: Mapped[Key]
    event: Mapped[Short]
    tenant: Mapped[Short] = mapped_column(default="")
    title: Mapped[Short]
    body: Mapped[Long]
    link: Mapped[Short | None]
    recipients: Mapped[int] = mapped_column(default=0)
    told: Mapped[int] = mapped_column(default=0)
    last_user_id: Mapped[Short] = mapped_column(default="")
    created_ms: Mapped[Millis]
    finished_ms: Mapped[Millis | None]
