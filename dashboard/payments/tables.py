"""The rows of the money path. Amounts are minor units beside a currency; instants are UTC.

Only `ledger.py` writes a payment's status and amounts; the CHECKs here are the second lock.
"""

from piccolo.columns import BigInt, Boolean, Integer, Text, Varchar
from piccolo.table import Table

from dashboard.columns import Instant, Minor, OneOf, Reference, SerialId
from dashboard.payments.facts import CardState, State, Status, Verb


class Purchase(Table, tablename="purchase"):
    """What a student bought: one lesson or one package. It never knows which booking it is for."""

    id = SerialId()
    currency = Varchar(length=3)
    price = Minor(check="price > 0")
    at_once = Boolean(default=False)
    customer = Varchar(length=255)
    payment_method = Varchar(length=255)
    description = Varchar(length=500)
    metadata = Text(default="{}")
    owed = Minor(null=True, default=None, check="owed IS NULL OR (owed >= 0 AND owed <= price)")
    owed_reason = Varchar(length=500, default="")
    decided_by = Varchar(length=255, default="")
    decided_at = Instant(null=True)
    capture_due_at = Instant(null=True, index=True)
    # A lesson that is farther away than a hold can live: its card is saved, its hold placed then.
    hold_due_at = Instant(null=True)
    # When a lesson whose hold could not be placed is let go.
    give_up_at = Instant(null=True)
    saves_card = Boolean(default=False)
    card_state = OneOf(CardState, default=CardState.NONE, length=20)
    setup_intent_id = Varchar(length=255, null=True, default=None, index=True)
    # When Stripe is to be asked to save the card, or how the saving of it stands.
    card_due_at = Instant(null=True, index=True)
    card_tries = Integer(default=0)
    paused_until = Instant(null=True)
    pause_reason = Varchar(length=500, default="")
    paused_by = Varchar(length=255, default="")
    # What the first e-mail said would happen to a hold that ends before its planned capture.
    announced_policy = Varchar(length=20, null=True, default=None)
    policy_override = Varchar(length=20, null=True, default=None)
    policy_reason = Varchar(length=500, default="")
    # What was decided about the hold of this payment, before it would end.
    expiry_decision = Varchar(length=20, null=True, default=None)
    expiry_decided_for = BigInt(null=True, default=None)
    # How the automatic movements fared since the last one that worked.
    refused_count = Integer(default=0)
    refused_since = Instant(null=True)
    refused_last_at = Instant(null=True)
    refused_error = Varchar(length=500, default="")
    # How automatic holds, of a far lesson or a renewal, fared since the last one that stood.
    attempts_refused = Integer(default=0)
    attempt_refused_at = Instant(null=True)
    attempt_refused_code = Varchar(length=80, default="")
    # `settle` looks at the row when `due_at` has come; null means that nothing is planned.
    due_at = Instant(null=True, index=True)
    settle_failures = Integer(default=0)
    settle_error = Varchar(length=500, default="")
    attention = Varchar(length=40, null=True, default=None)
    attention_since = Instant(null=True)
    version = BigInt(default=0)
    created_at = Instant()


class Payment(Table, tablename="payment"):
    """One PaymentIntent of a purchase, as Stripe last showed it to us."""

    id = SerialId()
    purchase = Reference(Purchase, index=True)
    current = Boolean(default=True)
    # The payment whose hold this one is to replace.
    renews = BigInt(null=True, default=None)
    payment_status = OneOf(Status, default=Status.PENDING, index=True)
    currency = Varchar(length=3)
    stripe_intent_id = Varchar(length=255, null=True, default=None, unique=True)
    stripe_charge_id = Varchar(length=255, null=True, default=None)
    intent_status = Varchar(length=40, null=True, default=None)
    authorized_amount = Minor(default=0, check="authorized_amount >= 0")
    captured_amount = Minor(
        default=0, check="captured_amount >= 0 AND captured_amount <= authorized_amount"
    )
    refunded_amount = Minor(default=0, check="refunded_amount >= 0")
    refund_pending_amount = Minor(
        default=0,
        check="refund_pending_amount >= 0"
        " AND refunded_amount + refund_pending_amount <= captured_amount",
    )
    # Since when the oldest of the refunds that are under way has been so.
    refund_pending_since = Instant(null=True)
    # Of a payment that another one replaced: what finance decided not to refund here.
    withdrawn_amount = Minor(default=0, check="withdrawn_amount >= 0")
    authorized_at = Instant(null=True, index=True)
    authorization_expires_at = Instant(null=True)
    expires_source = Varchar(length=10, default="")
    captured_at = Instant(null=True)
    ended_at = Instant(null=True)
    end_reason = Varchar(length=40, null=True, default=None)
    refusal_code = Varchar(length=80, default="")
    refusal_message = Varchar(length=500, default="")
    refund_trouble = Varchar(length=500, default="")
    dispute_id = Varchar(length=255, null=True, default=None)
    dispute_status = Varchar(length=40, default="")
    dispute_reason = Varchar(length=80, default="")
    disputed_amount = Minor(default=0, check="disputed_amount >= 0")
    dispute_due_at = Instant(null=True)
    lost_amount = Minor(default=0, check="lost_amount >= 0")
    # What Stripe kept of the charge: unknown until it has booked it. It may be in the currency of
    # our balance, which need not be the payment's; then it can't be taken off its amounts.
    fee_amount = Minor(null=True, default=None)
    fee_currency = Varchar(length=3, default="")
    # What it kept for disputes, where that is in the payment's own currency.
    dispute_fee_amount = Minor(default=0)
    synced_at = Instant(null=True)
    # A read of Stripe that is still owed, after lost races or a webhook that found no time.
    post_due_at = Instant(null=True)
    version = BigInt(default=0)
    created_at = Instant()


