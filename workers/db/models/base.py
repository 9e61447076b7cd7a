"""What every table shares: names of constraints, and the types of keys, instants, amounts and JSON."""

from decimal import Decimal
from typing import Annotated, Any

from sqlalchemy import JSON, BigInteger, MetaData, Numeric, String, Text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import DeclarativeBase, mapped_column
from sqlalchemy.types import TypeDecorator

_JSON = JSON().with_variant(postgresql.JSONB(), "postgresql")
# SQLite counts up by itself only in a column that is exactly INTEGER.
_SERIAL = BigInteger().with_variant(sqlite.INTEGER(), "sqlite")


class ExactNumber(TypeDecorator[Decimal]):
    """A decimal kept to its last digit: NUMERIC on PostgreSQL, text on SQLite, which has only floats."""

    impl = Numeric
    cache_ok = True

    def load_dialect_impl(self, dialect: Any) -> Any:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(String(40))
        return dialect.type_descriptor(Numeric())

    def process_bind_param(self, value: Decimal | None, dialect: Any) -> Any:
        return str(value) if value is not None and dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Any) -> Decimal | None:
        return None if value is None else Decimal(value)


Key = Annotated[str, mapped_column(String(64), primary_key=True)]
Serial = Annotated[int, mapped_column(_SERIAL, primary_key=True, autoincrement=True)]
Millis = Annotated[int, mapped_column(BigInteger)]
"""An instant in UTC epoch milliseconds."""
Short = Annotated[str, mapped_column(String(255))]
Long = Annotated[str, mapped_column(Text)]
Amount = Annotated[Decimal, mapped_column(ExactNumber)]
Json = Annotated[Any, mapped_column(_JSON)]


class Base(DeclarativeBase):
    """Base of every table."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
