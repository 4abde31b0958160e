"""A fee that staff let go, in whole or in part, with a reason.

What is owed falls in one transaction with the word about it; the release or the refund that follows
is settle's affair, also where a capture is under way whose outcome nobody knows yet.
"""

from dataclasses import dataclass

from dashboard import db, money
from dashboard.bookings import limits, queries, settling
from dashboard.bookings.errors import Conflict
from dashboard.bookings.tables import Booking
from dashboard.payments import queries as payments
from dashboard.payments import settle, turning
from dashboard.payments.actors import Actor
from dashboard.payments.errors import NotAllowed
from dashboard.payments.events import write_word
from dashboard.payments.facts import Verb
from dashboard.payments.queries import Books
from dashboard.payments.tables import PaymentEvent

WAIVED = "fee_waived"
# The endings for which a student pays without having had the lesson.
FEES = {"student_late": "The late fee", "student_no_show": "The fee for not coming"}


@dataclass(frozen=True, slots=True)
class Waiver:
    """How much is let go (None: all of it), in minor units, and why.

    `shown` is the fee that the form showed; another one is refused. The same `key` again decides
    nothing new. `unlimited` is for those who may refund any amount.
    """

    by: Actor
    reason: str
    amount: int | None = None
    shown: int | None = None
    key: str | None = None
    unlimited: bool = False


def fee(clause: str, books: Books) -> int:
    """The fee of a lesson that ended by this clause, in minor units; 0 where there is none."""
    return int(books.purchase.owed or 0) if clause in FEES else 0


def captured(books: Books) -> bool:
    """Whether the fee was taken, or may have been: then a waiver is a refund."""
    facts, operation = books.current_facts, books.operation
    taking = operation is not None and Verb(operation.verb) is Verb.CAPTURE
    return taking or (facts is not None and facts.captured > 0)


async def waive(booking_id: int, waiver: Waiver) -> int:
    """Let the fee go, or a part of it; answers what is still owed, in minor units.

    A repeat answers the same. Raises NoSuchBooking; Conflict where there is no fee; and NotAllowed:
    stale, wrong_step, too_little, too_much, leaves_too_little, disputed, limit,
    finance_currency.
    """
    purchase_id = (await queries.booking(booking_id)).purchase
    async with db.transaction():
        await turning.touch(purchase_id)
        row = await queries.booking(booking_id)
        books = await payments.books(purchase_id)
        assert books is not None
        if not await _repeat(row, books, waiver):
            await _decide(row, books, waiver)
    await db.shielded(settling.bring_about(purchase_id))
    books = await payments.books(purchase_id)
    assert books is not None
    return int(books.purchase.owed or 0)


def _key(row: Booking, waiver: Waiver) -> str | None:
    return f"{WAIVED}:{row.id}:{waiver.key}" if waiver.key else None


async def _repeat(row: Booking, books: Books, waiver: Waiver) -> bool:
    """Whether this was decided before: by the same form, or all of it is waived already."""
    key = _key(row, waiver)
    if key and await PaymentEvent.exists().where(PaymentEvent.key == key):
        return True
    return (
        row.clause in FEES
        and row.package is None
        and waiver.amount is None
        and books.purchase.owed == 0
        and await PaymentEvent.exists().where(
            (PaymentEvent.purchase == row.purchase) & (PaymentEvent.kind == WAIVED)
        )
    )


async def _decide(row: Booking, books: Books, waiver: Waiver) -> None:
    # A lesson of a package costs no fee: it counts as used.
    owed = fee(row.clause, books) if row.package is None else 0
    if owed == 0 or books.current is None:
        raise Conflict("No fee is owed for this booking, so there is nothing to waive.", row.id)
    if waiver.shown is not None and waiver.shown != owed:
        raise NotAllowed("stale")
    waived = owed if waiver.amount is None else waiver.amount
    refused = refusal(books, waived, owed, waiver.unlimited)
    if refused is not None:
        raise refused
    said = f"{FEES[row.clause]} was {'waived' if waived == owed else 'lowered'}: {waiver.reason}"
    await settle.decide(row.purchase, settle.Decision(owed - waived, said, waiver.by.name))
    await write_word(
        books.current,
        WAIVED,
        waiver.reason,
        waiver.by,
        key=_key(row, waiver),
        amount=waived,
        detail={"charged": owed - waived},
    )


def refusal(books: Books, waived: int, owed: int, unlimited: bool) -> NotAllowed | None:
    """Why this much of the fee can't be waived, or not by this person; None when it can."""
    currency = books.purchase.currency
    least, step = money.minimum(currency), money.step(currency)
    if waived > owed:
        return NotAllowed("too_much", most=owed, currency=currency)
    if waived < step:
        return NotAllowed("too_little", least=step, currency=currency)
    if waived % step:
        return NotAllowed("wrong_step", step=step, currency=currency)
    if 0 < owed - waived < least:
        return NotAllowed("leaves_too_little", least=least, currency=currency)
    facts = books.current_facts
    if facts is None or not captured(books):
        return None
    if facts.disputed:
        return NotAllowed("disputed")
    if unlimited:
        return None
    return limits.needs_finance(waived, facts.refunded + facts.refund_pending, currency)
