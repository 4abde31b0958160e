"""Why something was refused, said to a person. One table for the desk, the API and the batch."""

from typing import Any
from zoneinfo import ZoneInfo

from dashboard.formats import money, time_of_day
from dashboard.payments.facts import State, Verb
from dashboard.payments.tables import Operation

# The values in braces are filled by `not_allowed`; amounts and instants are formatted there.
_REFUSED = {
    "already_captured": "{amount} was captured already. Nothing was charged twice.",
    "already_decided": "An early capture was decided already, so this can't be paused any more.",
    "already_paid": "This booking is paid for, or its payment is still under way.",
    "already_refunded": "All of it was refunded already.",
    "already_released": "This hold was released already, so it can't be captured.",
    "card_not_saved": "The card was not saved with the booking, so this hold can't be renewed.",
    "decided_since": "Since you looked, it was decided that something is owed. "
    "Look again before you go on.",
    "disputed": "The customer's bank has opened a dispute. Answer it in Stripe; "
    "a refund now would pay twice.",
    "finance_currency": "Refunds in {name} need finance.",
    "hold_ended": "This hold ended at {at}, so it can't be captured.",
    "leaves_too_little": "What is left to pay must be {least} or more, or nothing at all.",
    "limit": "Refunds above {most} need finance.",
    "needs_policy": "The hold ends {at}, before the pause does. Choose what happens then.",
    "no_such_policy": "Choose one of: capture, renew, release, alert.",
    "no_loss": "No lost dispute is waiting here. The page shows how it stands.",
    "not_due": "This isn't due any more.",
    "not_pausable": "Nothing is held or planned here that could still be captured.",
    "not_paused": "It isn't paused any more.",
    "not_stalled": "It isn't stuck any more. The page shows how it stands.",
    "not_held": "Nothing is held on the card, so there is nothing to capture or release.",
    "nothing_captured": "Nothing was captured, so there is nothing to refund.",
    "nothing_owed": "Nothing is owed for this booking, so nothing can be charged.",
    "overtaken": "It ended in another way first. The page shows how.",
    "paused_since": "It was paused since you looked.",
    "replaced": "Another payment of this booking has taken its place.",
    "role": "Your role can look, but not move money.",
    "role_since": "{who} may not move money any more, so nothing was sent.",
    "stale": "The numbers have changed since you opened this form. Look again before you go on.",
    "too_little": "Enter {least} or more.",
    "too_much": "Enter {most} or less.",
    "until_past": "Choose a time in the future.",
    "wrong_step": "Amounts of this currency end in 0.",
}
_DONE = {
    Verb.AUTHORIZE: "reserved",
    Verb.CHARGE: "charged",
    Verb.CAPTURE: "captured",
    Verb.RELEASE: "released",
    Verb.REFUND: "refunded",
}
DOING = {
    Verb.AUTHORIZE: "Reserving",
    Verb.CHARGE: "Charging",
    Verb.CAPTURE: "Capturing",
    Verb.RELEASE: "Releasing",
    Verb.REFUND: "Refunding",
}


def not_allowed(code: str, values: dict[str, Any], currency: str, zone: ZoneInfo) -> str:
    """The sentence for a NotAllowed; amounts in `currency`, instants in `zone`."""
    filled = {
        name: time_of_day(value, zone)
        if name == "at" and value is not None
        else money(value, currency)
        if name in ("amount", "most", "least")
        else value
        for name, value in values.items()
    }
    text = _REFUSED.get(code, "This can't be done now.")
    if "{at}" in text and filled.get("at") is None:
        return "This hold has ended, so it can't be captured."
    return text.format(**filled)


def busy(operation: Operation, zone: ZoneInfo) -> str:
    """Who is at it, and since when: "Capturing… Ana, 14:02"."""
    since = time_of_day(operation.asked_at, zone)
    if operation.state in (State.UNKNOWN, State.STALLED):
        return unknown(operation)
    return f"{DOING[Verb(operation.verb)]}… {operation.asked_by}, {since}"


def unknown(operation: Operation) -> str:
    """What to say while Stripe has not answered clearly."""
    amount = money(operation.amount, operation.currency)
    done = _DONE[Verb(operation.verb)]
    return (
        f"Stripe hasn't answered. We don't know yet whether {amount} was {done}; "
        "we are checking. Don't retry."
    )


