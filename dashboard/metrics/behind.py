"""The rows behind a number: as many as it says, and exactly those that it was counted from."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from dashboard import settings
from dashboard.metrics.cells import CELLS
from dashboard.metrics.counting import FATE, FATED
from dashboard.metrics.days import span
from dashboard.metrics.facts import DENOMINATORS, NUMERATORS, TOPIC, Metric
from dashboard.payments.tables import PaymentEvent
from dashboard.support.tables import Ticket

_COLUMNS = "e.id, e.payment, e.kind, e.occurred_at, e.amount, e.currency"
# A duration needs the instant at which the hold was placed.
_TIMED = (
    " AND EXISTS (SELECT 1 FROM payment_events a WHERE a.payment = e.payment"
    " AND a.kind = 'authorized')"
)


@dataclass(frozen=True, slots=True)
class Row:
    """One event that was counted, and its payment; or one ticket. Amount in minor units."""

    id: int
    at: datetime
    kind: str
    payment_id: int | None = None
    amount: int = 0
    currency: str = ""


async def numerator(metric: Metric, first: date, last: date, currency: str) -> list[Row]:
    """What a metric's numerator counts from `first` to `last`, both included, oldest first.

    Each capture attempt is a row: a payment whose capture was refused twice is there twice. For
    durations these are the holds that were measured; for tickets the currency says nothing.
    """
    if metric is Metric.TICKETS:
        return await _tickets(first, last)
    return await _events(NUMERATORS[metric], first, last, currency, _also(metric))


async def denominator(metric: Metric, first: date, last: date, currency: str) -> list[Row]:
    """What a metric's denominator counts; that of the tickets is the holds of all currencies."""
    if metric is Metric.TICKETS:
        return await _events(("placed",), first, last, None)
    return await _events(DENOMINATORS[metric], first, last, currency, _also(metric))


async def of_cell(cell: str, first: date, last: date, currency: str) -> list[Row]:
    """What stands behind an amount of money. Raises KeyError for no cell of `cells.CELLS`."""
    return await _events((cell,), first, last, currency)


async def of_cohort(fate: str, first: date, last: date, currency: str) -> list[Row]:
    """The holds that were placed in these days and ended so: one of `cells.FATES`, or "open"."""
    start, end = span(first, last, settings.current().zone)
    fated = f"SELECT {_COLUMNS}, {FATE} AS fate FROM {FATED} WHERE {CELLS['placed'].condition}"  # noqa: S608
    if fate == "open":
        ended = f"SELECT ended.id FROM ({fated}) ended"  # noqa: S608
        sql = f"SELECT {_COLUMNS} FROM payment_events e WHERE {CELLS['placed'].condition}"  # noqa: S608
        sql += f" AND e.currency = {{}} AND e.id NOT IN ({ended})"
        arguments = [start, end, currency, start, end]
    else:
        sql = f"SELECT * FROM ({fated}) e WHERE e.currency = {{}} AND e.fate = {{}}"  # noqa: S608
        arguments = [start, end, currency, fate]
    rows = await PaymentEvent.raw(f"{sql} ORDER BY e.occurred_at, e.id", *arguments)
    return [_row(row) for row in rows]


def _also(metric: Metric) -> str:
    return _TIMED if metric in (Metric.CAPTURE_TIME, Metric.HOLD_DURATION) else ""


async def _events(
    cells: Sequence[str], first: date, last: date, currency: str | None, also: str = ""
) -> list[Row]:
    start, end = span(first, last, settings.current().zone)
    parts, arguments = [], list[Any]()
    for cell in cells:
        within = "" if currency is None else " AND e.currency = {}"
        parts.append(
            f"SELECT {_COLUMNS} FROM payment_events e"  # noqa: S608
            f" WHERE {CELLS[cell].condition}{within}{also}"
        )
        arguments += [start, end] if currency is None else [start, end, currency]
    sql = f"SELECT * FROM ({' UNION ALL '.join(parts)}) counted ORDER BY occurred_at, id"  # noqa: S608
    return [_row(row) for row in await PaymentEvent.raw(sql, *arguments)]


def _row(row: dict[str, Any]) -> Row:
    at = row["occurred_at"]
    return Row(row["id"], at, row["kind"], row["payment"], row["amount"], row["currency"])


async def _tickets(first: date, last: date) -> list[Row]:
    start, end = span(first, last, settings.current().zone)
    rows = (
        await Ticket.select(Ticket.id, Ticket.opened_at, Ticket.payment)
        .where(
            (Ticket.opened_at >= start) & (Ticket.opened_at < end) & (Ticket.opened_topic == TOPIC)
        )
        .order_by(Ticket.opened_at)
        .order_by(Ticket.id)
    )
    return [Row(row["id"], row["opened_at"], "ticket", row["payment"]) for row in rows]
