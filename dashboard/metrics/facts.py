"""The words of the metrics, and what each of them is counted from. Pure."""

from enum import StrEnum


class Metric(StrEnum):
    """The six figures that finance sees."""

    AUTHORIZATION = "authorization_success"
    CAPTURE_TIME = "time_to_capture"
    EXPIRY = "expiry"
    CAPTURE_FAILURE = "capture_failure"
    HOLD_DURATION = "hold_duration"
    TICKETS = "hold_tickets"


# Cells of `cells.CELLS` whose counts are added up.
NUMERATORS: dict[Metric, tuple[str, ...]] = {
    Metric.AUTHORIZATION: ("placed", "charged"),
    Metric.CAPTURE_TIME: ("captured",),
    Metric.EXPIRY: ("expired",),
    Metric.CAPTURE_FAILURE: ("refused",),
    Metric.HOLD_DURATION: ("captured", "released", "expired"),
}
DENOMINATORS: dict[Metric, tuple[str, ...]] = {
    Metric.AUTHORIZATION: ("placed", "charged", "declined", "abandoned"),
    Metric.CAPTURE_TIME: ("captured",),
    Metric.EXPIRY: ("captured", "released", "expired"),
    Metric.CAPTURE_FAILURE: ("refused", "asked"),
    Metric.HOLD_DURATION: ("captured", "released", "expired"),
}
ENDS = ("captured", "released", "expired")
# The ticket's topic that the sixth metric counts.
TOPIC = "hold"
