"""Who wants to be told of each month, and who was told of which."""

from piccolo.columns import BigInt, Date
from piccolo.table import Table

from dashboard.columns import Instant, Reference, SerialId
from dashboard.staff.tables import Staff


class Subscription(Table, tablename="report_subscription"):
    """A person who gets each month's report by e-mail, from the first month that ends after it."""

    id = SerialId()
    staff = Reference(Staff, unique=True)
    since = Instant()


class SentReport(Table, tablename="report_sent"):
    """The report of a month that was written to a person; once for each month and person."""

    id = SerialId()
    # The first day of the month.
    month = Date(default=None)
    # A plain number: the row outlives the person's.
    staff = BigInt()
    written_at = Instant()
