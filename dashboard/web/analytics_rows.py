"""The rows behind a number of the analytics: as many as it says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from litestar import get
from litestar_htmx import HTMXRequest, HTMXTemplate

from dashboard import formats, sentences, settings
from dashboard.bookings.errors import BadOrder
from dashboard.bookings.holds import NOBODY, Subject, subjects
from dashboard.bookings.queue import cursor, cursor_of
from dashboard.metrics import numbers, queries
from dashboard.metrics.behind import Row
from dashboard.metrics.spans import Span
from dashboard.payments.tables import Payment
from dashboard.support.tables import Ticket
from dashboard.web import analytics_row_words as words
from dashboard.web.analytics_asked import day_of
from dashboard.web.pages import page
from dashboard.web.security import guard
from dashboard.web.timeline import STATUS_OF

PAGE = 50


@dataclass(frozen=True, slots=True)
class Named:
    """Which number it is, as the address says."""

    what: str
    span: Span
    currency: str

    def query(self, after: str = "") -> str:
        """The address of these rows, or of a page of them."""
        pairs = {
            "what": self.what,
            "from": self.span.first.isoformat(),
            "to": self.span.last.isoformat(),
            "currency": self.currency,
            "after": after,
        }
        return urlencode({name: value for name, value in pairs.items() if value})


@dataclass(frozen=True, slots=True)
class Shown:
    """One row as the page shows it."""

    moment: str
    iso: str
    href: str
    number: str
    about: str
    status: str
    said: str
    amount: str


@get("/analytics/rows", guards=[guard()])
async def index(request: HTMXRequest) -> HTMXTemplate:
    """The rows, the oldest first, a page at a time."""
    named = await _named(request.query_params)
    rows = numbers.named(named.what, named.span.first, named.span.last, named.currency)
    count, amount = await rows.come_to()
    at, last = cursor(request.query_params.get("after", "")) or (None, 0)
    found = await rows.page((at, last) if at else None, PAGE + 1)
    context = {
        "heading": words.heading(named.what, count, amount, named.currency),
        "span": words.period(named.what, named.span),
        "currency": named.currency,
        "rows": await _shown(found[:PAGE]),
        "later": at is not None,
        "first": named.query(),
        "more": named.query(cursor_of(found[PAGE - 1].at, found[PAGE - 1].id))
        if len(found) > PAGE
        else "",
        "back": words.back(named.what, named.currency),
    }
    return await page(request, "analytics/rows.html", context)


async def _named(given: Mapping[str, str]) -> Named:
    """What an address names; BadOrder for what it can't mean."""
    what, currency = given.get("what", ""), given.get("currency", "").lower()
    first, last = day_of(given.get("from", "")), day_of(given.get("to", ""))
    if what not in numbers.NAMES:
        raise BadOrder(("what", "There is no such number."))
    if first is None or last is None or last < first:
        raise BadOrder(("from", "Give the first and the last day, as 2026-11-24."))
    if currency not in (settings.current().default_currency, *await queries.currencies()):
        raise BadOrder(("currency", "Nothing was counted in this currency."))
    return Named(what, Span(first, last), currency)


async def _shown(rows: Sequence[Row]) -> list[Shown]:
    """Rows with what they are about, in a handful of reads however many they are."""
    payments = sorted({row.payment_id for row in rows if row.payment_id is not None})
    held = await Payment.select(Payment.id, Payment.purchase).where(
        Payment.id.is_in(payments or [0])
    )
    about = await subjects({row["purchase"] for row in held})
    of = {row["id"]: about.get(row["purchase"], NOBODY) for row in held}
    tickets = [row.id for row in rows if row.kind == "ticket"]
    asked = await Ticket.select(Ticket.id, Ticket.subject).where(Ticket.id.is_in(tickets or [0]))
    titles = {row["id"]: row["subject"] for row in asked}
    return [
        _ticket(row, titles.get(row.id, ""))
        if row.kind == "ticket"
        else _payment(row, of.get(row.payment_id or 0, NOBODY))
        for row in rows
    ]


def _moment(at: datetime) -> str:
    """When it was, with the year where that is not the present one."""
    zone = settings.current().zone
    said = formats.moment(at, zone)
    year = at.astimezone(zone).year
    return said if year == queries.today().year else f"{year}, {said}"


def _ticket(row: Row, subject: str) -> Shown:
    moment = _moment(row.at)
    return Shown(
        moment, row.at.isoformat(), f"/tickets/{row.id}", f"T{row.id}", subject, "", "Opened", ""
    )


def _payment(row: Row, subject: Subject) -> Shown:
    number = subject.number or f"payment {row.payment_id}"
    about = ", ".join(filter(None, (subject.student, subject.title)))
    return Shown(
        _moment(row.at),
        row.at.isoformat(),
        f"/holds/{row.payment_id}",
        number,
        about,
        STATUS_OF.get(row.kind, ""),
        "Ends if nobody acts"
        if row.kind == "ends"
        else sentences.happened(row.kind, "", "capture"),
        formats.money(row.amount, row.currency).replace("-", "−"),
    )


handlers = [index]
