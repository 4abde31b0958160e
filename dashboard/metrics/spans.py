"""A period cut into the spans that are one point each. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from dashboard.metrics.days import ONE, every
from dashboard.metrics.figures import ENOUGH

WEEK = timedelta(days=7)
# Fewer points than this are no curve.
FEWEST = 4


class Step(StrEnum):
    """How much time one point stands for."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Span:
    """Days from `first` to `last`, both included."""

    first: date
    last: date

    @property
    def days(self) -> int:
        """How many there are."""
        return (self.last - self.first).days + 1

    def before(self) -> "Span":
        """As many days just before these."""
        return self.back(self.days)

    def back(self, days: int) -> "Span":
        """The same number of days, so many days earlier."""
        return Span(self.first - days * ONE, self.last - days * ONE)


def cut(whole: Span, step: Step) -> list[Span]:
    """The spans of a period, in order; together they are the period.

    Weeks are seven days each, counted back from the last day: only the first one may be shorter.
    Months are those of the calendar, of which the first and the last may be parts.
    """
    if step is Step.DAY:
        return [Span(day, day) for day in every(whole.first, whole.last)]
    cutter = _weeks if step is Step.WEEK else _months
    return list(reversed(list(cutter(whole))))


def fitting(whole: Span, finest: Step, cases: int) -> Step:
    """The least time for a point, from `finest` on, that leaves each enough of so many cases for a
    percentage. Where none does, the longest that still leaves a curve: some of its points may have
    enough. Where nothing happened, `finest`."""
    steps = list(Step)
    found = finest
    for step in steps[steps.index(finest) :] if cases else []:
        points = len(cut(whole, step))
        if points < FEWEST:
            break
        found = step
        if cases >= ENOUGH * points:
            break
    return found


def _weeks(whole: Span) -> Iterator[Span]:
    last = whole.last
    while last >= whole.first:
        yield Span(max(whole.first, last - WEEK + ONE), last)
        last -= WEEK


def _months(whole: Span) -> Iterator[Span]:
    last = whole.last
    while last >= whole.first:
        first = max(whole.first, last.replace(day=1))
        yield Span(first, last)
        last = first - ONE
