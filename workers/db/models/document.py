"""Documents, their lines and the lines already read from a file."""

from enum import StrEnum

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from workers.db.models.base import Amount, Base, Json, Key, Long, Millis, Serial, Short


class DocumentStatus(StrEnum):
    """How far a document is."""

    RECEIVED = "received"
    PROCESSING = "processing"
    PROCESSED = "processed"
    REVIEW = "review"
    UNREADABLE = "unreadable"


class Document(Base):
    """A file somebody sent to have its lines read; `file_ref` names it in the storage."""

    __tablename__ = "documents"

    id: Mapped[Key]
    customer: Mapped[Short] = mapped_column(default="")
    name: Mapped[Short] = mapped_column(default="")
    file_ref: Mapped[Short]
    status: Mapped[Short] = mapped_column(default=DocumentStatus.RECEIVED, index=True)
    kind: Mapped[Short | None]
    job_id: Mapped[Short | None]
    attempt: Mapped[int] = mapped_column(default=0)
    lines_found: Mapped[int] = mapped_column(default=0)
    lines_matched: Mapped[int] = mapped_column(default=0)
    lines_in_review: Mapped[int] = mapped_column(default=0)
    error: Mapped[Long | None]
    created_ms: Mapped[Millis]
    processed_ms: Mapped[Millis | None]
    reminded_ms: Mapped[Millis | None]
    lines: Mapped[list["DocumentLine"]] = relationship(
        back_populates="document", cascade="all, delete-orphan", order_by="DocumentLine.position"
    )


class DocumentLine(Base):
    """One line of a document with the catalogue row it was matched to."""

    __tablename__ = "document_lines"
    __table_args__ = (UniqueConstraint("document_id", "position"), Index("ix_document_lines_review", "needs_review"))

    id: Mapped[Serial]
    document_id: Mapped[str] = mapped_column(ForeignKey("documents.id", ondelete="CASCADE"))
    position: Mapped[int]
    description: Mapped[Long]
    quantity: Mapped[Amount | None]
    unit: Mapped[Short | None]
    part_number: Mapped[Short | None]
    unit_price: Mapped[Amount | None]
    line_total: Mapped[Amount | None]
    page: Mapped[int | None]
    box: Mapped[Json | None]
    confidence: Mapped[float]
    review: Mapped[Json]
    row_id: Mapped[Short | None]
    match_confidence: Mapped[float] = mapped_column(default=0.0)
    match_source: Mapped[Short] = mapped_column(default="none")
    alternatives: Mapped[Json]
    unit_factor: Mapped[Amount | None]
    needs_review: Mapped[bool] = mapped_column(default=False)
    document: Mapped[Document] = relationship(back_populates="lines")


class ParsedFile(Base):
    """The lines read from a file's content, so that the same content is not read twice by the same engine."""

    __tablename__ = "parsed_files"

    sha256: Mapped[Key]
    engine: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[Short]
    lines: Mapped[Json]
    created_ms: Mapped[Millis] = mapped_column(index=True)
