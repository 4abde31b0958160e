"""Which kind of difference it is, and its likely cause in a sentence that staff read."""

from collections.abc import Sequence
from enum import StrEnum

from dashboard.payments.facts import OPEN, Verb
from dashboard.payments.reconcile.comparison import Field, Pages
from dashboard.snapshots import Intent


class Kind(StrEnum):
    """What can differ. The runbook has a line for each."""

    FOREIGN_CAPTURE = "foreign_capture"
    LOST_CAPTURE = "lost_capture"
    LOST_CHARGE = "lost_charge"
    LOST_HOLD = "lost_hold"
    LOST_DECLINE = "lost_decline"
    EXPIRED = "expired"
    FOREIGN_RELEASE = "foreign_release"
    LOST_RELEASE = "lost_release"
    FOREIGN_REFUND = "foreign_refund"
    LOST_REFUND = "lost_refund"
    REFUND_MOVED = "refund_moved"
    DISPUTE = "dispute"
    STEP_UNHEARD = "step_unheard"
    MISSING_EVENT = "missing_event"
    LOST_OUTCOME = "lost_outcome"
    WRONG_STATUS = "wrong_status"
    WRONG_AMOUNT = "wrong_amount"
    WRONG_EXPIRY = "wrong_expiry"
    WRONG_DISPUTE = "wrong_dispute"
    WRONG_FIELD = "wrong_field"
    CURRENCY = "currency"
    OTHER_AMOUNT = "other_amount"
    DOUBLED_EVENT = "doubled_event"
    FOREIGN_EVENT = "foreign_event"
    WRONG_EVENT = "wrong_event"
    OTHER_PAYMENT = "other_payment"
    NOT_AT_STRIPE = "not_at_stripe"
    NO_INTENT = "no_intent"
    ORPHAN = "orphan"
    SECOND_INTENT = "second_intent"
    MISSING_ROW = "missing_row"
    FOREIGN_INTENT = "foreign_intent"
    UNREADABLE = "unreadable"


# About an intent that no payment of ours holds, and not about a payment.
OF_INTENTS = (Kind.ORPHAN, Kind.SECOND_INTENT, Kind.MISSING_ROW, Kind.FOREIGN_INTENT)
# The row and the intent may not belong together at all.
MIXED_UP = (Kind.OTHER_PAYMENT, Kind.CURRENCY)
_CHANGED = "The row was changed by something other than a post: by hand, or by a restored copy."
SENTENCES = {
    Kind.FOREIGN_CAPTURE: "Captured in Stripe's own dashboard, or by another program.",
    Kind.LOST_CAPTURE: "The desk captured it, and Stripe's answer was lost.",
    Kind.LOST_CHARGE: "The charge went through, and we did not hear of it.",
    Kind.LOST_HOLD: "The hold was placed, and we did not hear of it.",
    Kind.LOST_DECLINE: "The card was declined, and we did not hear of it.",
    Kind.EXPIRED: "The hold ended by itself, and we did not hear of it.",
    Kind.FOREIGN_RELEASE: "Cancelled in Stripe's own dashboard, or by another program.",
    Kind.LOST_RELEASE: "The desk released it, and Stripe's answer was lost.",
    Kind.FOREIGN_REFUND: "Refunded in Stripe's own dashboard, or by another program.",
    Kind.LOST_REFUND: "The desk refunded it, and Stripe's answer was lost.",
    Kind.REFUND_MOVED: "A refund has come further at the bank, and we did not hear of it.",
    Kind.DISPUTE: "The customer's bank has moved in a dispute, and we did not hear of it.",
    Kind.STEP_UNHEARD: "The student or the bank has come a step further, unheard.",
    Kind.MISSING_EVENT: "The amounts are right, but the story lacks the movement behind them.",
    Kind.LOST_OUTCOME: "Stripe shows how an operation ended that the desk has otherwise.",
    Kind.WRONG_STATUS: f"The story is right, but the status is not. {_CHANGED}",
    Kind.WRONG_AMOUNT: f"The story is right, but an amount is not. {_CHANGED}",
    Kind.WRONG_EXPIRY: f"The end of the hold is not the one that Stripe names. {_CHANGED}",
    Kind.WRONG_DISPUTE: f"The story is right, but the dispute is not. {_CHANGED}",
    Kind.WRONG_FIELD: _CHANGED,
    Kind.CURRENCY: "The payment is in another currency than our row says. "
    "Stripe never changes one: the row was changed, or belongs to another payment.",
    Kind.OTHER_AMOUNT: "Stripe has another amount than the desk asked for: "
    "it was changed in Stripe's own dashboard, or by another program.",
    Kind.DOUBLED_EVENT: "The story tells the same movement twice: something wrote past the ledger.",
    Kind.FOREIGN_EVENT: "The story has a movement that Stripe does not show: "
    "something wrote past the ledger, or it is of another account.",
    Kind.WRONG_EVENT: "The story has another amount or ending for this movement: "
    "something wrote past the ledger.",
    Kind.OTHER_PAYMENT: "Stripe's payment was made by an operation for another payment of ours: "
    "two rows were mixed up.",
    Kind.NOT_AT_STRIPE: "Stripe does not know this payment: it is of another account or mode, "
    "or the row is of a restored copy.",
    Kind.NO_INTENT: "The desk has it as sent, but Stripe shows no payment of this operation.",
    Kind.ORPHAN: "The desk made it, its answer was lost, and no payment of ours holds it.",
    Kind.SECOND_INTENT: "The desk made it for a payment that has another one at Stripe: "
    "the student may pay twice.",
    Kind.MISSING_ROW: "It names an operation that we have no row of: "
    "a database that was restored, or a copy of the desk with the same key.",
    Kind.FOREIGN_INTENT: "It was not made by the desk: made in Stripe's own dashboard, "
    "or by another program with the same account.",
    Kind.UNREADABLE: "What Stripe shows can't be taken into our books as it is.",
}

