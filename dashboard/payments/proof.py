"""What a snapshot of Stripe proves about an operation of ours. Pure."""

from dashboard.payments.evidence import RESERVED
from dashboard.payments.facts import CREATES, State, Verb
from dashboard.snapshots import Intent


def outcome(
    operation_id: str, verbs: tuple[Verb, Verb], is_open: bool, intent: Intent
) -> State | None:
    """What the snapshot proves about an operation; None when it proves nothing.

    `verbs` are what was asked and the present step. A cancel carries no metadata at Stripe, so a
    closed release is never matched again. A closed create is corrected only by money that is held
    or taken: an intent that was declined and then cancelled was still declined.
    """
    if verbs[0] in CREATES:
        if not is_open:
            reserved = intent.hold_charge and intent.status in RESERVED
            return State.SUCCEEDED if reserved else None
        if intent.status != "requires_payment_method":
            return State.SUCCEEDED
        return State.REFUSED if intent.last_refusal else None
    if Verb.REFUND in verbs:
        matched = any(refund.operation_id == operation_id for refund in intent.refunds)
        return State.SUCCEEDED if matched else None
    if Verb.CAPTURE in verbs and intent.status == "succeeded":
        return State.SUCCEEDED if intent.operation_id == operation_id else None
    if Verb.RELEASE in verbs and intent.status == "canceled" and not intent.expired:
        return State.SUCCEEDED if is_open else None
    return None
