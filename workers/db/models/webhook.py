"""Events for the outside, where they are to go, and every delivery that was tried."""

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from workers.db.models.base import Base, Json, Key, Long, Millis, Serial, Short


class OutgoingEvent(Base):
    """Something that happened, written in the transaction that made it happen; sent on afterwards."""

    __tablename__ = "outgoing_events"
    __table_args__ = (Index("ix_outgoing_events_pending", "sent_ms", "created_ms"),)

    id: Mapped[Key]
    type: Mapped[Short]
    customer: Mapped[Short] = mapped_column(default="")
    payload: Mapped[Json]
    created_ms: Mapped[Millis]
    sent_ms: Mapped[Millis | None]


class WebhookEndpoint(Base):
    """An address that wants events; `secrets` has the newest first and a second one while rotating."""

    __tablename__ = "webhook_endpoints"

    id: Mapped[Key]
    customer: Mapped[Short] = mapped_column(default="", index=True)
    url: Mapped[Long]
    secrets: Mapped[Json]
    events: Mapped[Json]
    failures: Mapped[int] = mapped_column(default=0)
    failing_since_ms: Mapped[Millis | None]
    disabled_ms: Mapped[Millis | None]
    disabled_reason: Mapped[Long | None]
    created_ms: Mapped[Millis]


class WebhookDelivery(Base):
    """One request to an endpoint and what came back."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (Index("ix_webhook_deliveries_event", "event_id", "endpoint_id"),)

    id: Mapped[Serial]
    endpoint_id: Mapped[str] = mapped_column(ForeignKey("webhook_endpoints.id", ondelete="CASCADE"))
    event_id: Mapped[Short]
    attempt: Mapped[int]
    status_code: Mapped[int | None]
    duration_ms: Mapped[int]
    excerpt: Mapped[Long]
    error: Mapped[Long | None]
    replay: Mapped[bool] = mapped_column(default=False)
    at_ms: Mapped[Millis] = mapped_column(index=True)
