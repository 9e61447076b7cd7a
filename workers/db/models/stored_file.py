"""Files in the storage: uploads, results of reports and exports, error files of imports."""

from sqlalchemy.orm import Mapped, mapped_column

from workers.db.models.base import Base, Key, Millis, Short


class StoredFile(Base):
    """A file of the storage and how long it is kept; None is for good."""

    __tablename__ = "stored_files"

    ref: Mapped[Key]
    name: Mapped[Short]
    content_type: Mapped[Short]
    size_bytes: Mapped[int]
    sha256: Mapped[Short] = mapped_column(index=True)
    purpose: Mapped[Short]
    created_ms: Mapped[Millis]
    expires_ms: Mapped[Millis | None] = mapped_column(index=True)
