"""Keeps one row per day and currency true to the events, by counting touched days again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from dashboard import db, settings
from dashboard.metrics import durations
from dashboard.metrics.counting import COLUMNS, counted
from dashboard.metrics.days import ONE, day_of, every, span
from dashboard.metrics.tables import Day, Touched
from dashboard.payments.tables import PaymentEvent
from dashboard.support.tables import Ticket

BATCH = 500
TRIES = 10
_EMPTY: dict[str, Any] = dict.fromkeys(COLUMNS, 0) | durations.EMPTY


class Contended(Exception):
    """Others counted the same day again and again; its marks are still there."""


class _Overtaken(Exception):
    """The day's rows are not those any more that were there before it was counted."""


async def recount(day: date) -> bool:
    """Count one day of the reporting zone anew; answers whether anything in its rows was wrong.

    Nobody waits while it counts. Of two who count the same day at once, the one that began earlier
    may have seen less: it finds other rows than those it began with, and counts again.
    """
    zone = settings.current().zone
    for _ in range(TRIES):
        rows = await Day.objects().where(Day.day == day)
        true = await counted(*span(day, day, zone))
        wanted = {currency: _EMPTY | tally for currency, tally in true.items()}
        known = {row.currency: {name: getattr(row, name) for name in COLUMNS} for row in rows}
        if wanted == known and all(row.zone == zone.key for row in rows):
            return False
        fresh = [
            Day(day=day, currency=currency, zone=zone.key, **tally)
            for currency, tally in wanted.items()
        ]
        if await _replace(day, {row.id for row in rows}, fresh):
            return True
    raise Contended(day)


async def _replace(day: date, before: set[int], fresh: Sequence[Day]) -> bool:
    """Put these rows in the place of those of `before`; false when others are there now."""
    try:
        async with db.transaction():
            gone = await Day.delete().where(Day.day == day).returning(Day.id)
            if {row["id"] for row in gone} != before:
                raise _Overtaken
            if fresh:
                await Day.insert(*fresh)
    except _Overtaken:
        return False
    except Exception as error:
        if db.is_unique_violation(error):
            return False
        raise
    return True


@dataclass(frozen=True, slots=True)
class Batch:
    """Marks that were taken together, and the days that they name."""

    ids: list[int]
    days: list[date]


async def touched(after: int = 0, limit: int = BATCH) -> Batch:
    """The oldest marks whose id is beyond `after`, with every day that they make uncertain.

    An event may change what an earlier one counts for: how a hold ended, that a refused capture
    worked after all. Such events are of one payment, so each day of the payment is counted again.
    """
    rows = (
        await Touched.select(Touched.id, Touched.at, Touched.payment)
        .where(Touched.id > after)
        .order_by(Touched.id)
        .limit(limit)
    )
    payments = sorted({row["payment"] for row in rows if row["payment"] is not None})
    instants = [row["at"] for row in rows]
    if payments:
        events = await PaymentEvent.select(PaymentEvent.occurred_at).where(
            PaymentEvent.payment.is_in(payments)
        )
        instants += [event["occurred_at"] for event in events]
    zone = settings.current().zone
    return Batch([row["id"] for row in rows], sorted({day_of(at, zone) for at in instants}))


async def settled(batch: Batch) -> None:
    """Forget marks whose days have been counted since they were read."""
    await Touched.delete().where(Touched.id.is_in(batch.ids))


async def misdated(limit: int = BATCH) -> list[date]:
    """Days that were counted for another reporting zone than the present one, the newest first.

    What happened on such a day may belong to the one before it or after it now.
    """
    rows = (
        await Day.select(Day.day)
        .distinct()
        .where(Day.zone != settings.current().zone.key)
        .order_by(Day.day, ascending=False)
        .limit(limit)
    )
    near = {row["day"] + step * ONE for row in rows for step in (-1, 0, 1)}
    return sorted(near, reverse=True)


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """How many days were looked at, and which of them were wrong."""

    days: int
    changed: Sequence[date]


async def rebuild() -> Rebuilt:
    """Count every day anew from the events and the tickets. It may run beside everything else."""
    ends = await _ends()
    if ends is None:
        return Rebuilt(0, ())
    days = list(every(*ends))
    changed = [day for day in days if await recount(day)]
    return Rebuilt(len(days), changed)


async def _ends() -> tuple[date, date] | None:
    """The first and the last day of which there is anything: an event, a ticket, or a row."""
    zone = settings.current().zone
    instants = [
        await _edge(column, ascending)
        for column in (PaymentEvent.occurred_at, Ticket.opened_at)
        for ascending in (True, False)
    ]
    days = [day_of(instant, zone) for instant in instants if instant is not None]
    days += [day for ascending in (True, False) if (day := await _edge(Day.day, ascending))]
    return (min(days), max(days)) if days else None


async def _edge(column: Any, ascending: bool) -> Any:
    row = await column._meta.table.select(column).order_by(column, ascending=ascending).first()
    return None if row is None else row[column._meta.name]
