"""The figures as a letter and a printed page say them. Pure."""

from datetime import date, timedelta
from decimal import Decimal
from urllib.parse import urlencode

from babel.dates import format_date

from dashboard import formats
from dashboard.metrics.facts import Metric
from dashboard.metrics.figures import Figures
from dashboard.metrics.values import SHARES, difference, line, unit, value

_CASES = {
    Metric.AUTHORIZATION: "held or charged, of attempts",
    Metric.CAPTURE_TIME: "captured holds, median",
    Metric.EXPIRY: "expired, of holds that ended",
    Metric.CAPTURE_FAILURE: "refused, of attempts to capture",
    Metric.HOLD_DURATION: "ended holds, mean",
    Metric.TICKETS: "opened, for holds placed",
}


def told(metric: Metric, figures: Figures) -> str:
    """What a metric came to: "95.2 %", "3 of 8", "26.5 h", "12"."""
    return value(metric, figures).told


def counts(metric: Metric, figures: Figures) -> list[tuple[str, str]]:
    """The cases behind it as texts, each with the name of the number whose rows they are."""
    found = value(metric, figures)
    if metric in SHARES or metric is Metric.TICKETS:
        return [(f"{found.numerator:,}", metric), (f"{found.denominator:,}", f"{metric}.of")]
    return [(f"{found.numerator:,}", metric)]


def cases(metric: Metric) -> str:
    """What these cases are."""
    return _CASES[metric]


def change(metric: Metric, now: Figures, before: Figures) -> str:
    """How it differs from the time before, in the digits that are shown."""
    new, old = value(metric, now), value(metric, before)
    if not old.denominator and metric is not Metric.TICKETS:
        return "nothing before"
    if new.value is None or old.value is None:
        return f"before: {old.told}"
    apart = difference(metric, new, old)
    return f"{apart} (before: {old.told})" if apart else f"as before ({old.told})"


def beyond(metric: Metric, seen: int, drawn: int) -> str:
    """By how much a line was crossed: "3.21 %, above the line of 1 %"; in the threshold's units."""
    side = "below" if metric is Metric.AUTHORIZATION else "above"
    what = unit(metric)
    return (
        f"{plain(line(metric, seen))}{what}, {side} the line of {plain(line(metric, drawn))}{what}"
    )


def plain(number: Decimal) -> str:
    """A number without zeros that say nothing."""
    return f"{number:.2f}".rstrip("0").rstrip(".") or "0"


def day(one: date) -> str:
    """A day: "Tue 24 Nov 2026"."""
    return format_date(one, "EEE d MMM y", locale=formats.LOCALE)


def days(first: date, last: date) -> str:
    """Days of one month: "1 – 30 Nov 2026"."""
    return f"{first.day} – {format_date(last, 'd MMM y', locale=formats.LOCALE)}"


def month(first: date) -> str:
    """A month: "November 2026"."""
    return format_date(first, "MMMM y", locale=formats.LOCALE)


def end_of_month(first: date) -> date:
    """The last day of the month that begins so."""
    return (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def finding(figures: Figures, currency: str) -> str:
    """What a month came to, in a line: "1.7 % of holds expired, $39,720.00 net before fees"."""
    found, money = figures.expiry, figures.money
    expired = f"{found.told} of holds expired" if found.percent is not None else ""
    if found.percent is None and found.denominator:
        expired = f"{found.told} holds expired"
    took = money.captured or money.charged or money.refunded or money.lost
    kept = f"{formats.money(money.net, currency)} net before fees" if took else "nothing was taken"
    return f"{expired}, {kept}" if expired else kept


def rows_of(what: str, first: date, last: date, currency: str) -> str:
    """Where the rows behind a number are listed."""
    asked = {"what": what, "from": first.isoformat(), "to": last.isoformat(), "currency": currency}
    return f"/analytics/rows?{urlencode(asked)}"
