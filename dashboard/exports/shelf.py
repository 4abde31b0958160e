"""The exports that are there: a list, the file of one, and what becomes of them after a week."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

from dashboard import clock
from dashboard.exports import files
from dashboard.exports.tables import Export, State

# A file that no row speaks of was left by somebody who died; this long it may be one in the making.
LOST_AFTER = timedelta(days=1)


async def listed(limit: int, staff: int | None = None, before: int = 0) -> list[Export]:
    """Exports, the newest first: those of one person, or everybody's."""
    where: Any = Export.id < before if before else Export.id > 0
    if staff is not None:
        where = where & (Export.asked_by_staff == staff)
    return await Export.objects().where(where).order_by(Export.id, ascending=False).limit(limit)


async def unfinished(staff: int | None = None) -> bool:
    """Whether some are still being made."""
    where: Any = Export.state == State.WAITING
    if staff is not None:
        where = where & (Export.asked_by_staff == staff)
    return bool(await Export.exists().where(where))


async def one(export_id: int) -> Export | None:
    """The export of that number."""
    return await Export.objects().get(Export.id == export_id)


async def file_of(row: Export) -> Path | None:
    """The file, whole; None while it is being made, after it was removed, or where it is lost."""
    if row.state != State.READY:
        return None
    path = files.path_of(row.file)
    return path if await asyncio.to_thread(path.is_file) else None


async def tidy() -> int:
    """Remove what has lain for a week, and files that no export speaks of; answers how many."""
    now = clock.now()
    due = (Export.remove_at <= now) & Export.state.is_in([State.READY.value, State.FAILED.value])
    old = await Export.objects().where(due).limit(100)
    for row in old:
        await asyncio.to_thread(files.remove, row.file)
        values: dict[Any, Any] = {"state": State.REMOVED, "file": "", "remove_at": None}
        await Export.update(values).where(Export.id == row.id)
    rows = await Export.select(Export.file).where(Export.file != "")
    known = {row["file"] for row in rows}
    return len(old) + await asyncio.to_thread(files.sweep, known, clock.wall() - LOST_AFTER)
