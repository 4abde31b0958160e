"""Figures say what they are made of, and never more than that."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as some

from dashboard.metrics.figures import Average, PerHundred, Share

cases = some.integers(0, 10**7)


@pytest.mark.parametrize(
    ("numerator", "denominator", "told"),
    [
        (0, 0, "–"),
        (0, 1, "0 of 1"),
        (3, 8, "3 of 8"),
        (19, 19, "19 of 19"),
        (20, 20, "100.0 %"),
        (0, 20, "0.0 %"),
        (19, 20, "95.0 %"),
        (1, 32, "3.1 %"),
        # Not all of them, and not none.
        (9999, 10000, "99.9 %"),
        (1, 10000, "0.1 %"),
    ],
)
def test_a_share_of_few_cases_is_no_percentage(numerator: int, denominator: int, told: str) -> None:
    assert Share(numerator, denominator).told == told


@given(cases, cases)
def test_a_share_never_divides_by_nothing_and_never_rounds_to_all_or_none(a: int, b: int) -> None:
    share = Share(min(a, b), max(a, b))
    assert (share.percent is None) == (share.exact is None) == (share.denominator < 20)
    if share.percent is not None:
        assert abs(share.percent - Decimal(100 * share.numerator) / share.denominator) <= Decimal(
            "0.1"
        )
        assert (share.percent == 100) == (share.numerator == share.denominator)
        assert (share.percent == 0) == (share.numerator == 0)


def test_more_cases_than_there_are_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="9 of 8"):
        Share(9, 8)


def test_tickets_per_hundred_holds() -> None:
    told = [PerHundred(*pair).told for pair in ((3, 0), (3, 8), (1, 40), (50, 20))]
    assert told == ["–", "3 for 8 holds", "2.5", "250.0"]


def test_an_average_of_nothing_is_nothing() -> None:
    assert (Average().mean, Average(3, 10).mean) == (None, Fraction(10, 3))
