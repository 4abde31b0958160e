"""The heading of the analytics: what the figures say, and nothing that they don't. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from dashboard.metrics import thresholds
from dashboard.metrics.facts import Metric
from dashboard.metrics.figures import Figures
from dashboard.metrics.numbers import AFTER_REFUSAL
from dashboard.metrics.values import DURATIONS, NAMES, line, unit, value
from dashboard.web import analytics_words as words

# In the order in which they cost money.
ORDER = (
    Metric.EXPIRY,
    Metric.CAPTURE_FAILURE,
    Metric.AUTHORIZATION,
    Metric.CAPTURE_TIME,
    Metric.HOLD_DURATION,
    Metric.TICKETS,
)
Part = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Found:
    """What one currency's period came to. `lines` are those that stand, in the thresholds' units;
    `days` the number of days on which each metric was seen beyond its line."""

    currency: str
    total: Figures
    lines: Mapping[Metric, int]
    days: Mapping[Metric, int]
    after_refusal: int = 0


def crossed(found: Found) -> list[Metric]:
    """The metrics whose period is beyond their line, the costliest first.

    The line of the tickets is one for a day: it is crossed where one of the days crossed it.
    """
    return [metric for metric in ORDER if metric in found.lines and _beyond(metric, found)]


def _beyond(metric: Metric, found: Found) -> bool:
    if metric is Metric.TICKETS:
        return bool(found.days.get(metric))
    seen = thresholds.seen(metric, found.total)
    return seen is not None and thresholds.beyond(metric, seen, found.lines[metric])


def heading(found: Found, days: int, *, named: bool) -> list[Part]:
    """The finding as texts, each with the name of the number whose rows it stands for, or none.

    `named` says the currency first, where more than one are shown.
    """
    worst = crossed(found)
    told = _worse(worst[0], found, days) if worst else _calm(found)
    if len(worst) > 1:
        more = " and ".join(NAMES[metric].lower() for metric in worst[1:])
        told.append((f" Also beyond the limit: {more}.", ""))
    return [(f"{found.currency.upper()}: ", ""), *told] if named else told


def _worse(metric: Metric, found: Found, days: int) -> list[Part]:
    limit = line(metric, found.lines[metric])
    if metric is Metric.TICKETS:
        count = found.days[metric]
        on = f"On {count} of {days} days" if days > 1 else "On this day"
        return [(f"{on} more than {words.plain(limit)} tickets about holds were opened.", "")]
    side = "below" if metric is Metric.AUTHORIZATION else "above"
    told = [
        (words.headline(metric, found.total), str(metric)),
        (f", {side} the {_limit(metric, limit)} limit.", ""),
    ]
    expired = found.total.expiry.numerator
    if metric is Metric.EXPIRY and found.after_refusal:
        told += [
            (" ", ""),
            (f"{found.after_refusal} of {expired} after refused captures", AFTER_REFUSAL),
            (".", ""),
        ]
    return told


def _limit(metric: Metric, at: Decimal) -> str:
    return f"{words.plain(at)}{unit(metric)}"


def _calm(found: Found) -> list[Part]:
    attempts = value(Metric.AUTHORIZATION, found.total)
    ended = value(Metric.EXPIRY, found.total)
    if not attempts.denominator and not ended.denominator:
        return [("Nothing was held, charged or ended in this time.", "")]
    told: list[Part] = [("No limit was crossed: ", "")] if found.lines else []
    if attempts.denominator:
        told.append((words.headline(Metric.AUTHORIZATION, found.total), str(Metric.AUTHORIZATION)))
    if attempts.denominator and ended.denominator:
        told.append((", ", ""))
    if ended.denominator:
        told.append((words.headline(Metric.EXPIRY, found.total), str(Metric.EXPIRY)))
    return [*told, (".", "")]


def few_days(found: Found, days: int) -> str:
    """On how many days something was beyond its line, for a period that as a whole was not."""
    some: Sequence[Metric] = [metric for metric in ORDER if found.days.get(metric)]
    named = [f"{NAMES[metric].lower()} on {found.days[metric]} of {days} days" for metric in some]
    return f"Beyond its limit: {', '.join(named)}." if named else ""


assert set(ORDER) == set(Metric) and set(DURATIONS) < set(ORDER)
