"""Giving back what the unused lessons of a package are worth, and taking that decision back.

Both commit what becomes of the lessons and what is owed in one transaction; making Stripe agree
comes afterwards.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from dashboard import clock, db, formats
from dashboard.bookings import limits, packages, settling
from dashboard.bookings.errors import Conflict
from dashboard.bookings.packages import Worth
from dashboard.bookings.tables import Package, Redemption
from dashboard.payments import queries as payments
from dashboard.payments import settle, turning
from dashboard.payments.actors import Actor
from dashboard.payments.errors import NotAllowed
from dashboard.payments.events import write_word
from dashboard.payments.facts import PaymentFacts
from dashboard.payments.queries import Books
from dashboard.payments.tables import PaymentEvent

GIVEN_BACK = "lessons_refunded"
WITHDRAWN = "refund_withdrawn"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A refund of the unused lessons. `unlimited` is for those who may refund any amount.

    `agreed` is the amount that was shown, in minor units; another one is refused. The same `key`
    again decides nothing new.
    """

    by: Actor
    reason: str
    unlimited: bool = False
    agreed: int | None = None
    key: str | None = None


async def refund_unused(package_id: int, wanted: Wanted) -> int:
    """Give back what the unused lessons are worth; answers the amount in minor units.

    The lessons are reserved and what is owed is decided in one transaction; the refund follows.
    Raises LookupError for an unknown package, Conflict when there is nothing to give back, and
    NotAllowed: stale, limit, finance_currency.
    """
    found = await need(package_id)
    async with db.transaction():
        # Taking a lesson locks the same row: a lesson is taken or refunded, never both.
        await turning.touch(found.purchase)
        amount = await _known(found, wanted)
        if amount is None:
            amount = await _reserve(found, wanted)
    await db.shielded(settling.bring_about(found.purchase))
    return amount


async def need(package_id: int) -> Package:
    """The package; LookupError if there is none."""
    found = await Package.objects().get(Package.id == package_id)
    if found is None:
        raise LookupError(f"package {package_id}")
    return found


def _key(package: Package, wanted: Wanted) -> str | None:
    return f"{GIVEN_BACK}:{package.id}:{wanted.key}" if wanted.key else None


async def _known(package: Package, wanted: Wanted) -> int | None:
    """What the same wish gave back before; None when it is new."""
    key = _key(package, wanted)
    row = await PaymentEvent.objects().get(PaymentEvent.key == key) if key else None
    return None if row is None else int(row.amount)


def require_refundable(books: Books, free: int, found: Worth) -> PaymentFacts:
    """The payment that the unused lessons were paid with; Conflict says why there is no refund."""
    facts = books.current_facts
    if facts is None or facts.captured == 0:
        raise Conflict("This package isn't paid.")
    if facts.disputed:
        raise Conflict("The bank disputes this payment; a refund now would pay twice.")
    if facts.refund_trouble:
        raise Conflict("A refund of this package failed. Refund it again, or withdraw it first.")
    if not free:
        raise Conflict("No lesson of this package is left to refund.")
    if found.unused == 0:
        raise Conflict("What was paid for the unused lessons was given back already.")
    return facts


async def _reserve(package: Package, wanted: Wanted) -> int:
    books = await payments.books(package.purchase)
    taken = await packages.seats(package.id)
    assert books is not None
    free, found = packages.free_numbers(package, taken), packages.worth(package, books, taken)
    facts = require_refundable(books, len(free), found)
    assert books.current is not None
    if wanted.agreed is not None and wanted.agreed != found.unused:
        raise NotAllowed("stale")
    refused = limits.needs_finance(found.unused, found.back, books.purchase.currency)
    if refused and not wanted.unlimited:
        raise refused
    now = clock.now()
    for number in free:
        await packages.seat(package.id, number, None, "refund", now)
    said = f"{len(free)} of {package.lessons_count} lessons were not used: {wanted.reason}"
    owed = max(0, facts.kept - packages.still_to_go(books, facts) - found.unused)
    owed = min(owed, books.purchase.price)
    await settle.decide(package.purchase, settle.Decision(owed, said, wanted.by.name))
    await write_word(
        books.current,
        GIVEN_BACK,
        said,
        wanted.by,
        key=_key(package, wanted),
        amount=found.unused,
        detail={"lessons": free},
    )
    return found.unused


async def withdraw(purchase_id: int, by: Actor, reason: str, payment_id: int | None = None) -> int:
    """Keep what a refund has not given back yet, or could not; answers the amount in minor units.

    What is owed rises by it again, and the lessons that were reserved for it are free again, in one
    transaction. `payment_id` is the payment that gives it back (None: the one that stands). Of one
    that another has replaced nothing rises (0) and no lesson is free: the refund of those that are
    reserved still goes out. Raises Conflict when no refund is open, and Busy while a movement is
    under way.
    """
    async with db.transaction():
        await turning.touch(purchase_id)
        books = await payments.books(purchase_id)
        facts = books.current_facts if books else None
        if books is None or books.current is None or facts is None:
            raise LookupError(f"purchase {purchase_id}")
        undone = packages.still_to_go(books, facts)
        if not undone and not any(one.refund_trouble for one in books.payment_facts):
            raise Conflict("No refund is waiting: what was decided has gone back.")
        owed = books.purchase.owed
        now_owed = await settle.withdraw_refund(purchase_id, by.name, reason, payment_id)
        kept = 0 if owed is None else now_owed - owed
        package = await Package.objects().get(Package.purchase == purchase_id)
        freed = await _free(package, kept) if package is not None else []
        told = {"lessons": freed}
        await write_word(books.current, WITHDRAWN, reason, by, amount=kept, detail=told)
    await db.shielded(settling.bring_about(purchase_id))
    return kept


async def _free(package: Package, undone: int) -> list[int]:
    numbers = await reserved_for(package, undone)
    if numbers:
        await Redemption.update({"seat": None, "freed_at": clock.now()}).where(
            (Redemption.package == package.id)
            & (Redemption.kind == "refund")
            & Redemption.number.is_in(numbers)
            & Redemption.seat.is_not_null()
        )
    return numbers


async def reserved_for(package: Package, undone: int) -> list[int]:
    """The lessons whose refund is among the `undone` minor units that have not gone back.

    The newest decision is the one that is still open: an earlier one has been carried out.
    """
    given = (
        await PaymentEvent.objects()
        .where((PaymentEvent.purchase == package.purchase) & (PaymentEvent.kind == GIVEN_BACK))
        .order_by(PaymentEvent.id, ascending=False)
    )
    standing = {row.number for row in await packages.seats(package.id) if row.kind == "refund"}
    found: list[int] = []
    for row in given:
        numbers: Sequence[int] = json.loads(row.detail)["lessons"]
        still = [number for number in numbers if number in standing]
        if undone > 0 and still:
            found += still
            standing -= set(still)
            undone -= row.amount
    return sorted(found)


def why(package: Package, found: packages.Worth, currency: str) -> str:
    """The formula in words: what was paid, what the used lessons are worth, what is left."""

    def money(amount: int) -> str:
        return formats.money(amount, currency)

    used, count = found.used_lessons, package.lessons_count
    lessons = "1 lesson is" if used == 1 else f"{used} lessons are"
    said = f"{money(found.captured)} was paid for {count} lessons; {lessons} used or booked"
    said += f", worth {money(found.used)} ({money(found.captured)} × {used} ÷ {count})."
    if found.back:
        said += f" {money(found.back)} was given back before or is on its way."
    if found.lost:
        said += f" {money(found.lost)} was lost in disputes."
    return f"{said} {money(found.unused)} is left for the unused lessons."
