"""Durations in words: minutes below an hour, and a difference in what both are told in."""

from fractions import Fraction

import pytest

from dashboard.metrics.facts import Metric
from dashboard.metrics.values import Value, difference, hours, lasting


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, "0 min"),
        (29, "0 min"),
        (90, "2 min"),
        (Fraction(1441, 1), "24 min"),
        (3569, "59 min"),
        (3570, "1.0 h"),
        (3600, "1.0 h"),
        (95_400, "26.5 h"),
    ],
)
def test_a_duration_below_an_hour_is_told_in_minutes(seconds: Fraction, told: str) -> None:
    assert lasting(seconds) == told


def _lasted(seconds: int) -> Value:
    minutes = round(seconds / 60)
    return Value(
        hours(seconds), 3, 3, lasting(seconds), minutes if "min" in lasting(seconds) else None
    )


@pytest.mark.parametrize(
    ("now", "before", "told"),
    [
        (24 * 60, 33 * 60, "−9 min"),
        (24 * 60, 24 * 60 + 10, ""),
        (5400, 30 * 60, "+1.0 h"),
        (95_400, 90_000, "+1.5 h"),
    ],
)
def test_a_difference_is_told_in_the_unit_that_both_have(now: int, before: int, told: str) -> None:
    assert difference(Metric.CAPTURE_TIME, _lasted(now), _lasted(before)) == told
