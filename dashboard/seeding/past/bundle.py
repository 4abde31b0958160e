"""A package's story: charged at once, a lesson a week, and sometimes the rest is refunded."""

from dataclasses import dataclass, replace
from datetime import datetime

from dashboard.bookings import package_refunds, policy
from dashboard.bookings.endings import Ending
from dashboard.bookings.tables import Booking, Package, Redemption
from dashboard.payments.actors import SWEEP
from dashboard.seeding.past import booked
from dashboard.seeding.past.account import Account
from dashboard.seeding.past.shop import Lesson, Shop, fresh
from dashboard.seeding.past.tale import SECOND
from dashboard.seeding.plan import CARDS, DAY, HOUR

# Lessons of a package are called off in time, or too late; and of packages the rest is refunded.
_IN_TIME, _TOO_LATE, _REFUNDED = 0.05, 0.04, 0.12
# Stripe tells by a webhook that it has booked the charge, and with it its fee.
_BOOKED_AFTER = 5 * SECOND
_BOOKED_AHEAD = 2 * DAY
_MOVED = "The student moved away."


@dataclass(slots=True)
class Bundle:
    """A package with its bookings and the numbers of its lessons."""

    account: Account
    package: Package
    bookings: list[Booking]
    seats: list[Redemption]


def live(shop: Shop, lesson: Lesson, policy_of_the_day: str) -> Bundle:
    """Tell one package's story as far as the present."""
    account, first = booked.begin(shop, lesson, policy_of_the_day)
    offer = lesson.offer
    assert offer is not None
    package = fresh(
        Package,
        id=first.package,
        student=lesson.pupil.id,
        offer=lesson.offer_id,
        purchase=account.purchase.id,
        lessons_count=offer.lessons,
        created_at=lesson.at,
    )
    bundle = Bundle(account, package, [], [])
    account.pay(lesson.at, account.student, card=shop.chance.choice(CARDS))
    account.look(lesson.at + _BOOKED_AFTER)
    _take(bundle, first)
    last_at = lesson.at
    for starts_at in lesson.later:
        last_at = max(starts_at - _BOOKED_AHEAD, last_at + HOUR)
        booking = booked.book(
            shop, replace(lesson, at=last_at, starts_at=starts_at), account.purchase
        )
        booking.package = package.id
        _take(bundle, booking)
    if shop.chance.random() < _REFUNDED:
        _give_back_the_rest(bundle, bundle.bookings[-1].ends_at + 3 * DAY)
    return bundle


def _take(bundle: Bundle, booking: Booking) -> None:
    """Use the lowest free number of the package; the lesson may be called off, or takes place."""
    shop, package = bundle.account.shop, bundle.package
    taken = {row.number for row in bundle.seats if row.seat}
    number = next(n for n in range(1, package.lessons_count + 1) if n not in taken)
    seat = _seat(shop, package, number, "lesson", booking.created_at, booking.id)
    bundle.seats.append(seat)
    bundle.bookings.append(booking)
    booking.status = "confirmed"
    luck, free_until = shop.chance.random(), booking.starts_at - 7 * HOUR
    if luck < _IN_TIME and free_until > booking.created_at + HOUR:
        _cancel(bundle, booking, free_until, seat)
    elif luck < _IN_TIME + _TOO_LATE:
        late = max(booking.starts_at - shop.minutes(20, 300), booking.created_at + 60 * SECOND)
        _cancel(bundle, booking, late, seat)
    booked.by_the_clock(shop, booking, booking.created_at)


def _cancel(bundle: Bundle, booking: Booking, at: datetime, seat: Redemption) -> None:
    shop, purchase = bundle.account.shop, bundle.account.purchase
    if at > shop.anchor:
        return
    terms = policy.Terms(
        purchase.price,
        purchase.currency,
        booking.starts_at,
        shop.terms.free_hours,
        shop.terms.late_percent,
        of_package=True,
    )
    decision = policy.cancel("student", terms, at)
    booked.end(booking, Ending("cancelled", "student", "Fell ill"), decision, at)
    if not decision.lesson_used:
        seat.seat, seat.freed_at = None, at


def _give_back_the_rest(bundle: Bundle, at: datetime) -> None:
    """Finance refunds what the unused lessons are worth, by the formula."""
    account, package, shop = bundle.account, bundle.package, bundle.account.shop
    purchase, by = account.purchase, account.shop.staff["finance"]
    taken = {row.number for row in bundle.seats if row.seat}
    free = [n for n in range(1, package.lessons_count + 1) if n not in taken]
    price, count = purchase.price, package.lessons_count
    amount = policy.package_refund(price, len(taken), count, 0, 0, purchase.currency)
    if not free or not amount:
        return
    why = f"{len(free)} of {count} lessons were not used: {_MOVED}"
    key = f"{package_refunds.GIVEN_BACK}:{package.id}:{at.isoformat()}"
    if not account.decide(at, price - amount, why, by.name):
        return
    more = {"key": key, "amount": amount, "detail": {"lessons": free}}
    account.word(at, package_refunds.GIVEN_BACK, why, by, **more)
    bundle.seats += [_seat(shop, package, number, "refund", at, None) for number in free]
    account.refund(at + SECOND, SWEEP, amount)


def _seat(
    shop: Shop, package: Package, number: int, kind: str, at: datetime, booking: int | None
) -> Redemption:
    return fresh(
        Redemption,
        id=shop.next_id(Redemption),
        package=package.id,
        number=number,
        booking=booking,
        kind=kind,
        seat=f"{package.id}:{number}",
        created_at=at,
    )
