"""What is counted per day, what finance set and was told, and how fresh the recurring work is.

Everything in `metrics_day` can be counted anew from `payment_events` and the tickets at any time.
"""

from piccolo.columns import BigInt, Bytea, Date, Integer, Varchar
from piccolo.table import Table

from dashboard.columns import Instant, Minor, OneOf, Reference, SerialId
from dashboard.metrics.facts import Metric


class Heartbeat(Table, tablename="heartbeat"):
    """One row per sweep."""

    id = SerialId()
    name = Varchar(length=80, unique=True)
    last_started_at = Instant()
    last_finished_at = Instant(null=True)
    last_error = Varchar(length=500, default="")
    # Since when every run has ended with an error; null after one that did not.
    failing_since = Instant(null=True)
    handled = Integer(default=0)


class Touched(Table, tablename="metrics_touched"):
    """A day that has to be counted again: the one of `at`, and every other day of the payment.

    Triggers of the database make the row in the transaction that records an event or opens a
    ticket. Nothing is missed that way, in whatever order the transactions commit.
    """

    id = SerialId()
    at = Instant()
    payment = BigInt(null=True, default=None)


class Day(Table, tablename="metrics_day"):
    """One day of one currency, counted from the events; tickets are in the row without currency.

    `cells.py` says what each pair of a count and an amount stands for. Amounts in minor units.
    """

    id = SerialId()
    day = Date(default=None)
    currency = Varchar(length=3, default="")
    # The zone whose day it is: with another one all days are counted anew.
    zone = Varchar(length=64)
    placed_count = Integer(default=0)
    placed_amount = Minor(default=0)
    charged_count = Integer(default=0)
    charged_amount = Minor(default=0)
    declined_count = Integer(default=0)
    declined_amount = Minor(default=0)
    abandoned_count = Integer(default=0)
    abandoned_amount = Minor(default=0)
    captured_count = Integer(default=0)
    captured_amount = Minor(default=0)
    rest_count = Integer(default=0)
    rest_amount = Minor(default=0)
    asked_count = Integer(default=0)
    asked_amount = Minor(default=0)
    refused_count = Integer(default=0)
    refused_amount = Minor(default=0)
    released_count = Integer(default=0)
    released_amount = Minor(default=0)
    expired_count = Integer(default=0)
    expired_amount = Minor(default=0)
    refunded_count = Integer(default=0)
    refunded_amount = Minor(default=0)
    returned_count = Integer(default=0)
    returned_amount = Minor(default=0)
    disputed_count = Integer(default=0)
    disputed_amount = Minor(default=0)
    closed_count = Integer(default=0)
    closed_amount = Minor(default=0)
    lost_count = Integer(default=0)
    lost_amount = Minor(default=0)
    withdrawn_count = Integer(default=0)
    withdrawn_amount = Minor(default=0)
    reinstated_count = Integer(default=0)
    reinstated_amount = Minor(default=0)
    # What Stripe kept of what was taken on this day, and what was taken whose fee is not known.
    fee_captured_count = Integer(default=0)
    fee_captured_amount = Minor(default=0)
    fee_charged_count = Integer(default=0)
    fee_charged_amount = Minor(default=0)
    fee_disputed_count = Integer(default=0)
    fee_disputed_amount = Minor(default=0)
    unpriced_captured_count = Integer(default=0)
    unpriced_captured_amount = Minor(default=0)
    unpriced_charged_count = Integer(default=0)
    unpriced_charged_amount = Minor(default=0)
    # What became of the holds that were placed on this day; the others are still open.
    fate_captured_count = Integer(default=0)
    fate_captured_amount = Minor(default=0)
    fate_refunded_count = Integer(default=0)
    fate_refunded_amount = Minor(default=0)
    fate_released_count = Integer(default=0)
    fate_released_amount = Minor(default=0)
    fate_expired_count = Integer(default=0)
    fate_expired_amount = Minor(default=0)
    tickets_count = Integer(default=0)
    # How long the holds that ended on this day had stood, together.
    stood_count = Integer(default=0)
    stood_seconds = BigInt(default=0)
    # From authorization to capture: number and sum, the middle two and the 90th percentile.
    waited_count = Integer(default=0)
    waited_seconds = BigInt(default=0)
    waited_low = BigInt(default=0)
    waited_high = BigInt(default=0)
    waited_p90 = BigInt(default=0)
    # Each of them in order, and how many fall into each hour: a median of many days can be told
    # exactly from these, and from no sum.
    waits = Bytea(default=b"")
    wait_hours = Bytea(default=b"")


class Threshold(Table, tablename="metrics_threshold"):
    """Where finance drew a line, and who did when. The newest one of a metric and currency stands.

    `value` is in hundredths of a percent, in seconds, or a number of tickets, by the metric; null
    takes the line away. The database refuses to change or to remove a row.
    """

    id = SerialId()
    metric = OneOf(Metric)
    currency = Varchar(length=3, default="")
    value = BigInt(null=True, default=None)
    set_by = Varchar(length=255)
    set_by_staff = BigInt(null=True, default=None)
    set_at = Instant()


class Crossing(Table, tablename="metrics_crossing"):
    """A day on which a metric was beyond its line; recorded once per metric, day and currency."""

    id = SerialId()
    metric = OneOf(Metric)
    currency = Varchar(length=3, default="")
    day = Date(default=None)
    threshold = Reference(Threshold)
    # What was seen then, in the threshold's unit, and of how many cases.
    value = BigInt(default=0)
    cases = Integer(default=0)
    recorded_at = Instant()
    mailed_at = Instant(null=True)


class Forecast(Table, tablename="metrics_forecast"):
    """What a day's first look ahead said: the money that ends on `day` if nobody acts.

    A row without currency says that there was such a look. Amounts in minor units.
    """

    id = SerialId()
    made_on = Date(default=None)
    day = Date(default=None)
    currency = Varchar(length=3, default="")
    resolves_count = Integer(default=0)
    resolves_amount = Minor(default=0)
    person_count = Integer(default=0)
    person_amount = Minor(default=0)
    made_at = Instant()
