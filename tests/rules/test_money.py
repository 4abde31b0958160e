"""Amounts are exact: parsed, shared and written without a rounding that nobody asked for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.money import Money, WrongAmount, decimals, parse, plain, share, step, to_decimal

CURRENCIES = st.sampled_from(["usd", "eur", "jpy", "kwd"])


@pytest.mark.parametrize(
    ("typed", "currency", "minor"),
    [
        ("60", "usd", 6000),
        ("60.5", "usd", 6050),
        ("$60.00", "usd", 6000),
        (" 1,060.00 ", "usd", 106000),
        ("€60.00", "eur", 6000),
        ("9600", "jpy", 9600),
        ("¥9,600", "jpy", 9600),
        ("9.600", "kwd", 9600),
        ("KWD 9.6", "kwd", 9600),
        ("0.01", "usd", 1),
        ("12.50 EUR", "eur", 1250),
        ("¥1200", "jpy", 1200),
        ("1,234", "jpy", 1234),
        ("KWD\xa01.230", "kwd", 1230),
        ("CA$12", "cad", 1200),
        ("$12", "cad", 1200),
    ],
)
def test_an_amount_is_read_as_it_was_typed(typed: str, currency: str, minor: int):
    assert parse(typed, currency) == minor


@pytest.mark.parametrize(
    ("typed", "currency"),
    [
        ("", "usd"),
        ("-5", "usd"),
        ("60.001", "usd"),
        ("60,00", "usd"),
        ("1,06,000", "usd"),
        ("9.6", "jpy"),
        ("9.601", "kwd"),
        ("six", "usd"),
        ("1e3", "usd"),
        ("9999999999999", "usd"),
        ("٣", "usd"),
        ("60 60", "usd"),
        ("¥1200", "usd"),
        ("$12", "eur"),
        ("12 EUR", "usd"),
        ("CA$12", "usd"),
        ("1.234", "usd"),
        ("1.234", "eur"),
        ("1.234", "jpy"),
        ("1.234", "kwd"),
        ("12,50", "eur"),
        ("12,50", "jpy"),
        ("¥1200", "kwd"),
        ("(60)", "usd"),
        ("−60", "usd"),
        ("NaN", "usd"),
    ],
)
def test_anything_else_is_refused_with_an_example(typed: str, currency: str):
    with pytest.raises(WrongAmount, match=r"Enter an amount like|end in 0"):
        parse(typed, currency)


@given(amount=st.integers(0, 10**9), currency=CURRENCIES)
def test_what_is_written_into_a_form_is_read_back_the_same(amount: int, currency: str):
    whole = amount - amount % step(currency)
    assert parse(plain(whole, currency), currency) == whole


@given(amount=st.integers(0, 10**9), percent=st.integers(0, 100), currency=CURRENCIES)
def test_a_share_is_floored_to_the_currencys_step(amount: int, percent: int, currency: str):
    part = share(amount, percent, currency)
    assert 0 <= part <= amount
    assert part % step(currency) == 0
    assert amount * percent / 100 - part < step(currency) + 1


def test_two_currencies_are_never_added():
    assert Money(100, "usd") + Money(50, "usd") == Money(150, "usd")
    with pytest.raises(ValueError, match="usd and eur"):
        _ = Money(100, "usd") + Money(50, "eur")


@pytest.mark.parametrize(("currency", "places"), [("jpy", 0), ("usd", 2), ("kwd", 3)])
def test_decimals_follow_the_currency(currency: str, places: int):
    assert decimals(currency) == places
    assert str(to_decimal(9600, currency)) == {0: "9600", 2: "96.00", 3: "9.600"}[places]
