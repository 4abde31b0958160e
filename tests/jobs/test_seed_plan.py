"""The seed's plan: about two hundred bookings, the same for the same number and anchor."""

from datetime import UTC, datetime, timedelta

import pytest

from dashboard.seeding.people import LEARNERS, SIGN_INS, TEACHERS
from dashboard.seeding.plan import WINDOW, Deed, Order, clusters
from dashboard.seeding.tales import tell
from dashboard.staff.tables import ROLES

ANCHORS = [datetime(2026, 11, 23, hour, 34, 56, tzinfo=UTC) for hour in (0, 6, 15, 23)]


@pytest.mark.parametrize("anchor", ANCHORS)
@pytest.mark.parametrize("number", [1, 2, 3])
def test_some_two_hundred_bookings_in_sixty_days(number: int, anchor: datetime):
    happenings = tell(number, anchor)
    orders = {one.number: one for one in happenings if isinstance(one, Order)}
    assert 180 <= len(orders) <= 230
    assert all(anchor - timedelta(days=60) <= one.at < anchor for one in happenings)
    assert all(one.at < one.starts_at for one in orders.values())
    deeds = [one for one in happenings if isinstance(one, Deed)]
    assert all(one.at > orders[one.number].at for one in deeds)
    lessons = {(one.learner, one.teacher, one.starts_at) for one in orders.values()}
    assert len(lessons) == len(orders)


def test_the_same_number_tells_the_same_story_and_another_another():
    assert tell(1, ANCHORS[0]) == tell(1, ANCHORS[0])
    assert tell(1, ANCHORS[0]) != tell(2, ANCHORS[0])


def test_a_cluster_is_short_and_none_is_lost():
    happenings = tell(1, ANCHORS[1])
    groups = list(clusters(happenings))
    assert [one for group in groups for one in group] == happenings
    assert all(group[-1].at - group[0].at <= WINDOW for group in groups)


def test_everybody_has_an_address_of_their_own_and_each_role_a_sign_in():
    addresses = [one.email for one in (*LEARNERS, *TEACHERS)]
    assert len(set(addresses)) == len(addresses)
    assert all(address.isascii() for address in addresses)
    assert {one.role for one in SIGN_INS} == set(ROLES)
