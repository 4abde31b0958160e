"""Which holds the desk lists, and in which order."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from piccolo.columns.combination import WhereRaw
from piccolo.querystring import QueryString

from dashboard.bookings import spans
from dashboard.bookings.search import Condition, matching
from dashboard.money import SUPPORTED
from dashboard.payments.facts import Status
from dashboard.payments.tables import Payment, Purchase

PAGE = 50
VIEWS = ("expiring", "person", "disputed", "open", "failed", "all")
DAY = timedelta(hours=24)
# Written out, not as values: an index of a part of the rows serves who names that part, and a
# statement that PostgreSQL has planned for every value can't be sure of one.
CURRENT = WhereRaw('"payment"."current"')
HELD = WhereRaw('"payment"."payment_status" = \'authorized\'')
WINDOWS = {
    "2h": timedelta(hours=2),
    "24h": DAY,
    "3d": timedelta(days=3),
    "7d": timedelta(days=7),
}


@dataclass(frozen=True, slots=True)
class Filters:
    """The state of the list, all of it in the address bar. `expires` is a window or a span."""

    view: str = "open"
    status: str = ""
    expires: str = ""
    currency: str = ""
    q: str = ""
    after: str = ""

    def query(self, **changes: str) -> dict[str, str]:
        """The parameters of an address, without those that say nothing."""
        new = replace(self, **changes)
        names = ("view", "status", "expires", "currency", "q", "after")
        pairs = {name: getattr(new, name) for name in names}
        return {name: value for name, value in pairs.items() if value}


@dataclass(frozen=True, slots=True)
class Listed:
    """The ids of one page, and the cursor of the next if there is one."""

    payment_ids: list[int]
    next_after: str = ""


_WITHOUT_ANSWER = QueryString("dispute_due_at IS NULL")


def filters(given: dict[str, str]) -> Filters:
    """Read an address; what makes no sense is left out. A search looks everywhere by itself."""
    q = given.get("q", "").replace("\x00", "").strip()[:200]
    status = given.get("status", "")
    status = status if status in set(Status) else ""
    expires = given.get("expires", "")
    if expires not in WINDOWS and spans.parse(expires) is None:
        expires = ""
    currency = given.get("currency", "").lower()
    currency = currency if currency in SUPPORTED else ""
    view = given.get("view", "")
    if view not in VIEWS:
        elsewhere = status not in ("", Status.AUTHORIZED)
        view = "all" if elsewhere or (q and not status) else "open"
    return Filters(view, status, expires, currency, q, given.get("after", ""))


async def listed(chosen: Filters, now: datetime, most: int = PAGE) -> Listed:
    """`most` rows of the list: holds by expiry, matters of people by age, else newest first."""
    where = await where_of(chosen, now)
    order = _order(chosen)
    if (place := cursor(chosen.after)) is not None:
        where &= _beyond(order, *place)
    query = Payment.select(Payment.id, order.as_alias("at") if order else Payment.id).where(where)
    if order is not None:
        # The databases don't agree where what has no instant belongs: with us it comes last.
        query = query.order_by(_WITHOUT_ANSWER) if chosen.view == "disputed" else query
        query = query.order_by(order).order_by(Payment.id)
    else:
        query = query.order_by(Payment.id, ascending=False)
    rows = await query.limit(most + 1)
    page = rows[:most]
    more = cursor_of(page[-1].get("at"), page[-1]["id"]) if len(rows) > most else ""
    return Listed([row["id"] for row in page], more)


async def where_of(chosen: Filters, now: datetime) -> Condition:
    """What the rows of a list have in common, on whichever of its pages they are."""
    where = _view(chosen.view, now)
    if chosen.status:
        held = chosen.status == Status.AUTHORIZED
        where &= HELD if held else Payment.payment_status == chosen.status
    if chosen.expires:
        where &= _expires(chosen.expires, now)
    if chosen.currency:
        where &= Payment.currency == chosen.currency
    if chosen.q:
        where &= await matching(chosen.q)
    return where


async def number_of(chosen: Filters, now: datetime) -> int:
    """How many the list has on all its pages."""
    return int(await Payment.count().where(await where_of(chosen, now)))


async def by_number(chosen: Filters, now: datetime, beyond: int, limit: int) -> list[int]:
    """The ids of the list in their own order, which no movement changes, from behind `beyond`."""
    where = (await where_of(chosen, now)) & (Payment.id > beyond)
    rows = await Payment.select(Payment.id).where(where).order_by(Payment.id).limit(limit)
    return [row["id"] for row in rows]


def _view(view: str, now: datetime) -> Condition:
    if view == "expiring":
        return CURRENT & _expires("24h", now)
    if view == "open":
        return CURRENT & HELD
    if view == "person":
        # Not by the join that the order needs: it would begin with every payment.
        asking = Purchase.select(Purchase.id).where(Purchase.attention.is_not_null())
        return CURRENT & Payment.purchase.is_in(asking)
    if view == "disputed":
        return Payment.disputed_amount > 0
    return CURRENT & (Payment.payment_status == Status.FAILED) if view == "failed" else CURRENT


def _expires(window: str, now: datetime) -> Condition:
    column = Payment.authorization_expires_at
    span = spans.parse(window)
    if span is not None:
        # What ends with the span belongs to the next one; what has ended, to none.
        return HELD & (column > now) & (column >= span.start) & (column < span.end)
    return HELD & (column > now) & (column <= now + WINDOWS[window])


def _order(chosen: Filters) -> Any:
    """The column that leads the order; None means the newest first."""
    if chosen.view == "person":
        return Payment.purchase.attention_since
    if chosen.view == "disputed":
        return Payment.dispute_due_at
    by_expiry = chosen.view in ("open", "expiring") or chosen.status == Status.AUTHORIZED
    return Payment.authorization_expires_at if by_expiry or chosen.expires else None


def _beyond(order: Any, at: datetime | None, last: int) -> Condition:
    if order is None:
        return Payment.id < last
    # The textbook form, `a > x OR (a = x AND id > y)`, reads a hundred times more at depth.
    if at is None:
        return order.is_null() & (Payment.id > last)  # type: ignore[no-any-return]
    beyond: Condition = (order >= at) & ((order > at) | (Payment.id > last))
    return beyond | order.is_null() if order is Payment.dispute_due_at else beyond


def cursor_of(at: datetime | None, last: int) -> str:
    """A place in a list, for an address: the instant that leads the order, if one does, and id."""
    return f"{at.astimezone(UTC).isoformat() if isinstance(at, datetime) else ''}_{last}"


def cursor(after: str) -> tuple[datetime | None, int] | None:
    """The place that an address names; None for nonsense."""
    at, _, last = after.rpartition("_")
    if not last.isascii() or not last.isdigit() or len(last) > 15:
        return None
    try:
        instant = datetime.fromisoformat(at) if at else None
    except ValueError:
        return None
    return (instant, int(last)) if instant is None or instant.utcoffset() is not None else None
