"""Mails that went out, recipient by recipient, and addresses that get none."""

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from workers.db.models.base import Base, Long, Millis, Short


class EmailDelivery(Base):
    """What became of one mail for one recipient; the id of a mail stays the same over its attempts."""

    __tablename__ = "email_deliveries"
    __table_args__ = (Index("ix_email_deliveries_recipient", "recipient"),)

    mail_id: Mapped[str] = mapped_column(primary_key=True)
    recipient: Mapped[str] = mapped_column(primary_key=True)
    template: Mapped[Short]
    status: Mapped[Short]
    reply_code: Mapped[int | None]
    reply: Mapped[Long | None]
    attempt: Mapped[int]
    at_ms: Mapped[Millis] = mapped_column(index=True)


class EmailSuppression(Base):
    """An address that refused for good; nothing is sent to it until somebody removes the row."""

    __tablename__ = "email_suppressions"

    address: Mapped[str] = mapped_column(String(320), primary_key=True)
    reason: Mapped[Long]
    reply_code: Mapped[int | None]
    since_ms: Mapped[Millis]
