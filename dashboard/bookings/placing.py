"""Places a booking: everything about it commits in one transaction, then the card is asked.

The student's Customer is made at Stripe first: an attempt whose answer was lost is found again by
listing the Customer's payments. If Stripe is out of reach then, nothing is booked.
"""

import hashlib
import uuid
from dataclasses import dataclass

import msgspec

from dashboard import clock, db
from dashboard.bookings import packages, rows, settling
from dashboard.bookings.errors import Conflict, KeyReused
from dashboard.bookings.orders import Goods, Order, goods, plain
from dashboard.bookings.tables import Booking, IdempotencyKey, Student
from dashboard.payments import actions, attempts, cards, turning
from dashboard.payments.actions import Wish
from dashboard.payments.actors import Actor
from dashboard.payments.facts import Verb
from dashboard.payments.tables import Operation
from dashboard.stripe_gateway import gateway

ROUTE = "POST /bookings"


@dataclass(frozen=True, slots=True)
class _Mark:
    """An Idempotency-Key as it is stored: hashed with whom and what it was used for."""

    scope: str
    body_hash: str


async def place(order: Order, key: str | None = None) -> int:
    """Book a lesson and ask the card for it; answers the booking's id.

    How the payment went is in the rows. The same key and order again make nothing new: an outcome
    that is not known yet is asked for again. Raises BadOrder, Conflict and KeyReused; and the
    gateway's Unreachable when Stripe did not answer before anything was booked.
    """
    order = plain(order)
    mark = _mark(order, key) if key else None
    known = await _known(mark)
    if known is not None:
        return known
    bought = await goods(order)
    student = await _student(order)
    customer = "" if order.redeems else await _customer(student)
    return await db.shielded(_book(order, mark, bought, student, customer))


async def _book(
    order: Order, mark: _Mark | None, bought: Goods, student: Student, customer: str
) -> int:
    try:
        async with db.transaction():
            booking, operation = await _write(order, mark, bought, student, customer)
    except rows.Taken:
        known = await _known(mark)
        if known is not None:
            return known
        raise await _in_the_way(order, student) from None
    if operation is not None:
        await settling.send(operation)
    else:
        await settling.save_card(booking.purchase)
    return int(booking.id)


def _mark(order: Order, key: str) -> _Mark:
    scope = "\n".join((ROUTE, order.email, key)).encode()
    return _Mark(hashlib.sha256(scope).hexdigest(), _digest(order))


def _digest(order: Order) -> str:
    return hashlib.sha256(msgspec.json.encode(order)).hexdigest()


async def _known(mark: _Mark | None) -> int | None:
    """The booking that this key made before; an outcome that is still unknown is asked for."""
    if mark is None:
        return None
    found = await IdempotencyKey.objects().get(IdempotencyKey.scope == mark.scope)
    if found is None:
        return None
    if found.body_hash != mark.body_hash:
        raise KeyReused
    booking = await Booking.objects().get(Booking.id == found.booking)
    assert booking is not None
    await db.shielded(settling.ask_again(booking.purchase))
    return int(booking.id)


async def _in_the_way(order: Order, student: Student) -> Conflict:
    slot = rows.slot_of(student.id, order.instructor_id, order.starts_at)
    other = await Booking.objects().get(Booking.slot == slot)
    message = "This lesson is booked already."
    return Conflict(message, None if other is None else int(other.id))


async def _student(order: Order) -> Student:
    """The student of this e-mail, made if new; name and zone are those of the latest order."""
    row = Student(
        name=order.name,
        email=order.email,
        time_zone=order.time_zone,
        customer_key=str(uuid.uuid4()),
        created_at=clock.now(),
    )
    await Student.insert(row).on_conflict(action="DO NOTHING", target=Student.email)
    found = await Student.objects().get(Student.email == order.email)
    assert found is not None
    if (found.name, found.time_zone) != (order.name, order.time_zone):
        found.name, found.time_zone = order.name, order.time_zone
        await Student.update({Student.name: order.name, Student.time_zone: order.time_zone}).where(
            Student.id == found.id
        )
    return found


async def _customer(student: Student) -> str:
    if student.stripe_customer_id:
        return str(student.stripe_customer_id)
    # Stripe refuses a key with other parameters: the name, which may change, is a part of it.
    named = hashlib.sha256(student.name.encode()).hexdigest()[:16]
    key = f"{student.customer_key}:{named}"
    made = await gateway().create_customer(name=student.name, email=student.email, key=key)
    await Student.update({"stripe_customer_id": made}).where(
        (Student.id == student.id) & Student.stripe_customer_id.is_null()
    )
    return made


async def _write(
    order: Order, mark: _Mark | None, bought: Goods, student: Student, customer: str
) -> tuple[Booking, Operation | None]:
    """All rows of a booking, inside the caller's transaction; rows.Taken when one is there."""
    if bought.package is not None:
        await turning.touch(bought.package.purchase)
        await packages.require_paid(bought.package)
        booking = await rows.lesson(order, student, bought.package.purchase, bought.package)
        await packages.take_lesson(bought.package, booking.id)
        await _keep_mark(mark, booking)
        return booking, None
    purchase = await rows.purchase(order, bought, customer)
    package = await rows.package(bought.offer, student, purchase) if bought.offer else None
    booking = await rows.lesson(order, student, purchase.id, package)
    if package is not None:
        await packages.take_lesson(package, booking.id)
    await _keep_mark(mark, booking)
    await rows.name_purchase(purchase, booking, package)
    if purchase.hold_due_at is not None:
        # A hold placed now would be gone by then: the card is saved, and held when it will last.
        await attempts.plan(purchase)
        await cards.want(purchase.id)
        return booking, None
    verb = Verb.CHARGE if package else Verb.AUTHORIZE
    actor = Actor(student.name, "student")
    wish = Wish(verb, purchase.id, str(uuid.uuid4()), actor)
    return booking, await actions.claim(wish)


async def _keep_mark(mark: _Mark | None, booking: Booking) -> None:
    if mark is None:
        return
    row = IdempotencyKey(
        scope=mark.scope, body_hash=mark.body_hash, booking=booking.id, created_at=clock.now()
    )
    kept = await IdempotencyKey.insert(row).on_conflict(
        action="DO NOTHING", target=IdempotencyKey.scope
    )
    if not kept:
        raise rows.Taken
