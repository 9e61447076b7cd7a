"""The catalogue's active rows and the version that says when they changed."""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from workers.db.models import CatalogueRow
from workers.documents import matching


@dataclass(frozen=True, slots=True)
class CatalogueVersion:
    """Differs whenever a row was added, changed or deactivated."""

    rows: int
    updated_ms: int


async def catalogue_version(session: AsyncSession) -> CatalogueVersion:
    """Returns the version of the active rows."""
    counted = select(func.count().filter(CatalogueRow.active), func.max(CatalogueRow.updated_ms))
    rows, newest = (await session.execute(counted)).one()
    return CatalogueVersion(rows=rows, updated_ms=newest or 0)


async def active_rows(session: AsyncSession) -> list[matching.CatalogueRow]:
    """Returns the active rows as the matching wants them."""
    columns = select(
        CatalogueRow.code,
        CatalogueRow.name,
        CatalogueRow.description,
        CatalogueRow.brand,
        CatalogueRow.unit,
        CatalogueRow.price,
    )
    found = await session.execute(columns.where(CatalogueRow.active).order_by(CatalogueRow.code))
    return [
        matching.CatalogueRow(
            row_id=code,
            name=name,
            description=description,
            brand=brand,
            codes=(code,),
            unit=unit,
            price=None if price is None else float(price),
        )
        for code, name, description, brand, unit, price in found
    ]
