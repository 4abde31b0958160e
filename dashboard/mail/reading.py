"""Reads what a message needs: an event, the story around it, and who bought what."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from dashboard import formats, settings
from dashboard.bookings.tables import Booking, Instructor, Package, PackageOffer, Student
from dashboard.mail import prospects
from dashboard.mail.facts import OPEN, Facts, Lesson, State, Terms
from dashboard.mail.rendering import a_name, one_line
from dashboard.mail.tables import Message
from dashboard.payments.actors import SWEEP
from dashboard.payments.case import ASKS_THE_STUDENT
from dashboard.payments.queries import policy, timeline
from dashboard.payments.tables import Payment, PaymentEvent, Purchase

BEGINS = ("authorized", "captured", "charged")
ENDS = ("released", "expired")


@dataclass(frozen=True, slots=True)
class Bought:
    """What a purchase was for, and whose it is."""

    student: Student
    number: str
    title: str
    booking: Booking | None = None
    instructor: Instructor | None = None
    lessons: int = 0
    # The lesson that was booked with the package.
    first: Booking | None = None

    @property
    def lesson(self) -> Booking | None:
        """The booking whose student goes on, if anybody does."""
        return self.booking or self.first


async def facts_of(event: PaymentEvent) -> tuple[Facts, Student] | None:
    """The facts of an event and who is written to; None where nobody knows whose money it is."""
    bought = await bought_by(event.purchase)
    purchase = await Purchase.objects().get(Purchase.id == event.purchase)
    payment = await Payment.objects().get(Payment.id == event.payment)
    if bought is None or purchase is None or payment is None:
        return None
    story = await timeline(event.purchase)
    told = facts(event, story, bought, purchase, payment)
    if event.kind == "declined" and payment.renews is not None:
        # What is about to end is the hold that this attempt was to replace.
        old = await Payment.objects().get(Payment.id == payment.renews)
        told = replace(told, expires_at=old.authorization_expires_at if old else None)
    until = _until_when(told)
    late = prospects.overtaken(event, story, bought.lesson, purchase, until)
    corrects = event.kind == "refund_failed" and await _was_told(event, story)
    return replace(told, overtaken=late, corrects=corrects), bought.student


async def _was_told(event: PaymentEvent, story: Sequence[PaymentEvent]) -> bool:
    """Whether the student was written to that this refund had gone, before it failed."""
    gone = [
        one.id
        for one in story
        if one.kind == "refund_succeeded" and one.stripe_object_id == event.stripe_object_id
    ]
    kept = [str(state) for state in (*OPEN, State.SENT)]
    return bool(gone) and await Message.exists().where(
        Message.event.is_in(gone) & Message.state.is_in(kept)
    )


def _until_when(told: Facts) -> datetime | None:
    """Until when the student can still do what is asked of them."""
    if told.kind == "card_waiting":
        return told.confirm_by
    if told.kind == "declined" and told.automatic and told.code == ASKS_THE_STUDENT:
        return told.give_up_at if told.hold_due_at and not told.renews else told.expires_at
    return None


def facts(
    event: PaymentEvent,
    story: Sequence[PaymentEvent],
    bought: Bought,
    purchase: Purchase,
    payment: Payment,
) -> Facts:
    """The facts of an event of this story; of one that is only imagined as well."""
    detail = _detail(event) if event.kind == "declined" else {}
    past = Facts(
        kind=event.kind,
        amount=event.amount,
        currency=event.currency,
        occurred_at=event.occurred_at,
        student=a_name(bought.student.name),
        time_zone=_zone(bought.student),
        number=bought.number,
        title=one_line(bought.title),
        price=purchase.price,
        given_back=event.given_back,
        reason=one_line(event.reason),
        code=str(detail.get("code", "")),
        automatic=event.cause == SWEEP.cause,
        renews=payment.renews is not None,
        lesson=_lesson(bought, event),
        lessons=bought.lessons,
        captured=_captured(story, event),
        refunded=_refunded(story, event),
        replaced=_replaced(story, event),
        by_policy=_by_policy(story, event),
        called_off=_called_off(bought, purchase, event),
        reversed=_reversed(story, event),
        expires_at=payment.authorization_expires_at,
    )
    return _with_prospects(past, bought, purchase, payment)


def _with_prospects(past: Facts, bought: Bought, purchase: Purchase, payment: Payment) -> Facts:
    """The same event with what is to come."""
    return replace(
        past,
        hold_due_at=purchase.hold_due_at,
        give_up_at=purchase.give_up_at,
        next_try_at=prospects.next_try(purchase),
        confirm_by=prospects.confirm_by(payment),
        booked=bought.lesson is not None and bought.lesson.status == "confirmed",
        link=prospects.link(bought.lesson, purchase),
        capture_due_at=purchase.capture_due_at,
        expiry_policy=policy(purchase),
        otherwise=prospects.otherwise(purchase),
        terms=terms(),
    )


def terms() -> Terms:
    """What the shop promises, from the settings."""
    chosen = settings.current()
    return Terms(chosen.cancel_free_hours, chosen.cancel_late_percent, chosen.rating_url)


async def bought_by(purchase_id: int) -> Bought | None:
    """What a purchase was for; None where nobody knows."""
    package = await Package.objects().get(Package.purchase == purchase_id)
    if package is not None:
        student = await Student.objects().get(Student.id == package.student)
        offer = await PackageOffer.objects().get(PackageOffer.id == package.offer)
        assert student is not None and offer is not None
        first = await Booking.objects().where(Booking.purchase == purchase_id).first()
        number, count = f"P{package.id}", package.lessons_count
        return Bought(student, number, offer.name, lessons=count, first=first)
    booking = await Booking.objects().get(Booking.purchase == purchase_id)
    if booking is None:
        return None
    student = await Student.objects().get(Student.id == booking.student)
    instructor = await Instructor.objects().get(Instructor.id == booking.instructor)
    assert student is not None and instructor is not None
    return Bought(student, f"#{booking.id}", instructor.subject, booking, instructor)


def _lesson(bought: Bought, event: PaymentEvent) -> Lesson | None:
    booking = bought.booking
    if booking is None or bought.instructor is None:
        return None
    # What ended the lesson counts only if it was known by then: an early charge stays one, though
    # the lesson has been completed by the time the message is written.
    ended_at = booking.received_at or booking.completed_at
    known = ended_at is None or ended_at <= event.recorded_at
    clause = booking.clause if known else ""
    return Lesson(one_line(bought.instructor.name), booking.starts_at, booking.ends_at, clause)


def _zone(student: Student) -> str:
    """The student's zone; the desk's where the system no longer knows it."""
    return formats.zone_of(student.time_zone, settings.current().zone).key


def _until(story: Sequence[PaymentEvent], event: PaymentEvent) -> list[PaymentEvent]:
    """The same payment's events up to this one, in the order in which they were recorded."""
    return [one for one in story if one.payment == event.payment and one.id <= event.id]


