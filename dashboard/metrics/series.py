"""A period as a series of points, beside the one before it."""

from collections.abc import Sequence
from dataclasses import dataclass

from dashboard.metrics.durations import Moved
from dashboard.metrics.figures import Figures
from dashboard.metrics.queries import TRIES
from dashboard.metrics.reading import Read, read
from dashboard.metrics.spans import Span, Step, cut


@dataclass(frozen=True, slots=True)
class Point:
    """The figures of some days, and those of as many days one period earlier."""

    span: Span
    figures: Figures
    before: Figures


@dataclass(frozen=True, slots=True)
class Series:
    """The points of a period in order, what they come to, and what the period before came to.

    Each point and each total is counted from all the cases of its days: none is a mean of others.
    """

    span: Span
    step: Step
    currency: str
    points: Sequence[Point]
    total: Figures
    before: Figures


async def series(span: Span, step: Step, currency: str) -> Series:
    """The figures of a period in one currency; they are as fresh as the last sweep.

    The number of statements depends on the number of points alone.
    """
    for _ in range(TRIES):
        try:
            found = await read(span.before().first, span.last, currency)
            return await _series(found, span, step, currency)
        except Moved:
            continue
    raise Moved


async def _series(found: Read, span: Span, step: Step, currency: str) -> Series:
    points = [
        Point(one, await _figures(found, one), await _figures(found, one.back(span.days)))
        for one in cut(span, step)
    ]
    total, before = await _figures(found, span), await _figures(found, span.before())
    return Series(span, step, currency, points, total, before)


async def _figures(found: Read, span: Span) -> Figures:
    if span.days == 1:
        return found.of_day(span.first)
    return await found.of_days(span.first, span.last)
