"""The rows of the reconciliation: its runs, which are its queue, and the differences they found."""

from piccolo.columns import BigInt, Integer, Text, Varchar
from piccolo.table import Table

from dashboard.columns import Instant, OneOf, Reference, SerialId
from dashboard.payments.tables import Payment

# What a run goes through, in this order.
STAGES = ("intents", "refunds", "disputes", "ours", "again")
STATES = ("open", "converged", "acknowledged", "adopted", "gone")


class ReconcileRun(Table, tablename="reconcile_run"):
    """One comparison of everything, from whoever asked for it to its end."""

    id = SerialId()
    # 1 until it is finished, else null: the unique index refuses a second run at a time.
    unfinished = BigInt(null=True, default=None, unique=True)
    asked_by = Varchar(length=255)
    asked_at = Instant()
    # Whatever was made at Stripe since then is compared.
    since = Instant()
    started_at = Instant(null=True)
    finished_at = Instant(null=True, index=True)
    # When a worker may take it up: at once, or once the trouble has had time to pass.
    due_at = Instant(null=True)
    stage = OneOf(STAGES, default="intents")
    # The last object of the stage that is done with; empty before the first page.
    cursor = Varchar(length=255, default="")
    lease = Varchar(length=36, null=True, default=None)
    lease_until = Instant(null=True)
    tries = Integer(default=0)
    error = Varchar(length=500, default="")
    # Payments that were compared, those of them that were read wholly, those that were on the move.
    compared = Integer(default=0)
    read_wholly = Integer(default=0)
    under_way = Integer(default=0)
    converged = Integer(default=0)
    # Differences that were open when it ended.
    found = Integer(default=0)


class ReconcileMark(Table, tablename="reconcile_mark"):
    """When a payment was last compared by a run, and by which."""

    id = SerialId()
    payment = BigInt(unique=True)
    run = BigInt()
    compared_at = Instant()


class ReconcileDifference(Table, tablename="reconcile_difference"):
    """What our rows and Stripe say differently about one payment, and what became of it.

    A difference keeps its row over the runs, under `key`: an intent or a payment, and the kind.
    What a post brought in line is a row of its own, since the same can happen to a payment again.
    """

    id = SerialId()
    key = Varchar(length=255, unique=True)
    kind = Varchar(length=40)
    state = OneOf(STATES, default="open", index=True)
    payment = Reference(Payment, null=True, default=None, index=True)
    intent_id = Varchar(length=255, null=True, default=None)
    # The operation of ours that made an intent which belongs to no payment yet.
    operation = Varchar(length=36, null=True, default=None)
    currency = Varchar(length=3, default="")
    # A list of [name, ours, Stripe's].
    fields = Text(default="[]")
    cause = Varchar(length=500, default="")
    # The last run that saw it; 0 for a person at the payment's page.
    run = BigInt(default=0)
    first_seen_at = Instant()
    last_seen_at = Instant()
    gone_at = Instant(null=True)
    decided_by = Varchar(length=255, default="")
    decided_by_staff = BigInt(null=True, default=None)
    decided_at = Instant(null=True)
    reason = Varchar(length=500, default="")
    version = Integer(default=0)
