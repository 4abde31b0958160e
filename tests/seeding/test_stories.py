"""Stories that are told near the present stop where they stand, whatever they are about."""

import random
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from dashboard.bookings.tables import Booking, Student
from dashboard.payments.actors import Actor
from dashboard.payments.facts import State
from dashboard.payments.tables import Payment, PaymentEvent, Purchase
from dashboard.seeding.past import afterwards, bundle, fates, rhythm
from dashboard.seeding.past.account import Account
from dashboard.seeding.past.crowd import Crowd, Tutor, teachers
from dashboard.seeding.past.orders import orders
from dashboard.seeding.past.shop import Lesson, Shop, Terms
from dashboard.seeding.past.tale import Tale
from dashboard.seeding.plan import DAY

ANCHOR = datetime(2026, 3, 18, 15, 0, tzinfo=UTC)
STAFF = {role: Actor(role, "staff", 1) for role in ("viewer", "support", "finance", "admin")}


def shop(days: int, number: int = 1) -> Shop:
    start = ANCHOR - timedelta(days=days)
    return Shop(
        chance=random.Random(number),
        start=start,
        anchor=ANCHOR,
        outage=rhythm.outage(start, ANCHOR),
        terms=Terms(6, 50, "capture", "sandbox:test"),
        staff=STAFF,
        ids={Booking: 0, Payment: 0, PaymentEvent: 0, Purchase: 0, Student: 0},
    )


def lessons(of: Shop, bookings: int) -> list[Lesson]:
    tutors = [Tutor.of(n, one) for n, one in enumerate(teachers(1, bookings), 1)]
    crowd = Crowd(of.chance, tutors, lambda: of.next_id(Student))
    return list(orders(of, crowd, [1, 2, 3], bookings))


def told(of: Shop, lesson: Lesson, policy: str) -> Account:
    if lesson.offer is not None:
        return bundle.live(of, lesson, policy).account
    return fates.live(of, lesson, policy).account


@pytest.mark.parametrize("policy", ["capture", "renew"])
def test_a_story_is_told_in_order_and_no_further_than_the_present(policy: str):
    young = shop(days=25)
    for lesson in lessons(young, 1500):
        account = told(young, lesson, policy)
        instants = [step.at for step in account.steps]
        assert instants == sorted(instants) and instants[-1] <= ANCHOR
        assert all(at <= ANCHOR for at, _ in account.told)
        assert all(row.asked_at <= ANCHOR for row in account.operations)
        assert all(row.state in (State.SENDING, State.REFUSED) for row in account.operations)


def test_a_lesson_that_is_paid_again_and_still_to_come_is_not_captured_yet():
    paid_again = 0
    for number in range(20):
        young = shop(days=10, number=number)
        lesson = replace(lessons(young, 20)[0], starts_at=ANCHOR + DAY)
        tale = Tale(young, lesson, "capture")
        assert tale.held(lesson.at, "pm_card_visa", DAY)
        tale.expired()
        afterwards.unpaid(tale)
        assert all(row.verb != "capture" for row in tale.account.operations)
        paid_again += len(tale.account.payments) - 1
    assert 5 < paid_again < 20


def test_a_past_has_as_many_bookings_as_was_asked_for():
    for days, bookings in ((30, 20), (90, 401), (365, 3000)):
        found = lessons(shop(days), bookings)
        assert sum(1 + len(lesson.later) for lesson in found) == bookings
        starts = [
            (lesson.tutor.id, at) for lesson in found for at in (lesson.starts_at, *lesson.later)
        ]
        assert len(set(starts)) == len(starts)


def test_the_shop_grows_and_has_weeks_and_holidays():
    year = shop(365)
    found = rhythm.instants(year.chance, year.start, ANCHOR, 40_000)
    by_month = Counter((at.year, at.month) for at in found)
    by_weekday = Counter(at.weekday() for at in found)
    assert by_month[2026, 2] > 1.5 * by_month[2025, 4]
    assert by_month[2025, 8] < by_month[2025, 6]
    assert by_weekday[5] < by_weekday[1]
    assert found == sorted(found) and year.start <= found[0] and found[-1] < ANCHOR
