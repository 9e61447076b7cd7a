"""Imports of the catalogue: staged in batches with a checkpoint, compared, and applied in one transaction."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, exists, func, insert, literal, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from workers.db.models import CatalogueImport, CatalogueRow, RefusedRow, StagedRow

_FIELDS = ("name", "description", "brand", "unit", "price", "currency")


async def begin(session: AsyncSession, record: CatalogueImport) -> None:
    """Keeps a new import; what an earlier one under its id left is forgotten."""
    await clear(session, record.id)
    await session.execute(delete(RefusedRow).where(RefusedRow.import_id == record.id))
    await session.merge(record)


async def locked(session: AsyncSession, import_id: str) -> CatalogueImport:
    """Returns the import as it is now; nobody else changes it until the transaction ends."""
    return await session.get_one(CatalogueImport, import_id, with_for_update=True)


async def forget_abandoned(session: AsyncSession, *, before_ms: int) -> None:
    """Forgets the staged rows of imports that began before an instant and never ended."""
    old = select(CatalogueImport.id).where(CatalogueImport.started_ms < before_ms, CatalogueImport.status == "staging")
    await session.execute(delete(StagedRow).where(StagedRow.import_id.in_(old)))
    ended = update(CatalogueImport).where(CatalogueImport.id.in_(old))
    await session.execute(ended.values(status="abandoned").execution_options(synchronize_session=False))


async def stage(
    session: AsyncSession,
    import_id: str,
    *,
    rows: Sequence[Mapping[str, Any]],
    refused: Sequence[Mapping[str, Any]],
    checkpoint: int,
) -> None:
    """Stages a batch and moves the checkpoint with it."""
    if rows:
        await session.execute(insert(StagedRow), [{"import_id": import_id, **row} for row in rows])
    if refused:
        await session.execute(insert(RefusedRow), [{"import_id": import_id, **row} for row in refused])
    moved = {
        "checkpoint": checkpoint,
        "rows": CatalogueImport.rows + len(rows),
        "refused": CatalogueImport.refused + len(refused),
    }
    await session.execute(update(CatalogueImport).where(CatalogueImport.id == import_id).values(moved))


async def refuse_repeats(session: AsyncSession, import_id: str) -> int:
    """Refuses all but the first of the staged rows with one code; returns how many."""
    first = (
        select(func.min(StagedRow.position)).where(StagedRow.import_id == import_id).group_by(StagedRow.code)
    ).scalar_subquery()
    repeats = and_(StagedRow.import_id == import_id, StagedRow.position.not_in(first))
    chosen = select(
        StagedRow.import_id, StagedRow.position, StagedRow.code, literal("the code was given before"), StagedRow.name
    ).where(repeats)
    columns = ["import_id", "position", "code", "reason", "content"]
    await session.execute(insert(RefusedRow).from_select(columns, chosen))
    found = await session.execute(delete(StagedRow).where(repeats))
    count = int(getattr(found, "rowcount", 0))
    changed = {"rows": CatalogueImport.rows - count, "refused": CatalogueImport.refused + count}
    await session.execute(update(CatalogueImport).where(CatalogueImport.id == import_id).values(changed))
    return count


async def difference(session: AsyncSession, import_id: str) -> dict[str, int]:
    """Returns what applying the staged rows would do, as counts; `kept` are rows whose new version cannot be used."""
    staged = StagedRow.import_id == import_id
    return {
        "active": await _count(session, select(func.count()).where(CatalogueRow.active)),
        "added": await _count(session, select(func.count()).select_from(StagedRow).where(
            staged, ~exists().where(CatalogueRow.code == StagedRow.code))),
        "changed": await _count(session, select(func.count()).select_from(StagedRow).join(
            CatalogueRow, CatalogueRow.code == StagedRow.code).where(staged, _differs())),
        "deactivated": await _count(session, select(func.count()).select_from(CatalogueRow).where(
            CatalogueRow.active, _gone(import_id))),
        "kept": await _count(session, select(func.count()).select_from(CatalogueRow).where(
            CatalogueRow.active, ~_staged(import_id), _refused(import_id))),
    }  # fmt: skip


async def apply(session: AsyncSession, import_id: str, *, at_ms: int) -> None:
    """Adds, changes and deactivates rows so that the catalogue is what was staged; unchanged rows are not touched.

    A row whose new version cannot be used stays as it is.
    """
    dialect = session.get_bind().dialect.name
    make = postgresql.insert if dialect == "postgresql" else sqlite.insert
    columns = ("code", *_FIELDS)
    chosen = select(
        *(getattr(StagedRow, name) for name in columns), literal(True), literal(import_id), literal(at_ms)
    ).where(StagedRow.import_id == import_id)
    adding = make(CatalogueRow).from_select([*columns, "active", "import_id", "updated_ms"], chosen)
    new = adding.excluded
    changed = {name: new[name] for name in (*_FIELDS, "active", "import_id", "updated_ms")}
    differs = or_(
        CatalogueRow.active.is_(False),
        *(getattr(CatalogueRow, name).is_distinct_from(new[name]) for name in _FIELDS),
    )
    await session.execute(adding.on_conflict_do_update(index_elements=[CatalogueRow.code], set_=changed, where=differs))
    await session.execute(
        update(CatalogueRow)
        .where(CatalogueRow.active, _gone(import_id))
        .values(active=False, import_id=import_id, updated_ms=at_ms)
        .execution_options(synchronize_session=False)
    )


async def changes(session: AsyncSession, import_id: str) -> AsyncIterator[tuple[str, str, str, Any, Any]]:
    """Yields what applying the staged rows would do: change, code, field, before and after."""
    staged = StagedRow.import_id == import_id
    new = select(StagedRow).where(staged, ~exists().where(CatalogueRow.code == StagedRow.code))
    async for row in await session.stream_scalars(new.order_by(StagedRow.position)):
        yield "added", row.code, "", "", row.name
    joined = select(CatalogueRow, StagedRow).join(StagedRow, CatalogueRow.code == StagedRow.code)
    async for old, row in await session.stream(joined.where(staged, _differs()).order_by(StagedRow.position)):
        if not old.active:
            yield "activated", row.code, "", "", row.name
        for name in _FIELDS:
            if getattr(old, name) != getattr(row, name):
                yield "changed", row.code, name, getattr(old, name), getattr(row, name)
    gone = select(CatalogueRow).where(CatalogueRow.active, _gone(import_id)).order_by(CatalogueRow.code)
    async for old in await session.stream_scalars(gone):
        yield "deactivated", old.code, "", old.name, ""


async def clear(session: AsyncSession, import_id: str) -> None:
    """Forgets the staged rows of an import."""
    await session.execute(delete(StagedRow).where(StagedRow.import_id == import_id))


async def refused_rows(session: AsyncSession, import_id: str) -> Sequence[RefusedRow]:
    """Returns the rows that cannot be used, in the file's order."""
    chosen = select(RefusedRow).where(RefusedRow.import_id == import_id).order_by(RefusedRow.position)
    return (await session.execute(chosen)).scalars().all()


def _gone(import_id: str) -> ColumnElement[bool]:
    return and_(~_staged(import_id), ~_refused(import_id))


def _staged(import_id: str) -> ColumnElement[bool]:
    return exists().where(StagedRow.import_id == import_id, StagedRow.code == CatalogueRow.code)


def _refused(import_id: str) -> ColumnElement[bool]:
    # A set, made once: there is no index on the code of refused rows.
    known = RefusedRow.code.is_not(None)
    return CatalogueRow.code.in_(select(RefusedRow.code).where(RefusedRow.import_id == import_id, known))


def _differs() -> ColumnElement[bool]:
    return or_(
        CatalogueRow.active.is_(False),
        *(getattr(CatalogueRow, name).is_distinct_from(getattr(StagedRow, name)) for name in _FIELDS),
    )


async def _count(session: AsyncSession, chosen: Any) -> int:
    return int((await session.execute(chosen)).scalar() or 0)