def _captured(story: Sequence[PaymentEvent], event: PaymentEvent) -> int:
    taken = [one.amount for one in _until(story, event) if one.kind in ("captured", "charged")]
    return sum(taken)


def _refunded(story: Sequence[PaymentEvent], event: PaymentEvent) -> int:
    total = 0
    for one in _until(story, event):
        if one.kind == "refund_succeeded":
            total += one.amount
        elif one.kind == "refund_failed" and _detail(one).get("reverses"):
            total -= one.amount
    return total


def _replaced(story: Sequence[PaymentEvent], event: PaymentEvent) -> bool:
    """Whether another payment of the purchase stood at that time: then this one made way for it."""
    others = {one.payment for one in story if one.payment != event.payment}
    return any(_stood([one for one in story if one.payment == other], event) for other in others)


def _stood(story: Sequence[PaymentEvent], event: PaymentEvent) -> bool:
    # A hold is new unless another was recorded before it. One that ends may be recorded before its
    # successor, though it ended later: there Stripe's own times decide.
    begun = [
        one
        for one in story
        if one.kind in BEGINS
        and (one.occurred_at <= event.occurred_at if event.kind in ENDS else one.id < event.id)
    ]
    return bool(begun) and not any(one.kind in ENDS and one.id < event.id for one in story)


def _by_policy(story: Sequence[PaymentEvent], event: PaymentEvent) -> bool:
    """Whether the charge was decided on because the hold would have ended too early."""
    decisions = [one for one in _until(story, event) if one.kind == "expiry_decision"]
    return any(_detail(one).get("policy") == "capture" for one in decisions)


def _called_off(bought: Bought, purchase: Purchase, event: PaymentEvent) -> bool:
    """Whether it was decided before this event that the lesson ends, or that nothing is owed."""
    over = purchase.owed == 0 or (bought.booking is not None and bought.booking.clause != "")
    return over and purchase.decided_at is not None and purchase.decided_at <= event.recorded_at


def _reversed(story: Sequence[PaymentEvent], event: PaymentEvent) -> bool:
    """Whether this refund, which had succeeded, is known to have failed by now."""
    return event.kind == "refund_succeeded" and any(
        one.kind == "refund_failed" and one.stripe_object_id == event.stripe_object_id
        for one in story
    )


def _detail(event: PaymentEvent) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(event.detail)
    return found
