"""What of the analytics is looked at: all of it in the address."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from dashboard import settings
from dashboard.metrics.spans import Span, Step

# As many days as can be asked for at once: two years, one of them a leap year.
MOST_DAYS = 731
# 52 weeks are twelve months in which each day of the week is as frequent as the others, and so are
# those of the year before.
PERIODS = {"7": 7, "30": 30, "90": 90, "year": 364}
STEPS = {"7": Step.DAY, "30": Step.DAY, "90": Step.WEEK, "year": Step.WEEK}
CUSTOM = "custom"
EVERY = "all"
EARLIEST = date(2000, 1, 1)
# More points than this are no curve any more, and no table that somebody reads.
MOST_POINTS = 120


@dataclass(frozen=True, slots=True)
class Asked:
    """A period, how it is cut, and in which currencies; `faults` by the name of the field."""

    period: str
    span: Span
    step: Step
    by: str
    currency: str
    view: str = ""
    typed: Mapping[str, str] = field(default_factory=dict)
    faults: Mapping[str, str] = field(default_factory=dict)

    def query(self, **changes: str) -> str:
        """The parameters of an address, without those that say nothing."""
        pairs = {"period": self.period if self.period != "30" else ""}
        if self.period == CUSTOM:
            pairs |= {"from": self.span.first.isoformat(), "to": self.span.last.isoformat()}
        pairs |= {"by": self.by, "currency": self.currency, "view": self.view} | changes
        return urlencode({name: value for name, value in pairs.items() if value})

    def over(self, period: str) -> str:
        """The same parameters for another period."""
        return replace(self, period=period).query()

    def currencies(self, known: Sequence[str]) -> list[str]:
        """Those to be shown: the one that was asked for, or each of them by itself."""
        default = settings.current().default_currency
        if self.currency == EVERY:
            return list(known) or [default]
        if self.currency:
            return [self.currency]
        return [default if default in known or not known else known[0]]


def asked(given: Mapping[str, Any], today: date, known: Sequence[str]) -> Asked:
    """Read an address. A period that makes no sense is told as a fault, beside the last 30 days."""
    text = {name: str(value).strip()[:40] for name, value in given.items()}
    period = text.get("period", "") or ("custom" if text.get("from") or text.get("to") else "30")
    span, faults = _span(period, text, today)
    period = period if period in (*PERIODS, CUSTOM) else "30"
    by = text.get("by", "")
    currency = text.get("currency", "").lower()
    if currency and currency not in (*known, EVERY):
        faults["currency"] = "Nothing was counted in this currency."
        currency = ""
    return Asked(
        period,
        span,
        _step(period, span, by),
        by if by in set(Step) else "",
        currency,
        "table" if text.get("view") == "table" else "",
        {name: text.get(name, "") for name in ("from", "to")},
        faults,
    )


def _span(period: str, text: Mapping[str, str], today: date) -> tuple[Span, dict[str, str]]:
    usual = _until(today, PERIODS.get(period, 30))
    if period != CUSTOM:
        return usual, {}
    first, last = (day_of(text.get(name, "")) for name in ("from", "to"))
    faults = {}
    for name, day in (("from", first), ("to", last)):
        if day is None:
            faults[name] = "Enter a day, as 2026-11-24."
    if first is None or last is None:
        return usual, faults
    if last > today:
        faults["to"] = f"Not after today, {today}."
    elif first > last:
        faults["to"] = "The last day is before the first one."
    elif (last - first).days >= MOST_DAYS:
        faults["from"] = f"At most {MOST_DAYS} days at once."
    return (usual, faults) if faults else (Span(first, last), {})


def _until(last: date, days: int) -> Span:
    return Span(last - timedelta(days=days - 1), last)


def day_of(text: str) -> date | None:
    """A day as a browser's date field sends it; None for what is none."""
    try:
        day = datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007
    except ValueError:
        return None
    return day if EARLIEST <= day < date(3000, 1, 1) and text.isascii() else None


def _step(period: str, span: Span, by: str) -> Step:
    if by in set(Step):
        chosen = Step(by)
    elif period in STEPS:
        chosen = STEPS[period]
    else:
        chosen = Step.DAY if span.days <= 45 else Step.WEEK
    return Step.WEEK if chosen is Step.DAY and span.days > MOST_POINTS else chosen
