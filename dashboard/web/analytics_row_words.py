"""What a list of rows behind a number says of itself. Pure."""

from urllib.parse import urlencode

from dashboard import formats
from dashboard.metrics.numbers import AFTER_REFUSAL, BALANCES
from dashboard.metrics.spans import Span
from dashboard.web import analytics_words as words

# For one row, for several; {n} is how many, {worth} what they amount to.
SAID = {
    "authorization_success": ("1 attempt succeeded", "{n} attempts succeeded"),
    "authorization_success.of": ("1 attempt to hold or charge", "{n} attempts to hold or charge"),
    "time_to_capture": ("1 hold was captured", "{n} holds were captured"),
    "time_to_capture.of": ("1 hold was captured", "{n} holds were captured"),
    "expiry": ("1 hold expired", "{n} holds expired"),
    "expiry.of": ("1 hold ended", "{n} holds ended"),
    AFTER_REFUSAL: (
        "1 hold expired after a refused capture",
        "{n} holds expired after a refused capture",
    ),
    "capture_failure": ("1 capture was refused", "{n} captures were refused"),
    "capture_failure.of": ("1 attempt to capture", "{n} attempts to capture"),
    "hold_duration": ("1 hold ended", "{n} holds ended"),
    "hold_duration.of": ("1 hold ended", "{n} holds ended"),
    "hold_tickets": ("1 ticket about a hold", "{n} tickets about holds"),
    "hold_tickets.of": ("1 hold was placed", "{n} holds were placed"),
    "money.reserved": ("{worth} was reserved by 1 hold", "{worth} was reserved by {n} holds"),
    "money.captured": ("{worth} was captured from 1 hold", "{worth} was captured from {n} holds"),
    "money.released": ("{worth} went back unused, once", "{worth} went back unused, in {n} parts"),
    "money.expired": (
        "{worth} went back as 1 hold expired",
        "{worth} went back as {n} holds expired",
    ),
    "money.charged": ("{worth} was charged at once", "{worth} was charged at once, in {n} charges"),
    "money.refunded": ("{worth} was refunded, once", "{worth} was refunded in {n} movements"),
    "money.disputed": ("{worth} was disputed, once", "{worth} was disputed in {n} disputes"),
    "money.withdrawn": (
        "{worth} was withdrawn by the bank",
        "{worth} was withdrawn by banks, {n} times",
    ),
    "money.reinstated": (
        "{worth} came back from the bank",
        "{worth} came back from banks, {n} times",
    ),
    "money.lost": ("{worth} was lost in 1 dispute", "{worth} was lost in {n} disputes"),
    "money.fees": ("{worth} of fees, from 1 movement", "{worth} of fees, from {n} movements"),
    "money.unpriced": (
        "{worth} was taken, its fee is not known",
        "{worth} was taken in {n} movements whose fees are not known",
    ),
    "money.net": (
        "{worth} net before fees, from 1 movement",
        "{worth} net before fees, from {n} movements",
    ),
    "money.held": ("{worth} was held by 1 hold", "{worth} was held by {n} holds"),
    "money.in_dispute": ("{worth} was in 1 open dispute", "{worth} was in {n} open disputes"),
    "cohort.placed": ("1 hold was placed", "{n} holds were placed, worth {worth}"),
    "cohort.captured": ("1 hold was captured", "{n} holds were captured, worth {worth}"),
    "cohort.refunded": ("1 hold was refunded", "{n} holds were refunded, worth {worth}"),
    "cohort.released": ("1 hold was released", "{n} holds were released, worth {worth}"),
    "cohort.expired": ("1 hold expired", "{n} holds expired, worth {worth}"),
    "cohort.open": ("1 hold is still open", "{n} holds are still open, worth {worth}"),
    "ends.person": ("1 hold needs a person", "{n} holds need a person, worth {worth}"),
    "ends.resolves": (
        "1 hold will resolve itself",
        "{n} holds will resolve themselves, worth {worth}",
    ),
}
_PLACES = {
    "money": "/analytics/money",
    "cohort": "/analytics/cohorts",
    "ends": "/analytics/forecast",
}


def heading(what: str, count: int, amount: int, currency: str) -> str:
    """How many rows there are, and what of."""
    one, many = SAID[what]
    if count == 0:
        return "No rows stand behind this number"
    worth = formats.money(amount, currency).replace("-", "−")
    return (one if count == 1 else many).format(n=f"{count:,}", worth=worth)


def period(what: str, span: Span) -> str:
    """Which days the rows are of."""
    days = words.period(span)
    group, _, name = what.partition(".")
    if group == "money" and name in BALANCES:
        return f"at the end of {words.day(span.last, year=True)}"
    if group == "ends":
        return f"ending on {words.day(span.last, year=True)} if nobody acts"
    return f"placed {days}" if group == "cohort" else days


def back(what: str, currency: str) -> tuple[str, str]:
    """The page on which the number stands, and its name."""
    place = _PLACES.get(what.partition(".")[0], "/analytics")
    return f"{place}?{urlencode({'currency': currency})}", "Analytics"