# Stripe knows three of these codes by the same name; the others are ours alone.
REASONS = {
    Verb.RELEASE: {
        "requested_by_customer": "Student cancelled",
        "instructor_cancelled": "Instructor cancelled",
        "duplicate": "Booked twice",
        "fraudulent": "Looks fraudulent",
        "other": "Other",
    },
    Verb.REFUND: {
        "requested_by_customer": "Student asked for it",
        "instructor_cancelled": "Instructor cancelled or did not come",
        "lesson_went_wrong": "Lesson went wrong",
        "duplicate": "Charged twice",
        "fraudulent": "Looks fraudulent",
        "other": "Other",
    },
}


def reason(code: str, verb: Verb) -> str:
    """What a reason is called on the page; a text that is no code of ours stays as it is."""
    return REASONS.get(verb, {}).get(code, code)


# The story's lines; their amounts stand beside them.
_EVENTS = {
    "authorized": "Reserved",
    "captured": "Captured",
    "charged": "Charged",
    "released": "Released",
    "expired": "Hold ended by itself",
    "cancelled": "Attempt cancelled; nothing was held",
    "declined": "Card declined",
    "refund_pending": "Refund sent to the bank",
    "refund_succeeded": "Refunded",
    "refund_failed": "Refund failed at the bank",
    "dispute_opened": "Dispute opened",
    "dispute_answered": "Dispute answered; the bank decides",
    "dispute_closed": "Dispute closed",
    "funds_withdrawn": "Bank took money back for the dispute",
    "funds_reinstated": "Bank returned the money of the dispute",
    "expiry_decision": "Expiry policy applied",
    "lessons_refunded": "Unused lessons given back",
    "refund_withdrawn": "Refund withdrawn",
    "fee_waived": "Fee waived",
    "loss_accepted": "Loss accepted",
    "card_saved": "Card saved; the hold follows",
    "card_refused": "Card could not be saved",
    "card_waiting": "Bank asks the student to confirm the card",
    "let_go": "Let go: nothing is owed any more",
    "missed": "Not captured in time",
    "paused": "Automatic capture paused",
    "unpaused": "Pause ended",
    "policy_chosen": "Expiry policy chosen for this hold",
    "operation_refused": "{verb} refused",
    "operation_unknown": "{verb} not answered by Stripe",
    "operation_stalled": "{verb} never answered by Stripe",
    "operation_withdrawn": "{verb} withdrawn before it was sent",
    "operation_overtaken": "{verb} overtaken",
    "operation_given_up": "{verb} given up",
    "operation_succeeded": "{verb} had worked after all",
}
# What the codes of our own rules say of an end or a decision, beyond the line itself.
_OF_THE_RULES = {
    "abandoned": "The student did not finish the payment in 30 minutes",
    "called_off": "Called off before the hold",
    "never_held": "No hold could be placed in time",
    "never_paid": "Nobody paid for it",
    "policy_alert": "The hold would end before the planned capture; a person was told",
    "policy_capture": "The hold would end before the planned capture, so it is captured early",
    "policy_release": "The hold would end before the planned capture, so it is released",
    "policy_renew": "The hold would end before the planned capture, so it is renewed",
}


def happened(kind: str, back: str, verb: str) -> str:
    """One line of the story; `back` is what a capture gave back, or nothing."""
    text = _EVENTS.get(kind, kind.replace("_", " ")).format(verb=verb)
    return f"{text[:1].upper()}{text[1:]}{f'; {back} given back' if back else ''}"


def rule_reason(code: str) -> str:
    """What a code of our own rules says to a person; other texts stay as they are."""
    return _OF_THE_RULES.get(code, code)


def stated(kind: str, code: str) -> str:
    """The reason of an event of this kind: one that a person chose, or one of our rules."""
    chosen = reason(code, Verb.REFUND if kind.startswith("refund") else Verb.RELEASE)
    return rule_reason(chosen)


def moved(operation: Operation, student: str, rest: str) -> str:
    """What a finished movement did; `rest` is what a capture left to go back, or nothing."""
    amount = money(operation.amount, operation.currency)
    if operation.verb == Verb.CAPTURE:
        return f"{student} paid {amount}." + (f" {rest} went back to the card." if rest else "")
    if operation.verb == Verb.RELEASE:
        return f"{amount} went back to {student}'s card. Nothing was charged."
    if operation.verb == Verb.REFUND:
        return f"{amount} is on its way back to {student}."
    return f"{amount} was {_DONE[Verb(operation.verb)]}."
