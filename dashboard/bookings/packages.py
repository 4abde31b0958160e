"""Lessons of a package: taking the next one, giving one back, and what the rest is worth."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from dashboard import clock
from dashboard.bookings import policy
from dashboard.bookings.errors import Conflict
from dashboard.bookings.tables import Package, Redemption
from dashboard.payments import queries as payments
from dashboard.payments.facts import PaymentFacts, Status
from dashboard.payments.queries import Books


async def take_lesson(package: Package, booking_id: int) -> int:
    """Use the next lesson of a paid package, inside the caller's transaction; its number.

    Raises Conflict when no lesson is left. The caller has locked the purchase (`turning.touch`), so
    that two can't find the same number free.
    """
    free = free_numbers(package, await seats(package.id))
    if not free:
        message = f"All {package.lessons_count} lessons of this package are used or given back."
        raise Conflict(message)
    await seat(package.id, free[0], booking_id, "lesson", clock.now())
    return free[0]


async def give_back(booking_id: int) -> None:
    """Return a lesson to its package, inside the caller's transaction."""
    await Redemption.update({"seat": None, "freed_at": clock.now()}).where(
        (Redemption.booking == booking_id) & Redemption.seat.is_not_null()
    )


async def require_paid(package: Package) -> None:
    """Raise Conflict unless the package's price was taken, and not given or asked back."""
    books = await payments.books(package.purchase)
    current = books.current_facts if books else None
    if books is None or current is None or current.status is not Status.CAPTURED:
        raise Conflict("This package isn't paid.")
    if current.disputed or current.lost:
        raise Conflict("The bank has taken this package's payment back, or is asked to.")
    if current.kept <= 0 or books.purchase.owed == 0:
        raise Conflict("This package's price is given back.")


async def seats(package_id: int) -> list[Redemption]:
    """The lessons of a package that are taken, used or given back, by their numbers."""
    found: list[Redemption] = (
        await Redemption.objects()
        .where((Redemption.package == package_id) & Redemption.seat.is_not_null())
        .order_by(Redemption.number)
    )
    return found


def free_numbers(package: Package, taken: Sequence[Redemption]) -> list[int]:
    """The lessons that nobody has taken and that were not given back."""
    numbers = {row.number for row in taken}
    return [number for number in range(1, package.lessons_count + 1) if number not in numbers]


async def seat(
    package_id: int, number: int, booking_id: int | None, kind: str, at: datetime
) -> None:
    """Take one lesson, for a booking or for a refund; the database refuses a second time."""
    await Redemption.insert(
        Redemption(
            package=package_id,
            number=number,
            booking=booking_id,
            kind=kind,
            seat=f"{package_id}:{number}",
            created_at=at,
        )
    )


@dataclass(frozen=True, slots=True)
class Worth:
    """What a package's lessons are worth, in minor units.

    `back` is what went back, is on its way, or is decided to go; `lost` is what disputes took.
    `unused` is what a refund would give now.
    """

    captured: int
    used_lessons: int
    used: int
    back: int
    lost: int
    unused: int


def worth(package: Package, books: Books, taken: Sequence[Redemption]) -> Worth:
    """By the formula: captured − round(captured × used / count), less what went or goes back."""
    facts = books.current_facts
    used = sum(row.kind == "lesson" for row in taken)
    if facts is None or facts.captured == 0:
        return Worth(0, used, 0, 0, 0, 0)
    currency, count = books.purchase.currency, package.lessons_count
    undone = still_to_go(books, facts)
    most = policy.package_refund(
        facts.captured, used, count, facts.refunded, facts.refund_pending + undone, currency
    )
    return Worth(
        captured=facts.captured,
        used_lessons=used,
        used=policy.package_keeps(facts.captured, used, count, currency),
        back=facts.refunded + facts.refund_pending + undone,
        lost=facts.lost,
        unused=max(0, min(most, facts.kept - undone)),
    )


def still_to_go(books: Books, facts: PaymentFacts) -> int:
    """What is decided to go back and has not gone: not sent, unanswered, or failed."""
    owed = books.purchase.owed
    return 0 if owed is None else max(0, facts.kept - owed)
