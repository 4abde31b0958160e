"""What the analytics say: names of the figures, days, values, changes. Pure."""

from datetime import date
from decimal import Decimal
from functools import lru_cache

from babel.dates import format_date

from dashboard import formats
from dashboard.metrics.days import ONE
from dashboard.metrics.facts import Metric
from dashboard.metrics.figures import NOTHING, Figures
from dashboard.metrics.sheets import Cell, Kind
from dashboard.metrics.spans import Span, Step
from dashboard.metrics.values import (
    DURATIONS,
    SHARES,
    Value,
    difference,
    lasting,
    unit,
    value,
)

# What stands after a share, and after its two counts.
_OF = {
    Metric.AUTHORIZATION: ("attempts succeeded", "held or charged", "attempts"),
    Metric.EXPIRY: ("holds expired", "expired", "that ended"),
    Metric.CAPTURE_FAILURE: ("captures were refused", "refused", "attempts to capture"),
}
PERIODS = {"7": "7 days", "30": "30 days", "90": "90 days", "year": "12 months", "custom": "Custom"}
STEPS = {Step.DAY: "Days", Step.WEEK: "Weeks", Step.MONTH: "Months"}
_EACH = {
    Step.DAY: "Each point is a day",
    Step.WEEK: "Each point is a week of seven days, counted back from the last day",
    Step.MONTH: "Each point is a month of the calendar, or what of it lies in the period",
}


def each(step: Step) -> str:
    """What one point stands for."""
    return f"{_EACH[step]}, counted from all of its cases."


def headline(metric: Metric, figures: Figures) -> str:
    """What a metric came to, as a sentence without its end."""
    found = value(metric, figures)
    if metric in SHARES:
        # "1.8 % of holds expired", but "3 of 8 holds expired".
        of = "" if found.value is None else "of "
        return f"{found.told} {of}{_OF[metric][0]}" if found.denominator else _nothing(metric)
    if metric is Metric.TICKETS:
        return (
            "1 ticket about a hold" if found.numerator == 1 else f"{found.told} tickets about holds"
        )
    if found.value is None:
        return _nothing(metric)
    if metric is Metric.CAPTURE_TIME:
        return f"Half of the captures came within {found.told}"
    return f"A hold lasted {found.told} on average"


def _nothing(metric: Metric) -> str:
    return {
        Metric.AUTHORIZATION: "No attempt to hold or charge",
        Metric.CAPTURE_TIME: "No hold was captured",
        Metric.EXPIRY: "No hold ended",
        Metric.CAPTURE_FAILURE: "No attempt to capture",
        Metric.HOLD_DURATION: "No hold ended",
    }[metric]


def parts(metric: Metric, figures: Figures) -> list[tuple[str, str]]:
    """What a value was counted from: texts, each with the number in `numbers.NAMES` behind it."""
    found = value(metric, figures)
    if metric in SHARES:
        _, above, below = _OF[metric]
        counts = [
            (f"{found.numerator:,} {above}", str(metric)),
            (f"{found.denominator:,} {below}", f"{metric}.of"),
        ]
        if metric is Metric.EXPIRY:
            counts.append((f"{figures.still_open:,} still open", "money.held"))
        return counts
    if metric is Metric.TICKETS:
        return [
            (f"{found.numerator:,} opened", str(metric)),
            (f"{found.denominator:,} holds placed", f"{metric}.of"),
            (
                f"{figures.tickets_per_100.told} per 100 holds"
                if figures.tickets_per_100.value is not None
                else "",
                "",
            ),
        ]
    return [*_spread(metric, figures), (f"{found.numerator:,} {_measured(metric)}", str(metric))]


def _measured(metric: Metric) -> str:
    return "captured holds" if metric is Metric.CAPTURE_TIME else "ended holds"


def _spread(metric: Metric, figures: Figures) -> list[tuple[str, str]]:
    found = figures.capture_time
    if metric is not Metric.CAPTURE_TIME or found.p90 is None or found.mean is None:
        return []
    return [(f"90 % within {lasting(found.p90)}", ""), (f"mean {lasting(found.mean)}", "")]


def change(metric: Metric, now: Value, before: Value) -> str:
    """How a value differs from the one before, in the digits that both are shown with."""
    if now.value is None or before.value is None:
        was = before.told if before.denominator or metric is Metric.TICKETS else "nothing"
        return f"{was} before"
    apart = difference(metric, now, before)
    return f"{apart} (before: {before.told})" if apart else f"as before ({before.told})"


def cell(kind: Kind, found: Cell, currency: str) -> str:
    """A cell of a table as a page says it."""
    if found is None:
        return NOTHING
    match kind:
        case Kind.MONEY:
            assert isinstance(found, int)
            return formats.money(found, currency).replace("-", "−")
        case Kind.COUNT:
            return f"{found:,}"
        case Kind.DAY:
            assert isinstance(found, date)
            return day(found)
    return f"{found}{_UNITS[kind]}"


_UNITS = {Kind.PERCENT: " %", Kind.HOURS: " h", Kind.RATE: ""}


def limit(metric: Metric, at: Decimal) -> str:
    """A line in words: "at most 1 %"."""
    side = "at least" if metric is Metric.AUTHORIZATION else "at most"
    each_day = " a day" if metric is Metric.TICKETS else ""
    return f"{side} {plain(at)}{unit(metric)}{each_day}"


def plain(at: Decimal) -> str:
    """A number without zeros that say nothing."""
    text = f"{at:.2f}".rstrip("0").rstrip(".")
    return text or "0"


def typed_unit(metric: Metric) -> str:
    """In what a line is typed."""
    if metric in SHARES:
        return "%"
    return "hours" if metric in DURATIONS else "a day"


def day(one: date, year: bool = False) -> str:
    """A day: "24 Nov", or "24 Nov 2026"."""
    return _said(one, "d MMM y" if year else "d MMM")


def days(span: Span, step: Step, today: date) -> str:
    """The days of a point: "Tue 24 Nov", "18 – 24 Nov", "Nov 2026"."""
    if step is Step.MONTH and _whole_month(span, today):
        text = _said(span.first, "MMM y")
    elif span.days == 1:
        text = _said(span.first, "EEE d MMM")
    else:
        text = period(span, year=False)
    return f"{text}, so far" if span.first <= today <= span.last else text


def _whole_month(span: Span, today: date) -> bool:
    return span.first.day == 1 and ((span.last + ONE).day == 1 or span.last >= today)


def short(span: Span, step: Step) -> str:
    """The days of a point under its chart: "24 Nov", or "Nov"."""
    if step is Step.MONTH:
        return _said(span.last, "MMM")
    return day(span.last)


def period(span: Span, year: bool = True) -> str:
    """From when to when: "31 Oct – 29 Nov 2026"."""
    if span.days == 1:
        return day(span.first, year)
    same = span.first.year == span.last.year
    if same and span.first.month == span.last.month:
        return f"{span.first.day} – {day(span.last, year)}"
    return f"{day(span.first, year and not same)} – {day(span.last, year)}"


@lru_cache(maxsize=4096)
def _said(one: date, pattern: str) -> str:
    # A page of a year says the same days in each of its tables.
    return format_date(one, pattern, locale=formats.LOCALE)
