"""The rows of a booking while its past is told: how it begins, and how it ends."""

import json
from datetime import datetime, timedelta

from dashboard.bookings import endings, policy, rows
from dashboard.bookings.endings import Ending
from dashboard.bookings.queries import BY_ITSELF_AFTER, BY_THE_CLOCK
from dashboard.bookings.rows import NOTICE
from dashboard.bookings.tables import Booking, Package
from dashboard.payments import horizon
from dashboard.payments.actors import Actor
from dashboard.payments.tables import Purchase
from dashboard.seeding.past.account import Account
from dashboard.seeding.past.shop import Lesson, Shop, fresh, put

# The sweep that finds a lesson over and paid comes within the minute.
_FOLLOWED_AFTER = timedelta(seconds=20)


def begin(shop: Shop, lesson: Lesson, policy_of_the_day: str) -> tuple[Account, Booking]:
    """A purchase with its first booking, as they are committed before the card is asked."""
    purchase = _purchase(shop, lesson, policy_of_the_day)
    account = Account(shop, purchase, Actor(lesson.pupil.name, "student"))
    booking = book(shop, lesson, purchase)
    metadata = {"booking_id": str(booking.id)}
    if lesson.offer is not None:
        booking.package = shop.next_id(Package)
        count = str(lesson.offer.lessons)
        metadata |= {"package_id": str(booking.package), "lessons_count": count}
    purchase.metadata = json.dumps(metadata)
    return account, booking


def _purchase(shop: Shop, lesson: Lesson, policy_of_the_day: str) -> Purchase:
    offer, teacher = lesson.offer, lesson.tutor.teacher
    title = f"{teacher.subject.capitalize()} lesson, {lesson.minutes} min"
    due_at = lesson.ends_at + BY_ITSELF_AFTER
    renews = policy_of_the_day == "renew" and offer is None
    price = policy.lesson_price(teacher.rate, lesson.minutes, teacher.currency)
    return fresh(
        Purchase,
        id=shop.next_id(Purchase),
        currency=offer.currency if offer else teacher.currency,
        price=offer.price if offer else price,
        at_once=offer is not None,
        customer=lesson.pupil.customer,
        payment_method="pm_card_visa",
        description=offer.name if offer else f"{title}, {lesson.starts_at:%d %b %Y %H:%M} UTC",
        capture_due_at=due_at,
        announced_policy=policy_of_the_day,
        saves_card=renews,
        hold_due_at=horizon.hold_at(due_at, lesson.at) if renews else None,
        give_up_at=lesson.starts_at - NOTICE,
        version=2,
        created_at=lesson.at,
    )


def book(shop: Shop, lesson: Lesson, purchase: Purchase) -> Booking:
    """One lesson at one time."""
    pupil, tutor = lesson.pupil, lesson.tutor
    return fresh(
        Booking,
        id=shop.next_id(Booking),
        student=pupil.id,
        instructor=tutor.id,
        purchase=purchase.id,
        starts_at=lesson.starts_at,
        ends_at=lesson.ends_at,
        minutes=lesson.minutes,
        created_at=lesson.at,
        slot=rows.slot_of(pupil.id, tutor.id, lesson.starts_at),
    )


def by_the_clock(shop: Shop, booking: Booking, paid_at: datetime) -> None:
    """An hour after the lesson, and it is paid: it took place."""
    over = max(booking.ends_at + BY_ITSELF_AFTER, paid_at) + _FOLLOWED_AFTER
    if over <= shop.anchor and booking.status == "confirmed":
        booking.status, booking.ended_by, booking.clause = "completed", BY_THE_CLOCK, "completed"
        booking.completed_at = over


def never_paid(booking: Booking) -> None:
    """Nobody completed the payment, and nothing is owed any more."""
    booking.status, booking.slot = "cancelled", None
    booking.ended_by, booking.clause = BY_THE_CLOCK, "never_paid"
    booking.end_reason = "It was never paid."


def end(booking: Booking, ending: Ending, decision: policy.Decision, at: datetime) -> None:
    """The lesson has ended so, by the policy."""
    put(booking, endings.ended(booking, ending, decision, at))