_LOST = {
    "authorized": Kind.LOST_HOLD,
    "charged": Kind.LOST_CHARGE,
    "expired": Kind.EXPIRED,
    "declined": Kind.LOST_DECLINE,
}
_STATUS = {"payment_status", "intent_status", "end_reason"}
_AMOUNTS = {"authorized_amount", "captured_amount", "refunded_amount", "refund_pending_amount"}
_EXPIRY = {"authorization_expires_at", "expires_source"}
_DISPUTE = {"dispute_id", "dispute_status", "disputed_amount", "dispute_due_at", "lost_amount"}


def of_mendable(fields: Sequence[Field], pages: Pages, intent: Intent) -> Kind:
    """The kind of what a post brings in line: by the weightiest movement that was not heard of."""
    news = [one.movement for one in fields if one.movement]
    columns = {one.name for one in fields if one.what == "column"}
    if news and not columns:
        return Kind.MISSING_EVENT
    kinds = {one.kind for one in news}
    if kinds & {"refund_pending", "refund_succeeded", "refund_failed"}:
        return _refund(fields, pages)
    if any(one.startswith(("dispute", "funds")) for one in kinds):
        return Kind.DISPUTE
    if "captured" in kinds:
        ours = _own(pages, Verb.CAPTURE, intent.operation_id)
        return Kind.LOST_CAPTURE if ours else Kind.FOREIGN_CAPTURE
    if kinds & {"released", "cancelled"}:
        sent = any(
            row.state in OPEN and row.first_sent_at and Verb.RELEASE in (row.verb, row.asked_verb)
            for row in pages.operations
        )
        return Kind.LOST_RELEASE if sent else Kind.FOREIGN_RELEASE
    for kind, lost in _LOST.items():
        if kind in kinds:
            return lost
    return _of_columns(columns)


def _refund(fields: Sequence[Field], pages: Pages) -> Kind:
    refunds = [
        one.movement for one in fields if one.movement and one.movement.kind.startswith("refund_")
    ]
    heard = {one.key.split(":")[1] for one in pages.story if one.key.startswith("refund:")}
    if all(one.object_id in heard for one in refunds):
        return Kind.REFUND_MOVED
    fresh = next(one for one in refunds if one.object_id not in heard)
    ours = _own(pages, Verb.REFUND, fresh.operation_id)
    return Kind.LOST_REFUND if ours else Kind.FOREIGN_REFUND


def _own(pages: Pages, verb: Verb, operation_id: str | None) -> bool:
    return any(
        row.id == operation_id and verb in (row.verb, row.asked_verb) for row in pages.operations
    )


def _of_columns(columns: set[str]) -> Kind:
    if not columns:
        return Kind.LOST_OUTCOME
    if columns == {"intent_status"}:
        return Kind.STEP_UNHEARD
    if columns & _STATUS:
        return Kind.WRONG_STATUS
    if columns & _AMOUNTS:
        return Kind.WRONG_AMOUNT
    if columns <= _EXPIRY:
        return Kind.WRONG_EXPIRY
    return Kind.WRONG_DISPUTE if columns <= _DISPUTE else Kind.WRONG_FIELD


def of_lasting(one: Field, pages: Pages) -> Kind:
    """The kind of a field that no post changes."""
    if one.name == "currency":
        return Kind.CURRENCY
    if one.what == "operation":
        return Kind.OTHER_AMOUNT if one.name == "amount" else Kind.OTHER_PAYMENT
    if one.theirs is not None:
        return Kind.WRONG_EVENT
    event = next(row for row in pages.story if row.key == one.name)
    told = [
        row
        for row in pages.story
        if (row.kind, row.amount) == (event.kind, event.amount) and row.key != event.key
    ]
    return Kind.DOUBLED_EVENT if told else Kind.FOREIGN_EVENT


def unheard(kind: Kind) -> bool:
    """Whether a webhook should have told us of it."""
    return kind in _UNHEARD


_UNHEARD = {
    Kind.FOREIGN_CAPTURE,
    Kind.LOST_CAPTURE,
    Kind.LOST_CHARGE,
    Kind.LOST_HOLD,
    Kind.LOST_DECLINE,
    Kind.EXPIRED,
    Kind.FOREIGN_RELEASE,
    Kind.LOST_RELEASE,
    Kind.FOREIGN_REFUND,
    Kind.LOST_REFUND,
    Kind.REFUND_MOVED,
    Kind.DISPUTE,
    Kind.STEP_UNHEARD,
}
