"""The queue of holds as a table: all that it lists under its filters, on all its pages."""

from datetime import datetime

from dashboard import clock, findings, reasons, settings
from dashboard.bookings import queue
from dashboard.bookings.holds import Hold, holds
from dashboard.exports.lines import Row, columns
from dashboard.exports.sheets import Filters, Page, Sheet
from dashboard.money import Money

# What is said of a row is worked out in the worker's one loop: others get their turn between pages.
AT_ONCE = 200
COLUMNS = columns(
    payment="text",
    booking="text",
    student="text",
    email="text",
    title="text",
    instructor="text",
    lesson_starts_at="instant",
    status="text",
    currency="text",
    amount="money",
    held="money",
    captured="money",
    released="money",
    refunded="money",
    disputed="money",
    authorized_at="instant",
    expires_at="instant",
    ended_at="instant",
    end_reason="text",
    needs_a_person="text",
    why="text",
    message="text",
    stripe_intent_id="text",
)


def _kept(given: Filters) -> dict[str, str]:
    # Where a page begins is no filter: a file has no pages.
    return queue.filters(dict(given)).query(after="")


async def _count(filters: Filters, at: datetime) -> int:
    return await queue.number_of(queue.filters(dict(filters)), at)


async def _page(filters: Filters, at: datetime, cursor: str) -> Page:
    chosen = queue.filters(dict(filters))
    ids = await queue.by_number(chosen, at, int(cursor or 0), AT_ONCE)
    rows = [_row(one) for one in await holds(ids)]
    return rows, str(ids[-1]) if len(ids) == AT_ONCE else ""


def _row(one: Hold) -> Row:
    now, zone = clock.now(), settings.current().zone
    payment, subject, facts = one.payment, one.subject, one.facts

    def money(amount: int) -> Money:
        return Money(amount, one.currency)

    return (
        payment.id,
        subject.number,
        subject.student,
        subject.email,
        subject.title,
        subject.instructor,
        subject.starts_at,
        one.status.value,
        one.currency.upper(),
        money(facts.authorized or one.books.purchase.price),
        money(one.still_held),
        money(facts.captured),
        money(one.released),
        money(payment.refunded_amount),
        money(payment.disputed_amount),
        payment.authorized_at,
        payment.authorization_expires_at,
        payment.ended_at,
        payment.end_reason,
        reasons.attention(one),
        reasons.why(one, now, zone),
        findings.message(one),
        payment.stripe_intent_id,
    )


SHEET = Sheet("holds", "Holds", "/holds", COLUMNS, _kept, _count, _page)