class Operation(Table, tablename="operation"):
    """One intent to move money, written down before Stripe hears of it."""

    id = Varchar(length=36, primary_key=True)
    purchase = Reference(Purchase, index=True)
    payment = Reference(Payment, index=True)
    # The purchase's id while unfinished, else null: the unique index refuses a second one.
    open_for = BigInt(null=True, default=None, unique=True)
    state = OneOf(State, default=State.PLANNED)
    verb = OneOf(Verb)
    amount = Minor(check="amount >= 0")
    currency = Varchar(length=3)
    # What was asked; `verb` and `amount` above are those of the present step.
    asked_verb = OneOf(Verb)
    asked_amount = Minor(check="asked_amount >= 0")
    step = Integer(default=1)
    body = Text()
    api_version = Varchar(length=40)
    account = Varchar(length=80)
    reason = Varchar(length=80, default="")
    note = Varchar(length=2000, default="")
    cause = Varchar(length=20)
    asked_by = Varchar(length=255)
    asked_by_staff = BigInt(null=True, default=None)
    asked_at = Instant()
    first_sent_at = Instant(null=True)
    last_sent_at = Instant(null=True)
    sends = Integer(default=0)
    lease = Varchar(length=36, null=True, default=None)
    lease_until = Instant(null=True)
    # When resume may take it up: the planned minute, the lease's end, or the next try.
    due_at = Instant(null=True, index=True)
    unknown_since = Instant(null=True)
    replayed_error = Boolean(default=False)
    stripe_object_id = Varchar(length=255, null=True, default=None)
    error_code = Varchar(length=80, default="")
    error_message = Varchar(length=500, default="")
    closed_at = Instant(null=True)
    closed_by = Varchar(length=255, default="")


class PaymentEvent(Table, tablename="payment_events"):
    """The append-only story: one row per movement or outcome, under a unique key."""

    id = SerialId()
    key = Varchar(length=255, unique=True)
    purchase = Reference(Purchase)
    payment = Reference(Payment, index=True)
    operation = Varchar(length=36, null=True, default=None)
    kind = Varchar(length=40)
    amount = Minor(default=0)
    currency = Varchar(length=3)
    given_back = Minor(default=0)
    occurred_at = Instant(index=True)
    # Whose clock `occurred_at` is: stripe, event, fetch, or ours.
    occurred_by = Varchar(length=10)
    recorded_at = Instant()
    actor = Varchar(length=255)
    cause = Varchar(length=20)
    reason = Varchar(length=500, default="")
    stripe_object_id = Varchar(length=255, null=True, default=None)
    detail = Text(default="{}")


class StripeEvent(Table, tablename="stripe_event"):
    """The inbox. What an event carried is not kept: it is a trigger, and Stripe is asked again."""

    id = Varchar(length=255, primary_key=True)
    type = Varchar(length=80)
    object_id = Varchar(length=255, default="")
    intent_id = Varchar(length=255, null=True, default=None, index=True)
    operation_id = Varchar(length=255, null=True, default=None)
    api_version = Varchar(length=40, default="")
    livemode = Boolean(default=False)
    created_at = Instant()
    received_at = Instant(index=True)
    state = OneOf(("waiting", "handled", "orphan", "dead", "ignored"), default="waiting")
    attempts = Integer(default=0)
    due_at = Instant(null=True, index=True)
    error = Varchar(length=500, default="")
    handled_at = Instant(null=True)
    payment = Reference(Payment, null=True, default=None)
    # How often Stripe sent it, and when it last came once more.
    deliveries = Integer(default=1)
    repeated_at = Instant(null=True)
    # Which of our signing secrets it was signed with, the first one being 1.
    signed_with = Integer(null=True, default=None)
    # How often people had it handled again; who did so last, and when.
    replays = Integer(default=0)
    replayed_by = Varchar(length=255, default="")
    replayed_at = Instant(null=True)


class RefusedDelivery(Table, tablename="refused_delivery"):
    """How many requests at the webhooks' address were refused on one day for one reason.

    Only counts are kept: a stranger chooses what such a request holds, and how many there are.
    """

    # The day in UTC and the reason, so that there is one row of each.
    id = Varchar(length=40, primary_key=True)
    day = Instant()
    # Not a column of fixed words: `refused_deliveries` knows them, and a CHECK is hard to change.
    reason = Varchar(length=20)
    number = BigInt(default=0)
    last_at = Instant()
