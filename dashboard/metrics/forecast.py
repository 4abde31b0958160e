"""The money whose holds end if nobody acts, by day, and what earlier looks ahead were worth.

Who has to act is told by the purchase's `attention`: `next_step` set it, and the queue reads it.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from dashboard import clock, db, settings
from dashboard.metrics.behind import Behind, Part
from dashboard.metrics.cohorts import Pile
from dashboard.metrics.days import ONE, day_of, every, span
from dashboard.metrics.queries import today
from dashboard.metrics.tables import Day, Forecast
from dashboard.payments.facts import Status
from dashboard.payments.tables import Payment

# No card network lets a hold live for longer.
LONGEST = 60 * ONE
_HOLDS = "payment p JOIN purchase u ON u.id = p.purchase"
_ENDS_WITHIN = (
    "p.payment_status = {} AND p.current AND p.authorization_expires_at >= {}"
    " AND p.authorization_expires_at < {}"
)
_ENDING_SQL = (
    "SELECT p.currency AS currency, u.attention IS NOT NULL AS person,"  # noqa: S608
    " COUNT(*) AS n, CAST(SUM(p.authorized_amount) AS BIGINT) AS amount"
    f" FROM {_HOLDS} WHERE {_ENDS_WITHIN} GROUP BY p.currency, u.attention IS NOT NULL"
)


@dataclass(frozen=True, slots=True)
class Ahead:
    """The holds that end on a day: those that resolve by themselves before, and those that need
    a person."""

    day: date
    currency: str
    resolves: Pile
    person: Pile


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a kept forecast said of a day, and what expired on it; None while it is not over."""

    day: date
    currency: str
    resolves: Pile
    person: Pile
    expired: Pile | None


async def ahead(now: datetime) -> list[Ahead]:
    """What ends on which day as things stand, in order, for each currency.

    What has ended already by an estimate and still stands belongs to the first day.
    """
    zone = settings.current().zone
    first = day_of(now, zone)
    latest = await _latest()
    if latest is None:
        return []
    last = min(max(day_of(latest, zone), first), first + LONGEST)
    found: dict[tuple[date, str], dict[bool, Pile]] = {}
    for day in every(first, last):
        for row in await _ending(*_ends_on(day, first)):
            piles = found.setdefault((day, row["currency"]), {})
            piles[bool(row["person"])] = Pile(row["n"], row["amount"])
    return [
        Ahead(day, currency, piles.get(False, Pile()), piles.get(True, Pile()))
        for (day, currency), piles in sorted(found.items())
    ]


def behind(day: date, currency: str, person: bool) -> Behind:
    """The holds that end on a day: those that need a person, or those that don't."""
    start, end = _ends_on(day, today())
    person_or_not = "IS NOT NULL" if person else "IS NULL"
    part = Part(
        f"{_ENDS_WITHIN} AND p.currency = {{}} AND u.attention {person_or_not}",
        (str(Status.AUTHORIZED), start, end, currency),
        "p.authorized_amount",
        _HOLDS,
        "p.id, p.id AS payment, 'ends' AS kind, p.authorization_expires_at AS occurred_at",
        "p.currency",
    )
    return Behind([part])


def _ends_on(day: date, first: date) -> tuple[datetime, datetime]:
    """The span of instants that belongs to a day of a look ahead which begins on `first`."""
    start, end = span(day, day, settings.current().zone)
    return (start, end) if day > first else (start - LONGEST, end)


async def _latest() -> datetime | None:
    """When the last of the open holds ends."""
    row = (
        await Payment.select(Payment.authorization_expires_at)
        .where(Payment.payment_status == Status.AUTHORIZED)
        .where(Payment.authorization_expires_at.is_not_null())
        .order_by(Payment.authorization_expires_at, ascending=False)
        .first()
    )
    return row["authorization_expires_at"] if row else None


async def _ending(start: datetime, end: datetime) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = await Payment.raw(_ENDING_SQL, str(Status.AUTHORIZED), start, end)
    return rows


async def keep() -> bool:
    """Keep the first look ahead of each day, to be compared with what happens; false if it was."""
    now = clock.now()
    made_on = today()
    if await Forecast.exists().where(Forecast.made_on == made_on):
        return False
    looked = Forecast(made_on=made_on, day=made_on, made_at=now)
    found = [
        Forecast(
            made_on=made_on,
            day=one.day,
            currency=one.currency,
            resolves_count=one.resolves.count,
            resolves_amount=one.resolves.amount,
            person_count=one.person.count,
            person_amount=one.person.amount,
            made_at=now,
        )
        for one in await ahead(now)
    ]
    async with db.transaction():
        # Two workers may look at once: the one that marks the day first keeps its look.
        mine = await Forecast.insert(looked).on_conflict(action="DO NOTHING")
        if mine and found:
            await Forecast.insert(*found)
    return bool(mine)


async def kept(made_on: date, currency: str) -> list[Outcome] | None:
    """What was foreseen on `made_on`, day by day, beside what happened; None if nothing was kept.

    Source of what happened: the days' own counts.
    """
    if not await Forecast.exists().where(Forecast.made_on == made_on):
        return None
    rows = (
        await Forecast.objects()
        .where((Forecast.made_on == made_on) & (Forecast.currency == currency))
        .order_by(Forecast.day)
    )
    expired = await _expired([row.day for row in rows], currency)
    return [
        Outcome(
            row.day,
            currency,
            Pile(row.resolves_count, row.resolves_amount),
            Pile(row.person_count, row.person_amount),
            expired.get(row.day, Pile()) if row.day < today() else None,
        )
        for row in rows
    ]


async def _expired(days: list[date], currency: str) -> dict[date, Pile]:
    if not days:
        return {}
    rows = await Day.select(Day.day, Day.expired_count, Day.expired_amount).where(
        Day.day.is_in(days) & (Day.currency == currency)
    )
    return {row["day"]: Pile(row["expired_count"], row["expired_amount"]) for row in rows}
