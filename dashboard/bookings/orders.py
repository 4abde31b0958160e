"""What a student may order, and what it costs: checked against the catalogue and the clock."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from dashboard import clock, money
from dashboard.bookings import policy
from dashboard.bookings.catalog import email_fault, text_fault, zone_fault
from dashboard.bookings.errors import BadOrder
from dashboard.bookings.tables import Instructor, Package, PackageOffer, Student

FARTHEST = timedelta(days=730)


@dataclass(frozen=True, slots=True)
class Order:
    """What a student asks for. `package_id` is an offer of the catalogue when `is_package`, else
    a package that the student owns."""

    name: str
    email: str
    time_zone: str
    instructor_id: int
    starts_at: datetime
    minutes: int
    payment_method: str
    is_package: bool = False
    package_id: int | None = None

    @property
    def redeems(self) -> bool:
        """It uses a lesson that was paid for before."""
        return self.package_id is not None and not self.is_package


def plain(order: Order) -> Order:
    """The order in the form in which it is compared and stored; BadOrder for what can't be."""
    email, name = order.email.strip().lower(), " ".join(order.name.split())
    found = [
        ("student.name", text_fault(order.name.strip(), 200)),
        ("student.email", email_fault(email)),
        ("student.time_zone", zone_fault(order.time_zone)),
        ("payment_method", _card_fault(order)),
        ("starts_at", _range_fault(order.starts_at)),
    ]
    if order.is_package and order.package_id is None:
        found.append(("package_id", "Say which package of the catalogue."))
    if faults := [(field, fault) for field, fault in found if fault is not None]:
        raise BadOrder(*faults)
    starts_at = order.starts_at.astimezone(UTC).replace(microsecond=0)
    return replace(order, name=name, email=email, starts_at=starts_at)


def _card_fault(order: Order) -> str | None:
    given = order.payment_method
    if order.redeems and not given:
        return None
    well_formed = given.isascii() and given.replace("_", "").isalnum() and len(given) <= 255
    return None if well_formed else "This is no payment method of Stripe's, like pm_…"


def _range_fault(starts_at: datetime) -> str | None:
    if starts_at.utcoffset() is None:
        return "Give the offset from UTC, like 2026-11-24T15:00:00+01:00."
    # Near the ends of the calendar another zone would have no date at all.
    return None if 1970 < starts_at.year < 9999 else "Give a date of our time."


@dataclass(frozen=True, slots=True)
class Goods:
    """What is bought, found in the catalogue: the price is ours and never the caller's."""

    price: int
    currency: str
    title: str
    offer: PackageOffer | None = None
    package: Package | None = None


async def goods(order: Order) -> Goods:
    """What the order buys, at our price; BadOrder when the catalogue has no such thing."""
    now = clock.now()
    if order.starts_at <= now:
        raise BadOrder(("starts_at", "A lesson must start in the future."))
    if order.starts_at > now + FARTHEST:
        raise BadOrder(("starts_at", "A lesson can be booked up to two years ahead."))
    instructor = await Instructor.objects().get(Instructor.id == order.instructor_id)
    if instructor is None or not instructor.active:
        raise BadOrder(("instructor_id", "There is no such instructor."))
    title = f"{instructor.subject.capitalize()} lesson".strip().capitalize()
    if order.is_package:
        return await _offer(order)
    if order.redeems:
        return await _owned(order, title)
    price = policy.lesson_price(instructor.rate, order.minutes, instructor.currency)
    if price > money.MAXIMUM_CHARGE:
        raise BadOrder(("minutes", "That is more than one payment can be."))
    return Goods(price, instructor.currency, f"{title}, {order.minutes} min")


async def _offer(order: Order) -> Goods:
    offer = await PackageOffer.objects().get(PackageOffer.id == order.package_id)
    if offer is None or not offer.active:
        raise BadOrder(("package_id", "There is no such package."))
    return Goods(offer.price, offer.currency, offer.name, offer=offer)


async def _owned(order: Order, title: str) -> Goods:
    package = await Package.objects().get(Package.id == order.package_id)
    owner = package and await Student.objects().get(Student.id == package.student)
    if package is None or not owner or owner.email != order.email:
        raise BadOrder(("package_id", "This student has no such package."))
    return Goods(0, "", title, package=package)
