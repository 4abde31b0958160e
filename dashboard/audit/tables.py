"""The audit's own rows. The database refuses to change or to remove them."""

from piccolo.columns import BigInt, Text, Varchar
from piccolo.table import Table

from dashboard.columns import Instant, SerialId


class AuditEntry(Table, tablename="audit_entry"):
    """One deed, or one attempt, of a person or a program at one of our doors.

    What moved money is in `payment_events` and is not told here again.
    """

    id = SerialId()
    # By the clock of the story beside it, so that both are in one order on the sandbox as well.
    at = Instant()
    # The name as it was then, an e-mail that was tried, or nothing for a stranger.
    actor = Varchar(length=255, default="")
    # Plain numbers, not references: an entry outlives what it tells of, and an attempt may name
    # what never was there.
    staff = BigInt(null=True, default=None)
    booking = BigInt(null=True, default=None, index=True)
    payment = BigInt(null=True, default=None, index=True)
    address = Varchar(length=64, default="")
    # Not a column of fixed words: a rule that the database keeps can't be changed on SQLite
    # without copying the table, and this one must not be copied. `record` knows the words.
    action = Varchar(length=40)
    outcome = Varchar(length=40)
    subject = Varchar(length=500)
    detail = Text(default="{}")
    request_id = Varchar(length=40, default="")
