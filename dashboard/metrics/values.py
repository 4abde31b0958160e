"""What a metric comes to: one value, in the digits that chart, table and file show. Pure."""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import floor

from dashboard.metrics.facts import Metric
from dashboard.metrics.figures import NOTHING, Figures, Share, tenths

# What page, file and letter call each of them.
NAMES = {
    Metric.AUTHORIZATION: "Authorization success",
    Metric.CAPTURE_TIME: "Authorization to capture",
    Metric.EXPIRY: "Expiry",
    Metric.CAPTURE_FAILURE: "Refused captures",
    Metric.HOLD_DURATION: "Life of a hold",
    Metric.TICKETS: "Tickets about holds",
}
HOUR = 3600
SHARES = (Metric.AUTHORIZATION, Metric.EXPIRY, Metric.CAPTURE_FAILURE)
DURATIONS = (Metric.CAPTURE_TIME, Metric.HOLD_DURATION)


@dataclass(frozen=True, slots=True)
class Value:
    """A percentage, hours, or a number of tickets, with what it was counted from.

    `value` is None where there is nothing to tell, or too little for a percentage. For durations
    both counts are the holds that were measured; for tickets the second one is the holds placed.
    `minutes` are those of a duration that is told in them.
    """

    value: Decimal | None
    numerator: int
    denominator: int
    told: str
    minutes: int | None = None


def value(metric: Metric, figures: Figures) -> Value:
    """What a metric comes to in these figures."""
    if metric in SHARES:
        return _share(share(metric, figures))
    if metric is Metric.TICKETS:
        count, holds = figures.tickets, figures.tickets_per_100.holds
        return Value(Decimal(count), count, holds, str(count))
    if metric is Metric.CAPTURE_TIME:
        return _duration(figures.capture_time.median, figures.capture_time.count)
    return _duration(figures.hold_duration.mean, figures.hold_duration.count)


def share(metric: Metric, figures: Figures) -> Share:
    """The share that one of `SHARES` is."""
    return {
        Metric.AUTHORIZATION: figures.authorization,
        Metric.EXPIRY: figures.expiry,
        Metric.CAPTURE_FAILURE: figures.capture_failure,
    }[metric]


def _share(found: Share) -> Value:
    return Value(found.percent, found.numerator, found.denominator, found.told)


def _duration(seconds: Fraction | None, count: int) -> Value:
    if seconds is None:
        return Value(None, count, count, NOTHING)
    return Value(hours(seconds), count, count, lasting(seconds), _minutes(seconds))


def lasting(seconds: Fraction | int) -> str:
    """A duration in words. Below an hour tenths of it would say little: "24 min", "26.5 h"."""
    minutes = _minutes(seconds)
    return f"{hours(seconds)} h" if minutes is None else f"{minutes} min"


def _minutes(seconds: Fraction | int) -> int | None:
    minutes = floor(Fraction(seconds) / 60 + Fraction(1, 2))
    return minutes if minutes < 60 else None


def difference(metric: Metric, now: Value, before: Value) -> str:
    """How far a value is from the one before, in what both are told in: "+1.2 points"."""
    if now.value is None or before.value is None:
        return ""
    apart: Decimal | int = now.value - before.value
    what = " points" if metric in SHARES else unit(metric)
    if now.minutes is not None and before.minutes is not None:
        apart, what = now.minutes - before.minutes, " min"
    if not apart:
        return ""
    return f"{'+' if apart > 0 else '−'}{abs(apart)}{what}"


def hours(seconds: Fraction | int | None) -> Decimal | None:
    """A duration in hours, with one digit after the point."""
    return None if seconds is None else tenths(Fraction(seconds) / HOUR)


def line(metric: Metric, drawn: int) -> Decimal:
    """Where a line stands, in the metric's own unit: `drawn` is in that of `Threshold.value`."""
    if metric in SHARES:
        return Decimal(drawn) / 100
    return Decimal(drawn) / HOUR if metric in DURATIONS else Decimal(drawn)


def unit(metric: Metric) -> str:
    """What stands after a value of this metric."""
    if metric in SHARES:
        return " %"
    return " h" if metric in DURATIONS else ""
