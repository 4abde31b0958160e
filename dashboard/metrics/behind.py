"""The rows behind a number: as many as it says, and exactly those that it was counted from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from dashboard import settings
from dashboard.metrics.cells import CELLS, REFUSED_CAPTURE
from dashboard.metrics.counting import FATE, FATED
from dashboard.metrics.days import span
from dashboard.metrics.facts import DENOMINATORS, ENDS, NUMERATORS, TOPIC, Metric
from dashboard.payments.tables import PaymentEvent

# A duration needs the instant at which the hold was placed.
_TIMED = (
    " AND EXISTS (SELECT 1 FROM payment_events a WHERE a.payment = e.payment"
    " AND a.kind = 'authorized')"
)
_ENDED = ", ".join(f"'{kind}'" for kind in ENDS)


@dataclass(frozen=True, slots=True)
class Row:
    """One event that was counted, and its payment; or one ticket. Amount in minor units."""

    id: int
    at: datetime
    kind: str
    payment_id: int | None = None
    amount: int = 0
    currency: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """Events of one condition, with what fills its places, and what each of them amounts to."""

    condition: str
    arguments: tuple[Any, ...]
    amount: str = "e.amount"
    source: str = "payment_events e"
    row: str = "e.id, e.payment, e.kind, e.occurred_at"
    currency: str = "e.currency"

    @property
    def sql(self) -> str:
        """A SELECT of id, payment, kind, instant, amount and currency."""
        selected = f"{self.row}, {self.amount} AS amount, {self.currency} AS currency"
        return f"SELECT {selected} FROM {self.source} WHERE {self.condition}"  # noqa: S608


@dataclass(frozen=True, slots=True)
class Behind:
    """What a number was counted from, not read yet. The parts share no row."""

    parts: Sequence[Part]

    async def all(self) -> list[Row]:
        """Every row, the oldest first."""
        return [_row(row) for row in await self._read("SELECT * FROM", "ORDER BY occurred_at, id")]

    async def page(self, after: tuple[datetime, int] | None, limit: int) -> list[Row]:
        """So many rows beyond a place, the oldest first."""
        beyond, place = "", tuple[Any, ...]()
        if after is not None:
            beyond = "WHERE occurred_at >= {} AND (occurred_at > {} OR id > {}) "
            place = (after[0], after[0], after[1])
        tail = f"{beyond}ORDER BY occurred_at, id LIMIT {limit:d}"
        return [_row(row) for row in await self._read("SELECT * FROM", tail, *place)]

    async def come_to(self) -> tuple[int, int]:
        """How many rows there are, and what they amount to together."""
        sums = "COUNT(*) AS n, CAST(COALESCE(SUM(amount), 0) AS BIGINT) AS amount"
        (found,) = await self._read(f"SELECT {sums} FROM")
        return found["n"], found["amount"]

    async def _read(self, head: str, tail: str = "", *more: Any) -> list[dict[str, Any]]:
        union = " UNION ALL ".join(part.sql for part in self.parts)
        arguments = [one for part in self.parts for one in part.arguments]
        sql = f"{head} ({union}) counted {tail}"
        found: list[dict[str, Any]] = await PaymentEvent.raw(sql, *arguments, *more)
        return found


def _row(row: dict[str, Any]) -> Row:
    at = row["occurred_at"]
    return Row(row["id"], at, row["kind"], row["payment"], row["amount"], row["currency"])


def numerator(metric: Metric, first: date, last: date, currency: str) -> Behind:
    """What a metric's numerator counts from `first` to `last`, both included.

    Each capture attempt is a row: a payment whose capture was refused twice is there twice. For
    durations these are the holds that were measured; for tickets the currency says nothing.
    """
    if metric is Metric.TICKETS:
        return _tickets(first, last)
    return _of_metric(metric, NUMERATORS[metric], first, last, currency)


def denominator(metric: Metric, first: date, last: date, currency: str) -> Behind:
    """What a metric's denominator counts; that of the tickets is the holds of all currencies."""
    if metric is Metric.TICKETS:
        return Behind([_part("placed", first, last, None)])
    return _of_metric(metric, DENOMINATORS[metric], first, last, currency)


