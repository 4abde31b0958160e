"""An export as the desk shows it: what it holds, how far it has come, until when it is there."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl

from dashboard import formats, settings
from dashboard.exports.catalog import SHEETS
from dashboard.exports.tables import Export, State


@dataclass(frozen=True, slots=True)
class Shown:
    """One export. `done` and `of` are rows, where the worker is at it."""

    id: int
    title: str
    filters: str
    href: str
    asked: str
    iso: str
    state: str
    said: str
    size: str
    done: int
    of: int


def heading(rows: Sequence[Export]) -> str:
    """The finding: what is under way, else what can be fetched."""
    going = sum(row.state == State.WAITING for row in rows)
    ready = sum(row.state == State.READY for row in rows)
    if going:
        return "1 file is being made" if going == 1 else f"{going} files are being made"
    if ready:
        return "1 file is ready" if ready == 1 else f"{ready} files are ready"
    return "No file is waiting to be fetched"


def line(row: Export) -> Shown:
    """One export of the list."""
    sheet = SHEETS.get(row.sheet)
    return Shown(
        id=row.id,
        title=sheet.title if sheet else row.sheet,
        filters=", ".join(f"{name}: {value}" for name, value in parse_qsl(row.query)),
        href=f"{sheet.address}?{row.query}" if sheet and sheet.address else "",
        asked=f"{row.asked_by}, {formats.moment(row.asked_at, settings.current().zone)}",
        iso=row.asked_at.isoformat(),
        state=row.state,
        said=_said(row),
        size=_size(row.size),
        done=min(row.rows, row.rows_expected),
        of=max(row.rows_expected, 1),
    )


def _said(row: Export) -> str:
    zone = settings.current().zone
    if row.state == State.READY:
        until = formats.moment(row.remove_at, zone)
        return f"{_rows(row.rows)}, here until {until}"
    if row.state == State.REMOVED:
        return "Removed. Export its table again."
    if row.state == State.FAILED:
        return f"It could not be made: {row.error}. Export its table again."
    if row.error and row.tries:
        again = formats.time_of_day(row.due_at, zone)
        return f"Interrupted after {_rows(row.rows)}; it goes on at {again}."
    if not row.rows_expected:
        return "Waiting for the worker to begin."
    return f"{row.rows:,} of about {_rows(row.rows_expected)} written."


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"


def _size(size: int) -> str:
    return f"{size / 1_000_000:,.1f} MB" if size >= 100_000 else f"{max(1, size // 1000)} kB"
