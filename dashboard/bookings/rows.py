"""Writes the rows of a new booking, inside the caller's transaction."""

import json
from datetime import UTC, datetime, timedelta

from dashboard import clock, settings
from dashboard.bookings.orders import Goods, Order
from dashboard.bookings.queries import BY_ITSELF_AFTER
from dashboard.bookings.tables import Booking, Package, PackageOffer, Student
from dashboard.payments import horizon
from dashboard.payments.tables import Purchase

# The instructor knows this long ahead when a lesson is off because no hold could be placed.
NOTICE = timedelta(hours=24)


class Taken(Exception):
    """A row that must be the only one of its kind is there already: roll back, and look at it."""


async def purchase(order: Order, bought: Goods, customer: str) -> Purchase:
    """What is paid for. By itself it is captured an hour after the lesson's end."""
    day = f"{order.starts_at:%d %b %Y %H:%M} UTC"
    due_at = ends_at(order) + BY_ITSELF_AFTER
    announced = settings.current().expiry_policy
    renews = announced == "renew" and bought.offer is None
    row = Purchase(
        currency=bought.currency,
        price=bought.price,
        at_once=bought.offer is not None,
        customer=customer,
        payment_method=order.payment_method,
        # It stands on the receipt: what and when, and nothing about the person.
        description=bought.title if bought.offer else f"{bought.title}, {day}",
        capture_due_at=due_at,
        announced_policy=announced,
        saves_card=renews,
        hold_due_at=horizon.hold_at(due_at, clock.now()) if renews else None,
        give_up_at=order.starts_at - NOTICE,
        created_at=clock.now(),
    )
    await row.save()
    return row


async def package(offer: PackageOffer, student: Student, paid_by: Purchase) -> Package:
    """The student's own package, as the offer is today."""
    row = Package(
        student=student.id,
        offer=offer.id,
        purchase=paid_by.id,
        lessons_count=offer.lessons_count,
        created_at=clock.now(),
    )
    await row.save()
    return row


async def lesson(
    order: Order, student: Student, purchase_id: int, of_package: Package | None
) -> Booking:
    """The lesson itself; Taken when the student has it already."""
    row = Booking(
        student=student.id,
        instructor=order.instructor_id,
        purchase=purchase_id,
        package=of_package.id if of_package else None,
        # A lesson that was paid for before needs no payment of its own.
        status="confirmed" if order.redeems else "pending",
        starts_at=order.starts_at,
        ends_at=ends_at(order),
        minutes=order.minutes,
        created_at=clock.now(),
        slot=slot_of(student.id, order.instructor_id, order.starts_at),
    )
    made = await Booking.insert(row).on_conflict(action="DO NOTHING", target=Booking.slot)
    if not made:
        raise Taken
    row.id = made[0]["id"]
    return row


async def name_purchase(row: Purchase, booking: Booking, bought: Package | None) -> None:
    """Tell Stripe, through the metadata, which booking and which package it is about."""
    metadata = {"booking_id": str(booking.id)}
    if bought is not None:
        metadata |= {"package_id": str(bought.id), "lessons_count": str(bought.lessons_count)}
    await Purchase.update({"metadata": json.dumps(metadata)}).where(Purchase.id == row.id)


def ends_at(order: Order) -> datetime:
    return order.starts_at + timedelta(minutes=order.minutes)


def slot_of(student_id: int, instructor_id: int, starts_at: datetime) -> str:
    """The key under which one student has one lesson with one instructor at one time."""
    return f"{student_id}:{instructor_id}:{starts_at.astimezone(UTC).isoformat()}"
