"""What a ticket is about: the student, and the booking and the payment if it names one."""

import re
from dataclasses import dataclass

from dashboard.bookings import search
from dashboard.bookings.errors import BadOrder
from dashboard.bookings.queries import OUT_OF_RANGE
from dashboard.bookings.tables import Booking, Package, Student
from dashboard.payments.tables import Payment

_NUMBER = re.compile(r"#?(\d{1,15})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Link:
    """The rows that a ticket belongs to; None where it belongs to none."""

    student: int | None = None
    booking: int | None = None
    payment: int | None = None


NOTHING = Link()


async def of_payment(payment_id: int, field: str = "payment_id") -> Link:
    """By a payment; BadOrder, at `field`, if there is none."""
    payment = await _payment(Payment.id == payment_id) if payment_id < OUT_OF_RANGE else None
    if payment is None:
        raise BadOrder((field, "There is no such payment."))
    package = await Package.objects().get(Package.purchase == payment.purchase)
    if package is not None:
        return Link(package.student, None, payment.id)
    booking = await Booking.objects().get(Booking.purchase == payment.purchase)
    if booking is None:
        return Link(payment=payment.id)
    return Link(booking.student, booking.id, payment.id)


async def of_booking(booking_id: int, field: str = "booking_id") -> Link:
    """By a booking; BadOrder, at `field`, if there is none."""
    known = booking_id < OUT_OF_RANGE
    booking = await Booking.objects().get(Booking.id == booking_id) if known else None
    if booking is None:
        raise BadOrder((field, "There is no such booking."))
    payment = await _payment(Payment.current.eq(True) & (Payment.purchase == booking.purchase))
    return Link(booking.student, booking.id, payment.id if payment else None)


async def of_email(email: str, field: str = "student_email") -> Link:
    """By a student's e-mail; BadOrder, at `field`, if nobody has it."""
    student = await Student.objects().get(Student.email == email.strip().lower())
    if student is None:
        raise BadOrder((field, "No student has this e-mail."))
    return Link(student=student.id)


async def named(text: str, field: str = "about") -> Link:
    """By what a person types: #41, P3, pi_… or an e-mail. BadOrder if it names nothing, or two."""
    if match := _NUMBER.fullmatch(text.strip()):
        return await of_booking(int(match[1]), field)
    if "@" in text:
        return await of_email(text, field)
    found = await search.exact(text.strip())
    if found is not None:
        return await of_payment(found, field)
    raise BadOrder((field, "This names no booking, package, intent or student."))


async def _payment(where: search.Condition) -> Payment | None:
    return await Payment.objects().get(where)
