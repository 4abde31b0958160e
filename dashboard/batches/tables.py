"""What was confirmed on one review page, and a row for each of its holds. Rows are the queue."""

from enum import StrEnum

from piccolo.columns import BigInt, Boolean, Integer, Varchar
from piccolo.table import Table

from dashboard.columns import Instant, Minor, OneOf, Reference, SerialId
from dashboard.payments.facts import ENDS_A_HOLD
from dashboard.payments.tables import Payment, Purchase


class RowState(StrEnum):
    """How far one hold of a batch has come."""

    WAITING = "waiting"
    WORKING = "working"
    # Stripe was asked and has not answered clearly: the operation is settled by the resume.
    UNKNOWN = "unknown"
    DONE = "done"
    DECLINED = "declined"
    # Another movement of the purchase was under way, so nothing was sent.
    BUSY = "busy"
    # It is no longer what the review page showed, so nothing was sent.
    CHANGED = "changed"


OPEN = (RowState.WAITING, RowState.WORKING, RowState.UNKNOWN)
# What another try can help: nothing was moved, and what was reviewed may still stand.
RETRIED = (RowState.DECLINED, RowState.BUSY)


class Batch(Table, tablename="batch"):
    """One confirmation. Its key is the review page's, so that a page counts once."""

    id = SerialId()
    key = Varchar(length=36, unique=True)
    verb = OneOf(ENDS_A_HOLD)
    reason = Varchar(length=80, default="")
    note = Varchar(length=2000, default="")
    asked_by = Varchar(length=255)
    asked_by_staff = BigInt(null=True, default=None)
    asked_at = Instant()
    # How often what had failed was asked for again: a button of an old page is known by it.
    retries = Integer(default=0)


class BatchRow(Table, tablename="batch_row"):
    """One hold of a batch, with the amounts that the review page showed of it."""

    id = SerialId()
    batch = Reference(Batch, index=True)
    payment = Reference(Payment, index=True)
    purchase = Reference(Purchase)
    currency = Varchar(length=3)
    amount = Minor(check="amount > 0")
    authorized_amount = Minor(check="authorized_amount >= 0")
    captured_amount = Minor(check="captured_amount >= 0")
    refunded_amount = Minor(check="refunded_amount >= 0")
    # Whether nothing was decided yet when it was reviewed, and until when it was paused.
    undecided = Boolean(default=False)
    paused_until = Instant(null=True)
    # Who asked for the present try; whoever presses "Retry" asks anew.
    asked_by = Varchar(length=255)
    asked_by_staff = BigInt(null=True, default=None)
    # The operation of the present try. It has no row of its own before it is claimed.
    tries = Integer(default=1)
    operation = Varchar(length=36)
    state = OneOf(RowState, default=RowState.WAITING)
    # When it may be taken up: at once, when a lease is over, or to ask what became of it.
    due_at = Instant(null=True)
    lease = Varchar(length=36, null=True, default=None)
    code = Varchar(length=80, default="")
    said = Varchar(length=500, default="")
    finished_at = Instant(null=True)
