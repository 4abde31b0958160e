"""The queue's read model: payments with what they are for and the books behind them."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dashboard.bookings.tables import Booking, Package
from dashboard.payments import checks, queries
from dashboard.payments.case import Step
from dashboard.payments.facts import CREATES, PaymentFacts, Status, Verb
from dashboard.payments.queries import Books
from dashboard.payments.tables import Operation, Payment, PaymentEvent, Purchase


@dataclass(frozen=True, slots=True)
class Subject:
    """What a purchase is for, and who takes part. A package has no lesson of its own."""

    number: str
    student: str
    email: str
    title: str
    instructor: str = ""
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    booking_id: int | None = None
    booking_status: str = ""
    clause: str = ""
    # Where the student lives, by which the e-mails tell the time.
    time_zone: str = ""
    package_id: int | None = None

    @property
    def first_name(self) -> str:
        return self.student.split()[0] if self.student.split() else self.email


NOBODY = Subject(number="", student="", email="", title="Unknown booking")


@dataclass(frozen=True, slots=True)
class Hold:
    """One payment, with the books of its purchase and its subject. Amounts in minor units."""

    payment: Payment
    books: Books
    subject: Subject

    @property
    def facts(self) -> PaymentFacts:
        return queries.payment_facts(self.payment)

    @property
    def status(self) -> Status:
        return Status(self.payment.payment_status)

    @property
    def currency(self) -> str:
        return str(self.payment.currency)

    @property
    def still_held(self) -> int:
        return self.facts.authorized if self.facts.held else 0

    @property
    def released(self) -> int:
        """What went back to the card unused: the rest of a partial capture, or all of it."""
        return self.facts.authorized - self.facts.captured - self.still_held

    def step(self, now: datetime) -> Step:
        return self.books.step(now)

    def movements(self, now: datetime) -> tuple[Verb, ...]:
        """What staff may start now: nothing while an operation is open.

        A payment that another one has replaced is released or refunded by itself; only where that
        refund has failed may it be asked for again.
        """
        if self.books.operation is not None:
            return ()
        found = checks.actions(self.books.purchase_facts, self.facts, now)
        if self.payment.current:
            return found
        return tuple(verb for verb in found if verb is Verb.REFUND and self.payment.refund_trouble)

    def most(self, verb: Verb) -> int:
        """The most that `verb` can move."""
        if verb is Verb.CAPTURE:
            return checks.capturable(self.books.purchase_facts, self.facts)
        return self.facts.refundable if verb is Verb.REFUND else self.facts.authorized


async def hold(payment_id: int) -> Hold | None:
    """One payment with all that its page shows; None if there is none."""
    found = await holds([payment_id])
    return found[0] if found else None


async def holds(payment_ids: Sequence[int]) -> list[Hold]:
    """These payments, in the given order, in a handful of reads however many they are."""
    if not payment_ids:
        return []
    asked = await Payment.objects().where(Payment.id.is_in(list(payment_ids)))
    by_id = {payment.id: payment for payment in asked}
    purchase_ids = sorted({payment.purchase for payment in asked})
    found = await _books(purchase_ids)
    about = await subjects(purchase_ids)
    return [
        Hold(payment, found[payment.purchase], about.get(payment.purchase, NOBODY))
        for payment in (by_id[id_] for id_ in payment_ids if id_ in by_id)
    ]


async def _books(purchase_ids: list[int]) -> dict[int, Books]:
    if not purchase_ids:
        return {}
    purchases = await Purchase.objects().where(Purchase.id.is_in(purchase_ids))
    payments = (
        await Payment.objects().where(Payment.purchase.is_in(purchase_ids)).order_by(Payment.id)
    )
    operations = await Operation.objects().where(Operation.open_for.is_in(purchase_ids))
    by_purchase: dict[int, list[Payment]] = defaultdict(list)
    for payment in payments:
        by_purchase[payment.purchase].append(payment)
    open_ones = {operation.open_for: operation for operation in operations}
    return {row.id: Books(row, by_purchase[row.id], open_ones.get(row.id)) for row in purchases}


async def subjects(purchase_ids: Iterable[int]) -> dict[int, Subject]:
    """What each purchase is for, by the purchase's id."""
    ids = list(purchase_ids)
    if not ids:
        return {}
    found = {row["purchase"]: _package(row) for row in await _package_rows(ids)}
    # Lessons of a package share its purchase and are told by it. They are left out here, not by the
    # query: SQLite would look for what has no package first, and that is nearly every booking.
    lessons = [row for row in await _lesson_rows(ids) if row["package"] is None]
    return found | {row["purchase"]: _lesson(row) for row in lessons}


async def _lesson_rows(purchase_ids: list[int]) -> list[dict[str, Any]]:
    return await Booking.select(
        Booking.id,
        Booking.purchase,
        Booking.package,
        Booking.status,
        Booking.clause,
        Booking.starts_at,
        Booking.ends_at,
        Booking.student.name.as_alias("student"),
        Booking.student.email.as_alias("email"),
        Booking.student.time_zone.as_alias("time_zone"),
        Booking.instructor.name.as_alias("instructor"),
        Booking.instructor.subject.as_alias("subject"),
    ).where(Booking.purchase.is_in(purchase_ids))


async def _package_rows(purchase_ids: list[int]) -> list[dict[str, Any]]:
    return await Package.select(
        Package.id,
        Package.purchase,
        Package.lessons_count,
        Package.student.name.as_alias("student"),
        Package.student.email.as_alias("email"),
        Package.offer.name.as_alias("offer"),
    ).where(Package.purchase.is_in(purchase_ids))


def _lesson(row: dict[str, Any]) -> Subject:
    starts, ends = row["starts_at"], row["ends_at"]
    assert isinstance(starts, datetime) and isinstance(ends, datetime)
    return Subject(
        number=f"#{row['id']}",
        student=str(row["student"]),
        email=str(row["email"]),
        title=_lesson_name(str(row["subject"])),
        instructor=str(row["instructor"]),
        starts_at=starts,
        ends_at=ends,
        booking_id=int(str(row["id"])),
        booking_status=str(row["status"]),
        clause=str(row["clause"]),
        time_zone=str(row["time_zone"]),
    )


def _lesson_name(subject: str) -> str:
    return f"{subject[:1].upper()}{subject[1:]}" if subject else "Lesson"


def _package(row: dict[str, Any]) -> Subject:
    return Subject(
        number=f"P{row['id']}",
        student=str(row["student"]),
        email=str(row["email"]),
        title=f"{row['offer']}, {row['lessons_count']} lessons",
        package_id=int(str(row["id"])),
    )


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the story, with the operation that made it, if one of ours did."""

    event: PaymentEvent
    operation: Operation | None


async def story(purchase_id: int) -> list[Entry]:
    """All that happened to a purchase's money, oldest first."""
    events = await queries.timeline(purchase_id)
    operations = await Operation.objects().where(Operation.purchase == purchase_id)
    by_id = {operation.id: operation for operation in operations}
    # Stripe's clock tells whole seconds; within one, the order of writing is the order of things.
    events.sort(key=lambda event: (event.occurred_at.replace(microsecond=0), event.id))
    entries = [Entry(event, by_id.get(event.operation)) for event in events]
    return [entry for entry in entries if not _told_twice(entry)]


def _told_twice(entry: Entry) -> bool:
    """A refused authorization stands in the story as a declined card already."""
    operation = entry.operation
    creates = operation is not None and operation.verb in CREATES
    return creates and entry.event.kind == "operation_refused"
