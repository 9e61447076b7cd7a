"""People who get mails and notifications."""

from sqlalchemy.orm import Mapped, mapped_column

from workers.db.models.base import Base, Key, Millis, Short


class User(Base):
    """A person of a tenant; quiet hours are minutes of the day in the person's own zone."""

    __tablename__ = "users"

    id: Mapped[Key]
    tenant: Mapped[Short] = mapped_column(default="", index=True)
    email: Mapped[Short]
    name: Mapped[Short] = mapped_column(default="")
    locale: Mapped[Short] = mapped_column(default="en")
    zone: Mapped[Short] = mapped_column(default="UTC")
    active: Mapped[bool] = mapped_column(default=True)
    quiet_from_min: Mapped[int | None]
    quiet_until_min: Mapped[int | None]
    digest: Mapped[bool] = mapped_column(default=False)
    created_ms: Mapped[Millis]
