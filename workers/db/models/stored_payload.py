"""Payloads of jobs that are too large for Redis."""

from sqlalchemy import LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from workers.db.models.base import Base, Key, Millis


class StoredPayload(Base):
    """A payload by its SHA-256; `put_ms` is when it was last put."""

    __tablename__ = "stored_payloads"

    ref: Mapped[Key]
    content: Mapped[bytes] = mapped_column(LargeBinary)
    put_ms: Mapped[Millis] = mapped_column(index=True)