def _of_metric(
    metric: Metric, cells: Sequence[str], first: date, last: date, currency: str
) -> Behind:
    parts = [_part(cell, first, last, currency) for cell in cells]
    if metric in (Metric.CAPTURE_TIME, Metric.HOLD_DURATION):
        parts = [replace(part, condition=part.condition + _TIMED) for part in parts]
    return Behind(parts)


def of_cells(signs: Mapping[str, int], first: date, last: date, currency: str) -> Behind:
    """What stands behind an amount of money that adds some cells of `cells.CELLS` and takes away
    others. Raises KeyError for no cell."""
    return Behind([_part(cell, first, last, currency, sign) for cell, sign in signs.items()])


def expired_after_refusal(first: date, last: date, currency: str) -> Behind:
    """The holds that expired in these days after a capture of them had been refused."""
    (expired,) = numerator(Metric.EXPIRY, first, last, currency).parts
    capture = REFUSED_CAPTURE.replace("e.", "r.")
    mine = "r.payment = e.payment AND r.kind = 'operation_refused'"
    refused = f"SELECT 1 FROM payment_events r WHERE {mine} AND {capture}"  # noqa: S608
    return Behind([replace(expired, condition=f"{expired.condition} AND EXISTS ({refused})")])


def of_cohort(fate: str, first: date, last: date, currency: str) -> Behind:
    """The holds that were placed in these days and ended so: one of `cells.FATES`, "open", or all
    of them ("placed")."""
    start, end = span(first, last, settings.current().zone)
    placed = _part("placed", first, last, currency)
    if fate == "placed":
        return Behind([placed])
    if fate == "open":
        ended = f"SELECT e.id FROM {FATED} WHERE {CELLS['placed'].condition}"  # noqa: S608
        never = f"{placed.condition} AND e.id NOT IN ({ended})"
        return Behind([replace(placed, condition=never, arguments=(*placed.arguments, start, end))])
    fated = replace(placed, source=FATED, condition=f"{placed.condition} AND {FATE} = {{}}")
    return Behind([replace(fated, arguments=(*placed.arguments, fate))])


def held(last: date, currency: str) -> Behind:
    """The holds that stood at the end of a day."""
    return _standing(
        "authorized", f"x.payment = e.payment AND x.kind IN ({_ENDED})", last, currency
    )


def in_dispute(last: date, currency: str) -> Behind:
    """The disputes that were open at the end of a day."""
    same = "x.stripe_object_id = e.stripe_object_id AND x.kind = 'dispute_closed'"
    return _standing("dispute_opened", f"x.payment = e.payment AND {same}", last, currency)


def _standing(kind: str, over: str, last: date, currency: str) -> Behind:
    _, end = span(last, last, settings.current().zone)
    before = f"e.kind = '{kind}' AND e.occurred_at < {{}} AND e.currency = {{}}"
    ended = f"SELECT 1 FROM payment_events x WHERE {over} AND x.occurred_at < {{}}"  # noqa: S608
    return Behind([Part(f"{before} AND NOT EXISTS ({ended})", (end, currency, end))])


def _part(cell: str, first: date, last: date, currency: str | None, sign: int = 1) -> Part:
    start, end = span(first, last, settings.current().zone)
    amount = CELLS[cell].amount if sign > 0 else f"-({CELLS[cell].amount})"
    if currency is None:
        return Part(CELLS[cell].condition, (start, end), amount)
    within = f"{CELLS[cell].condition} AND e.currency = {{}}"
    return Part(within, (start, end, currency), amount)


def _tickets(first: date, last: date) -> Behind:
    start, end = span(first, last, settings.current().zone)
    opened = "t.opened_at >= {} AND t.opened_at < {} AND t.opened_topic = {}"
    row = "t.id, t.payment, 'ticket' AS kind, t.opened_at AS occurred_at"
    return Behind([Part(opened, (start, end, TOPIC), "0", "ticket t", row, "''")])
