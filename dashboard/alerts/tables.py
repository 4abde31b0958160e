"""What was wrong from when to when, what was told of it, and when nothing ran."""

from piccolo.columns import BigInt, Varchar
from piccolo.table import Table

from dashboard.alerts.kinds import Severity
from dashboard.columns import Instant, Minor, OneOf, SerialId


class Alert(Table, tablename="alert"):
    """One occurrence of one trouble. It closes when the trouble is over; a new one is a new row."""

    id = SerialId()
    # No CHECK on the words: a kind that is added later needs no migration.
    kind = Varchar(length=40)
    subject = Varchar(length=255, default="")
    # Kind and subject while it is open, else null: the unique index refuses a second one.
    open_for = Varchar(length=300, null=True, default=None, unique=True)
    severity = OneOf(Severity)
    said = Varchar(length=500)
    link = Varchar(length=255)
    amount = Minor(default=0)
    currency = Varchar(length=3, default="")
    payment = BigInt(null=True, default=None)
    since = Instant()
    opened_at = Instant(index=True)
    closed_at = Instant(null=True, index=True)
    # When an e-mail last told of it, and how severe it was then.
    told_at = Instant(null=True)
    told_as = Varchar(length=20, default="")


class Outage(Table, tablename="outage"):
    """A time in which nothing ran by itself: from the last tick of before to the first one after.

    Append-only by its use: what such a time has cost is told by events that name it.
    """

    id = SerialId()
    started_at = Instant(unique=True)
    ended_at = Instant(index=True)
