"""Makes files: small ones at once, large ones by the worker, page by page, with a row each.

Whoever dies in the middle leaves a lease that lapses, and the next one goes on behind the last page
that was done with. A file is offered when it is whole, and not before.
"""

import asyncio
import hashlib
import time
import uuid
from datetime import timedelta
from typing import Any

import structlog

from dashboard import clock, db, settings
from dashboard.exports import files, lines
from dashboard.exports.catalog import wanted
from dashboard.exports.sheets import Wanted
from dashboard.exports.tables import Export, State
from dashboard.payments.actors import Actor

log = structlog.get_logger()
# So many rows are read while somebody waits.
MOST_AT_ONCE = 2_000
KEEP_FOR = timedelta(days=7)
# Longer than any page takes; a page renews it.
LEASE = timedelta(minutes=2)
FIRST_RETRY = timedelta(seconds=30)
PATIENCE = 5


async def at_once(asked: Wanted) -> str | None:
    """The whole file, as text; None when it has more rows than somebody can wait for."""
    if await asked.sheet.count(asked.filters, asked.at) > MOST_AT_ONCE:
        return None
    text, cursor = _top(asked), ""
    while True:
        rows, cursor = await asked.sheet.page(asked.filters, asked.at, cursor)
        text += lines.body(asked.sheet.columns, rows, settings.current().zone)
        if not cursor:
            return text


async def ask(asked: Wanted, by: Actor) -> Export:
    """Have the worker make it; answers the export, which may have been asked for a moment ago.

    Joins an open transaction.
    """
    told = f"{by.staff_id}\n{asked.sheet.name}\n{asked.query}"
    row = Export(
        sheet=asked.sheet.name,
        query=asked.query,
        asked_by=by.name[:255],
        asked_by_staff=by.staff_id,
        asked_at=asked.at,
        open_for=hashlib.sha256(told.encode()).hexdigest(),
        due_at=asked.at,
        file_name=asked.file_name,
    )
    await Export.insert(row).on_conflict(target=Export.open_for, action="DO NOTHING")
    found = await Export.objects().get(Export.open_for == row.open_for)
    # The worker may have finished it in this very moment.
    found = (
        found
        or await Export.objects()
        .where(Export.asked_by_staff == by.staff_id)
        .order_by(Export.id, ascending=False)
        .first()
    )
    assert found is not None
    return found


def _top(asked: Wanted) -> str:
    zone = settings.current().zone.key
    remark = lines.remark(f"{asked.remark}; local times in {zone}")
    return f"{lines.MARK}{remark}{lines.header(asked.sheet.columns)}"


async def make(budget: float) -> int:
    """Go on with what is due, for about so many seconds; answers how many files are ready."""
    ends_at, made = time.monotonic() + budget, 0
    while time.monotonic() < ends_at and (row := await _claim()) is not None:
        made += await _one(row, ends_at)
    return made


async def _claim() -> Export | None:
    """Take one that is due, unless somebody else has it."""
    now = clock.now()
    due = (Export.state == State.WAITING) & (Export.due_at <= now)
    free = Export.lease.is_null() | (Export.lease_until <= now)
    found = await Export.objects().where(due & free).order_by(Export.due_at).first()
    if found is None:
        return None
    values: dict[Any, Any] = {"lease": str(uuid.uuid4()), "lease_until": now + LEASE}
    rows = (
        await Export.update(values)
        .where((Export.id == found.id) & due & free)
        .returning(*Export.all_columns())
    )
    return Export(**rows[0]) if rows else await _claim()


async def _one(row: Export, ends_at: float) -> bool:
    """Go on with one until it is whole or the time is over; true when it is ready."""
    try:
        return await _pages(row, ends_at)
    except Exception as error:  # noqa: BLE001 - a full disk, or one table that can't be read
        await _postpone(row, error)
        return False


async def _pages(row: Export, ends_at: float) -> bool:
    asked = wanted(row.sheet, row.query, row.asked_at)
    old = row.file
    name, size = await asyncio.to_thread(files.begin, old, row.size)
    values: dict[str, Any] = {"file": name}
    if size == 0:
        size = await asyncio.to_thread(files.append, name, _top(asked))
        expected = await asked.sheet.count(asked.filters, asked.at)
        values |= {"cursor": "", "rows": 0, "rows_expected": expected, "size": size}
    if not await _commit(row, values):
        await asyncio.to_thread(files.remove, name)
        return False
    await asyncio.to_thread(files.remove, old)
    while time.monotonic() < ends_at:
        if not await _page(row, asked):
            return row.state == State.READY
    await _commit(row, {"lease": None, "lease_until": None, "due_at": clock.now()})
    return False


async def _page(row: Export, asked: Wanted) -> bool:
    """Do the next page; false when it was the last one, or another worker has the export now."""
    rows, cursor = await asked.sheet.page(asked.filters, asked.at, row.cursor)
    text = lines.body(asked.sheet.columns, rows, settings.current().zone)
    size = await asyncio.to_thread(files.append, row.file, text)
    values: dict[str, Any] = {"cursor": cursor, "rows": row.rows + len(rows), "size": size}
    if cursor:
        return await _commit(row, values | {"lease_until": clock.now() + LEASE, "tries": 0})
    await _commit(row, values | _ended(State.READY))
    log.info("export.ready", export=row.id, sheet=row.sheet, rows=row.rows)
    return False


def _ended(state: State) -> dict[str, Any]:
    now = clock.now()
    ended = {"open_for": None, "due_at": None, "lease": None, "lease_until": None}
    ready_at = now if state is State.READY else None
    return {**ended, "state": state, "ready_at": ready_at, "remove_at": now + KEEP_FOR}


async def _commit(row: Export, values: dict[str, Any]) -> bool:
    """Keep how far it has come; false when the lease was lost, so that another one goes on."""
    changed: dict[Any, Any] = values
    rows = (
        await Export.update(changed)
        .where((Export.id == row.id) & (Export.lease == row.lease))
        .returning(Export.id)
    )
    if not rows:
        log.warning("export.lease_lost", export=row.id)
        return False
    for name, value in values.items():
        if name != "lease":
            setattr(row, name, value)
    return True


async def _postpone(row: Export, error: Exception) -> None:
    """Leave it due later, where it is; give it up after a few tries in a row."""
    told = f"{type(error).__name__}: {error}"[:500]
    later = clock.now() + FIRST_RETRY * 2**row.tries
    values: dict[str, Any] = {"lease": None, "lease_until": None, "due_at": later}
    if row.tries + 1 >= PATIENCE:
        values = _ended(State.FAILED)
    log.warning("export.postponed", export=row.id, tries=row.tries + 1, error=told)
    try:
        await _commit(row, {**values, "tries": row.tries + 1, "error": told})
    except db.CONNECTION_ERRORS:
        # The lease lapses by itself, and somebody goes on then.
        log.warning("export.not_postponed", export=row.id)
