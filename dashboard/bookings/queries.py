"""Reads bookings, and keeps their status in line with their payments."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from dashboard import clock
from dashboard.bookings.errors import NoSuchBooking
from dashboard.bookings.tables import Booking, Instructor, Redemption, Student
from dashboard.payments import queries as payments
from dashboard.payments.facts import CardState, Status
from dashboard.payments.tables import Payment, Purchase

# A lesson counts as held this long after its end unless somebody says otherwise, and is captured.
BY_ITSELF_AFTER = timedelta(hours=1)
BY_THE_CLOCK = "clock"
ALIVE = ("pending", "confirmed")
# Lists of ids stay short enough for one statement on either database.
AT_ONCE = 500
# Numbers from here on fit into no column of either database.
OUT_OF_RANGE = 2**63


@dataclass(frozen=True, slots=True)
class BookingView:
    """A booking with its payment, as the API shows it. Amounts in minor units of `currency`."""

    id: int
    status: str
    payment_status: str
    starts_at: datetime
    ends_at: datetime
    minutes: int
    price: int
    currency: str
    owed: int | None
    student: dict[str, Any]
    instructor: dict[str, Any]
    package_id: int | None
    purchase_id: int
    payment_id: int | None
    stripe_intent_id: str | None
    authorized_amount: int
    captured_amount: int
    refunded_amount: int
    authorization_expires_at: datetime | None
    ended_by: str
    end_reason: str
    clause: str
    received_at: datetime | None
    completed_at: datetime | None
    created_at: datetime


async def booking(booking_id: int) -> Booking:
    """The row; NoSuchBooking if there is none."""
    known = booking_id < OUT_OF_RANGE
    row = await Booking.objects().get(Booking.id == booking_id) if known else None
    if row is None:
        raise NoSuchBooking(booking_id)
    return row


async def view(booking_id: int) -> tuple[BookingView, payments.Books]:
    """A booking as the API shows it, and the books of its purchase."""
    row = await booking(booking_id)
    books = await payments.books(row.purchase)
    student = await Student.objects().get(Student.id == row.student)
    instructor = await Instructor.objects().get(Instructor.id == row.instructor)
    assert books is not None and student is not None and instructor is not None
    return _view(row, books, student, instructor), books


def _view(
    row: Booking, books: payments.Books, student: Student, instructor: Instructor
) -> BookingView:
    payment = books.current
    return BookingView(
        id=row.id,
        status=row.status,
        payment_status=payment.payment_status if payment else Status.PENDING,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        minutes=row.minutes,
        price=books.purchase.price,
        currency=books.purchase.currency,
        owed=books.purchase.owed,
        student={"id": student.id, "name": student.name, "time_zone": student.time_zone},
        instructor={"id": instructor.id, "name": instructor.name, "subject": instructor.subject},
        package_id=row.package,
        purchase_id=row.purchase,
        payment_id=payment.id if payment else None,
        stripe_intent_id=payment.stripe_intent_id if payment else None,
        authorized_amount=payment.authorized_amount if payment else 0,
        captured_amount=payment.captured_amount if payment else 0,
        refunded_amount=payment.refunded_amount if payment else 0,
        authorization_expires_at=payment.authorization_expires_at if payment else None,
        ended_by=row.ended_by,
        end_reason=row.end_reason,
        clause=row.clause,
        received_at=row.received_at,
        completed_at=row.completed_at,
        created_at=row.created_at,
    )


async def follow(purchase_ids: Sequence[int] | None = None) -> int:
    """Bring bookings in line with their payments, all or those of some purchases; how many changed.

    Idempotent. Each change is one statement that looks at the status it replaces, so two of these
    at once, or one beside a cancellation, change a booking once.
    """
    ids = await _restless() if purchase_ids is None else list(purchase_ids)
    changed = 0
    for start in range(0, len(ids), AT_ONCE):
        some = ids[start : start + AT_ONCE]
        changed += await _confirm(some) + await _let_go(some) + await _complete(some)
    return changed


def _unpaid() -> Any:
    """Bookings that a payment which never comes about lets go: unconfirmed, or never held."""
    far = Purchase.select(Purchase.id).where(
        Purchase.hold_due_at.is_not_null() & (Purchase.owed == 0)
    )
    held = Payment.select(Payment.purchase).where(
        Payment.purchase.is_in(far) & (Payment.authorized_amount > 0)
    )
    never_held = Booking.purchase.is_in(far) & Booking.purchase.not_in(held)
    return (Booking.status == "pending") | ((Booking.status == "confirmed") & never_held)


async def _restless() -> list[int]:
    """The purchases whose bookings could have something to follow."""
    over = (Booking.status == "confirmed") & (Booking.ends_at <= clock.now() - BY_ITSELF_AFTER)
    rows = (
        await Booking.select(Booking.purchase)
        .distinct()
        .where(_unpaid() | over)
        .output(as_list=True)
    )
    return [int(row) for row in rows]


async def _confirm(some: list[int]) -> int:
    """It is held or paid, or its card is saved for a hold that is placed later.

    What comes about after it was decided that nothing is owed is on its way back, and pays for
    nothing.
    """
    paid = _current((Status.AUTHORIZED, Status.CAPTURED), some)
    saved = Purchase.select(Purchase.id).where(
        Purchase.id.is_in(some) & (Purchase.card_state == CardState.SAVED) & Purchase.owed.is_null()
    )
    stands = Booking.purchase.is_in(paid) & Booking.purchase.not_in(_nothing_owed(some))
    sure = stands | Booking.purchase.is_in(saved)
    where = (Booking.status == "pending") & sure
    return len(await _change({"status": "confirmed"}, where))


async def _let_go(some: list[int]) -> int:
    """A payment that nobody completed in time: nothing is owed any more.

    The decision lets go, at once, whatever is still held or on its way back: the student has been
    told, and may want the same time again. To wait for the money would block it for days, and a
    refund that failed and was paid back in another way would leave the lesson confirmed.
    """
    where = _unpaid() & Booking.purchase.is_in(_nothing_owed(some))
    rows = await _change(
        {
            "status": "cancelled",
            "slot": None,
            "ended_by": BY_THE_CLOCK,
            "end_reason": "It was never paid.",
            "clause": "never_paid",
        },
        where,
    )
    if rows:
        await Redemption.update({"seat": None, "freed_at": clock.now()}).where(
            Redemption.booking.is_in([row["id"] for row in rows])
        )
    return len(rows)


async def _complete(some: list[int]) -> int:
    """The hour after the lesson has passed, and it is paid: it took place."""
    now = clock.now()
    where = (
        (Booking.status == "confirmed")
        & (Booking.ends_at <= now - BY_ITSELF_AFTER)
        & Booking.purchase.is_in(_current((Status.CAPTURED,), some))
    )
    values = {
        "status": "completed",
        "ended_by": BY_THE_CLOCK,
        "clause": "completed",
        "completed_at": now,
    }
    return len(await _change(values, where))


def _nothing_owed(some: list[int]) -> Any:
    """Those of some purchases of which it is decided that nothing is owed, as a subquery."""
    return Purchase.select(Purchase.id).where(Purchase.id.is_in(some) & (Purchase.owed == 0))


def _current(statuses: Sequence[Status], some: list[int]) -> Any:
    """Those of some purchases whose current payment has one of these statuses, as a subquery."""
    return Payment.select(Payment.purchase).where(
        Payment.purchase.is_in(some)
        & Payment.current.eq(True)
        & Payment.payment_status.is_in([str(one) for one in statuses])
    )


async def _change(values: dict[Any, Any], where: Any) -> list[Any]:
    return await Booking.update(values).where(where).returning(Booking.id)
