"""The cancellation policy: tables of cases, and what holds for all of them."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard import money
from dashboard.bookings import policy
from dashboard.bookings.policy import Terms

START = datetime(2026, 11, 24, 15, tzinfo=UTC)
NEW_YORK = ZoneInfo("America/New_York")
BERLIN = ZoneInfo("Europe/Berlin")
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)


def terms(price: int = 9600, currency: str = "usd", **more: object) -> Terms:
    return Terms(**{"price": price, "currency": currency, "starts_at": START} | more)


# When a cancellation is free.


@pytest.mark.parametrize(
    ("ahead", "clause", "owed"),
    [
        (timedelta(days=2), "student_free", 0),
        (6 * HOUR + SECOND, "student_free", 0),
        (6 * HOUR, "student_free", 0),
        (6 * HOUR - timedelta(microseconds=999_999), "student_free", 0),
        (6 * HOUR - SECOND, "student_late", 4800),
        (timedelta(), "student_late", 4800),
        (-HOUR, "student_late", 4800),
    ],
)
def test_a_student_cancels_free_until_six_hours_ahead_to_the_second(
    ahead: timedelta, clause: str, owed: int
):
    decision = policy.cancel("student", terms(), START - ahead)
    assert (decision.clause, decision.owed) == (clause, owed)
    assert decision.lesson_used == (owed > 0)


@pytest.mark.parametrize(
    ("starts_at", "free_until"),
    [
        # New York leaves summer time at 02:00 on 1 November: the hour from 01:00 comes twice, and
        # six hours before 05:00 is 00:00, where the wall clock alone would say 23:00.
        (datetime(2026, 11, 1, 5, tzinfo=NEW_YORK), datetime(2026, 11, 1, 4, tzinfo=UTC)),
        (datetime(2026, 3, 8, 5, tzinfo=NEW_YORK), datetime(2026, 3, 8, 3, tzinfo=UTC)),
        (datetime(2026, 11, 1, 12, tzinfo=NEW_YORK), datetime(2026, 11, 1, 11, tzinfo=UTC)),
        (datetime(2026, 10, 25, 6, tzinfo=BERLIN), datetime(2026, 10, 24, 23, tzinfo=UTC)),
        (datetime(2026, 3, 29, 6, tzinfo=BERLIN), datetime(2026, 3, 28, 22, tzinfo=UTC)),
        (datetime(2026, 7, 1, 6, tzinfo=BERLIN), datetime(2026, 6, 30, 22, tzinfo=UTC)),
    ],
)
def test_a_change_of_clocks_moves_no_deadline(starts_at: datetime, free_until: datetime):
    asked = terms(starts_at=starts_at)
    for place in (UTC, starts_at.tzinfo):
        assert policy.is_free(asked, (free_until - SECOND).astimezone(place))
        assert policy.is_free(asked, free_until.astimezone(place))
        assert not policy.is_free(asked, (free_until + SECOND).astimezone(place))


def test_the_hour_that_comes_twice_is_told_apart():
    first = datetime(2026, 11, 1, 1, 30, tzinfo=NEW_YORK)
    second = first.replace(fold=1)
    asked = terms(starts_at=second, free_hours=1)
    assert policy.is_free(asked, first)
    assert not policy.is_free(asked, second)


# What a late cancellation costs.


@pytest.mark.parametrize(
    ("currency", "price", "percent", "owed", "clause"),
    [
        ("usd", 9600, 50, 4800, "student_late"),
        ("usd", 9601, 50, 4800, "student_late"),
        ("usd", 9600, 33, 3168, "student_late"),
        ("usd", 9600, 100, 9600, "student_late"),
        ("usd", 9600, 0, 0, "student_late"),
        ("usd", 50, 1, 0, "late_fee_waived"),
        ("usd", 100, 50, 50, "student_late"),
        ("usd", 99, 50, 0, "late_fee_waived"),
        ("jpy", 9601, 50, 4800, "student_late"),
        ("jpy", 99, 50, 0, "late_fee_waived"),
        ("kwd", 9610, 50, 4800, "student_late"),
        ("kwd", 9630, 50, 4810, "student_late"),
        ("kwd", 290, 50, 0, "late_fee_waived"),
        ("kwd", 300, 50, 150, "student_late"),
    ],
)
def test_the_late_fee_is_floored_to_the_step_and_waived_below_the_minimum(
    currency: str, price: int, percent: int, owed: int, clause: str
):
    asked = terms(price, currency, late_percent=percent)
    decision = policy.cancel("student", asked, START - HOUR)
    assert (decision.owed, decision.clause) == (owed, clause)


def test_a_waived_fee_is_said_to_be_waived():
    decision = policy.cancel("student", terms(99), START - HOUR)
    assert decision.sentence == (
        "Cancelled less than 6 h ahead. "
        "The late fee of 0.49 USD is too small to be charged and is waived."
    )
    charged = policy.cancel("student", terms(9600, "kwd"), START - HOUR)
    assert charged.sentence == "Cancelled less than 6 h ahead. The late fee is 50 %: 4.800 KWD."


# Who caused it.


@pytest.mark.parametrize("by", ["instructor", "staff"])
@pytest.mark.parametrize("ahead", [timedelta(days=3), HOUR, -HOUR])
def test_everything_goes_back_when_our_side_cancels(by: policy.Canceller, ahead: timedelta):
    decision = policy.cancel(by, terms(), START - ahead)
    assert (decision.owed, decision.clause) == (0, f"{by}_cancelled")


def test_an_absent_student_owes_the_price_and_an_absent_instructor_nothing():
    assert policy.no_show("student", terms()).owed == 9600
    assert policy.no_show("instructor", terms()).owed == 0
    assert policy.complete(terms()).owed == 9600
    assert policy.unconfirmed(terms()).owed == 0


@pytest.mark.parametrize(
    ("decision", "used"),
    [
        (policy.cancel("student", terms(of_package=True), START - 7 * HOUR), False),
        (policy.cancel("student", terms(of_package=True), START - HOUR), True),
        (policy.cancel("instructor", terms(of_package=True), START - HOUR), False),
        (policy.no_show("student", terms(of_package=True)), True),
        (policy.no_show("instructor", terms(of_package=True)), False),
        (policy.complete(terms(of_package=True)), True),
    ],
)
def test_a_lesson_of_a_package_is_used_or_goes_back_and_moves_no_money(
    decision: policy.Decision, used: bool
):
    assert (decision.owed, decision.lesson_used) == (None, used)


# Prices and packages.


@pytest.mark.parametrize(
    ("rate", "minutes", "currency", "price"),
    [
        (9600, 60, "usd", 9600),
        (9600, 45, "usd", 7200),
        (9999, 50, "usd", 8332),
        (9999, 50, "kwd", 8330),
        (9999, 50, "jpy", 8332),
        (100, 15, "usd", 50),
        (100, 15, "kwd", 150),
    ],
)
def test_a_lesson_costs_its_minutes_floored_to_the_step(
    rate: int, minutes: int, currency: str, price: int
):
    assert policy.lesson_price(rate, minutes, currency) == price


@pytest.mark.parametrize(
    ("captured", "used", "count", "currency", "kept"),
    [
        (42000, 0, 5, "usd", 0),
        (42000, 1, 5, "usd", 8400),
        (42000, 5, 5, "usd", 42000),
        (100, 1, 3, "usd", 33),
        (100, 2, 3, "usd", 67),
        (101, 1, 2, "usd", 51),
        (1000, 1, 3, "kwd", 330),
        (1010, 1, 2, "kwd", 510),
    ],
)
def test_used_lessons_are_worth_their_share_rounded_half_up(
    captured: int, used: int, count: int, currency: str, kept: int
):
    assert policy.package_keeps(captured, used, count, currency) == kept


def test_what_went_back_already_is_not_given_back_twice():
    assert policy.package_refund(42000, 1, 5, 0, 0, "usd") == 33600
    assert policy.package_refund(42000, 1, 5, 3600, 20000, "usd") == 10000
    assert policy.package_refund(42000, 5, 5, 1000, 0, "usd") == 0


def test_more_lessons_than_there_are_can_not_have_been_used():
    with pytest.raises(ValueError, match="6 of 5"):
        policy.package_keeps(42000, 6, 5, "usd")


# What holds for every case.

CURRENCIES = st.sampled_from(["usd", "eur", "jpy", "kwd"])
AHEAD = st.timedeltas(min_value=timedelta(days=-2), max_value=timedelta(days=30))


@st.composite
def prices(draw: st.DrawFn) -> tuple[int, str]:
    currency = draw(CURRENCIES)
    amount = draw(st.integers(money.minimum(currency), money.MAXIMUM_CHARGE))
    return amount - amount % money.step(currency), currency


@given(prices(), st.integers(0, 100), AHEAD)
def test_nobody_owes_more_than_the_price_or_an_amount_stripe_would_refuse(
    price: tuple[int, str], percent: int, ahead: timedelta
):
    asked = terms(*price, late_percent=percent)
    owed = policy.cancel("student", asked, START - ahead).owed
    assert owed is not None
    assert 0 <= owed <= price[0]
    assert owed % money.step(price[1]) == 0
    assert owed == 0 or owed >= money.minimum(price[1])


@given(prices(), st.integers(1, 100))
def test_a_late_fee_is_its_exact_share_floored_to_the_step_or_waived_in_words(
    price: tuple[int, str], percent: int
):
    (amount, currency), step = price, money.step(price[1])
    decision = policy.cancel("student", terms(amount, currency, late_percent=percent), START)
    exact = Fraction(amount * percent, 100)
    if decision.clause == "late_fee_waived":
        assert decision.owed == 0 and not decision.lesson_used
        assert exact < money.minimum(currency) + step
        assert "too small to be charged and is waived" in decision.sentence
    else:
        assert decision.owed is not None and decision.owed >= money.minimum(currency)
        assert 0 <= exact - decision.owed < step
        assert money.plain(decision.owed, currency) in decision.sentence


@given(prices(), st.integers(0, 99))
def test_a_higher_percentage_never_costs_less(price: tuple[int, str], percent: int):
    low, high = (
        policy.cancel("student", terms(*price, late_percent=part), START).owed
        for part in (percent, percent + 1)
    )
    assert low is not None and high is not None and low <= high


@given(AHEAD, AHEAD)
def test_cancelling_earlier_never_costs_more(one: timedelta, other: timedelta):
    early, late = max(one, other), min(one, other)
    first = policy.cancel("student", terms(), START - early).owed
    then = policy.cancel("student", terms(), START - late).owed
    assert first is not None and then is not None and first <= then


@given(
    prices(), st.integers(1, 100).flatmap(lambda n: st.tuples(st.integers(0, n - 1), st.just(n)))
)
def test_a_used_lesson_more_never_gives_back_more(price: tuple[int, str], lessons: tuple[int, int]):
    (captured, currency), (used, count) = price, lessons
    now = policy.package_refund(captured, used, count, 0, 0, currency)
    then = policy.package_refund(captured, used + 1, count, 0, 0, currency)
    assert 0 <= then <= now <= captured
    assert now % money.step(currency) == 0
