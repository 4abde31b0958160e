"""Lessons of a package: taking the next one, giving one back, refunding what is left."""

from dashboard import clock, db
from dashboard.bookings import policy
from dashboard.bookings.errors import Conflict
from dashboard.bookings.tables import Booking, Package, Redemption
from dashboard.payments import queries as payments
from dashboard.payments import settle, turning
from dashboard.payments.actions import Actor
from dashboard.payments.facts import Status


async def take_lesson(package: Package, booking_id: int) -> int:
    """Use the next lesson of a paid package, inside the caller's transaction; its number.

    Raises Conflict when the package isn't paid or no lesson is left. The caller has locked the
    purchase (`turning.touch`), so that two can't find the same number free.
    """
    free = await _free_numbers(package)
    if not free:
        message = f"All {package.lessons_count} lessons of this package are used or given back."
        raise Conflict(message)
    await _seat(package.id, free[0], booking_id, "lesson")
    return free[0]


async def give_back(booking_id: int) -> None:
    """Return a lesson to its package, inside the caller's transaction."""
    await Redemption.update({"seat": None, "freed_at": clock.now()}).where(
        (Redemption.booking == booking_id) & Redemption.seat.is_not_null()
    )


async def require_paid(package: Package) -> None:
    """Raise Conflict unless the package's price was taken and not given back."""
    books = await payments.books(package.purchase)
    if books is None or books.current is None or books.current.payment_status != Status.CAPTURED:
        raise Conflict("This package isn't paid.")


async def refund_unused(package_id: int, by: Actor) -> int:
    """Give back what the unused lessons are worth; answers the amount in minor units.

    The lessons are reserved and what is owed is decided in one transaction; the refund follows.
    Raises LookupError for an unknown package, Conflict when there is nothing to give back.
    """
    found = await Package.objects().get(Package.id == package_id)
    if found is None:
        raise LookupError(f"package {package_id}")
    async with db.transaction():
        # Taking a lesson locks the same row: a lesson is taken or refunded, never both.
        await turning.touch(found.purchase)
        amount = await _reserve(found, by)
    await db.shielded(settle.settle(found.purchase))
    return amount


async def _reserve(package: Package, by: Actor) -> int:
    books = await payments.books(package.purchase)
    payment = books.current_facts if books else None
    free = await _free_numbers(package)
    if books is None or payment is None or payment.captured == 0:
        raise Conflict("This package isn't paid.")
    if not free:
        raise Conflict("No lesson of this package is left to refund.")
    for number in free:
        await _seat(package.id, number, None, "refund")
    used = await _used(package.id)
    amount = policy.package_refund(
        payment.captured,
        used,
        package.lessons_count,
        payment.refunded,
        payment.refund_pending,
        books.purchase.currency,
    )
    reason = f"{len(free)} of {package.lessons_count} lessons were not used."
    owed = min(books.purchase.price, max(0, payment.kept - amount))
    await settle.decide(package.purchase, settle.Decision(owed, reason, by.name))
    return amount


async def _free_numbers(package: Package) -> list[int]:
    taken = (
        await Redemption.select(Redemption.number)
        .where((Redemption.package == package.id) & Redemption.seat.is_not_null())
        .output(as_list=True)
    )
    return [number for number in range(1, package.lessons_count + 1) if number not in taken]


async def _used(package_id: int) -> int:
    return int(
        await Redemption.count().where(
            (Redemption.package == package_id)
            & (Redemption.kind == "lesson")
            & Redemption.seat.is_not_null()
        )
    )


async def _seat(package_id: int, number: int, booking_id: int | None, kind: str) -> None:
    await Redemption.insert(
        Redemption(
            package=package_id,
            number=number,
            booking=booking_id,
            kind=kind,
            seat=f"{package_id}:{number}",
            created_at=clock.now(),
        )
    )


async def package_of(booking: Booking) -> Package:
    """The package that a lesson belongs to; LookupError for a single lesson."""
    package = await Package.objects().get(Package.id == booking.package)
    if package is None:
        raise LookupError(f"booking {booking.id} is no lesson of a package")
    return package
