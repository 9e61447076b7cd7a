"""The catalogue, its imports on the way in, and reviewers' decisions."""

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from workers.db.models.base import Amount, Base, Json, Key, Long, Millis, Short


class CatalogueRow(Base):
    """One product; `code` is its key in the source (an IMPA code is an opaque six-digit key)."""

    __tablename__ = "catalogue_rows"

    code: Mapped[Key]
    name: Mapped[Long]
    description: Mapped[Long] = mapped_column(default="")
    brand: Mapped[Short] = mapped_column(default="")
    unit: Mapped[Short] = mapped_column(default="")
    price: Mapped[Amount | None]
    currency: Mapped[Short] = mapped_column(default="")
    active: Mapped[bool] = mapped_column(default=True, index=True)
    import_id: Mapped[Short | None]
    updated_ms: Mapped[Millis] = mapped_column(index=True)


class CatalogueImport(Base):
    """One run of an import, with how far it came (`checkpoint`: rows of the file already staged)."""

    __tablename__ = "catalogue_imports"

    id: Mapped[Key]
    source: Mapped[Short] = mapped_column(index=True)
    file_ref: Mapped[Short]
    status: Mapped[Short]
    dry_run: Mapped[bool] = mapped_column(default=False)
    checkpoint: Mapped[int] = mapped_column(default=0)
    rows: Mapped[int] = mapped_column(default=0)
    refused: Mapped[int] = mapped_column(default=0)
    difference: Mapped[Json | None]
    errors_ref: Mapped[Short | None]
    note: Mapped[Long | None]
    started_ms: Mapped[Millis]
    finished_ms: Mapped[Millis | None]


class StagedRow(Base):
    """A checked row of an import that is not yet in the catalogue."""

    __tablename__ = "staged_rows"
    __table_args__ = (Index("ix_staged_rows_import_code", "import_id", "code"),)

    import_id: Mapped[str] = mapped_column(ForeignKey("catalogue_imports.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[Short]
    name: Mapped[Long]
    description: Mapped[Long]
    brand: Mapped[Short]
    unit: Mapped[Short]
    price: Mapped[Amount | None]
    currency: Mapped[Short]


class RefusedRow(Base):
    """A row of an import's file that cannot be used, and why; `code` when the row says at least that."""

    __tablename__ = "refused_rows"

    import_id: Mapped[str] = mapped_column(ForeignKey("catalogue_imports.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[Short | None]
    reason: Mapped[Short]
    content: Mapped[Long]


class MatchDecision(Base):
    """What a reviewer said a customer means by a description; wins over every other match."""

    __tablename__ = "match_decisions"

    customer: Mapped[str] = mapped_column(primary_key=True)
    description_key: Mapped[str] = mapped_column(primary_key=True)
    row_id: Mapped[Short]
    decided_by: Mapped[Short]
    decided_ms: Mapped[Millis]
