"""Why a payment is where it is, in one sentence, from the same step that decides what happens next.

Every code of `payments/rules.py` has a sentence here; a test walks them.
"""

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from dashboard import disputes, formats, sentences
from dashboard.bookings.holds import Hold
from dashboard.payments.case import Do, Step
from dashboard.payments.tables import Payment, Purchase

# The values in braces are filled by `_values`.
SENTENCES = {
    "abandoned": "The student has not finished the payment in 30 minutes, so it is being let go.",
    "by_itself": "{lesson}Nobody has decided otherwise, so {amount} is captured within a minute.",
    "cancel_intent": "Nothing can be owed for this attempt any more, so it is being cancelled.",
    "cancelled": "The attempt was cancelled before anything was held; {price} is still owed.",
    "captured": "The rest of the hold was given back at the capture; {price} is still owed.",
    "card_confirms": "The bank wants the student to confirm the card. It is let go {at} otherwise.",
    "card_wanted": "The card is being saved; the hold is placed later, when it will last.",
    "customer": "The payment waits for the card or the bank. It is let go {at} if nothing happens.",
    "declined": "The student can pay again with another card until {at}; then the booking ends.",
    "disputed": "{dispute} Nothing moves by itself until it is closed.",
    "done": "All is settled: nothing is held and nothing else is due.",
    "due": "{lesson}{amount} is due and is captured within a minute.",
    "early": "{lesson}The hold ends {expires}, too soon for that, so by policy {policy} {at}.",
    "expired": "The hold ended {ended} before it was captured; {price} is still owed.",
    "expired_by_now": "The hold ended {expires}. Stripe is being asked how.",
    "expiring": "{lesson}The hold ends {expires}. Nothing happens by itself: it needs a person.",
    "hold_due": "The time for this hold has come; it is placed within a minute.",
    "hold_planned": "The lesson is further away than a hold can live. The hold is placed {at}.",
    "hold_refused": "The hold was refused {attempts}, last {attempt_last}{attempt_error}. "
    "Next try {at}.{or_else}",
    "lesson": "{lesson}{amount} is captured by itself {at}.",
    "never_held": "No hold could be placed in time, so the booking is being let go.",
    "never_paid": "The lesson came and the card was never charged, so the booking is being let go.",
    "nothing_owed": "Nothing is owed any more{because}, so {held} is being released.",
    "overpaid": "{price} is owed{because}, so {amount} is being refunded.",
    "paused": "{lesson}Automatic capture is paused until {paused}{paused_by}.",
    "paused_past_expiry": "Automatic capture is paused until {paused}{paused_by}, "
    "and the hold ends {expires} before that. It needs a decision.",
    "policy_alert": "The hold ends {expires}, before the planned capture. A person is being told.",
    "policy_capture": "The hold ends {expires}, before the planned capture, "
    "so by policy {amount} is captured now.",
    "policy_release": "The hold ends {expires}, before the planned capture, "
    "so by policy it is released now.",
    "policy_renew": "The hold ends {expires}, before the planned capture, "
    "so by policy it is renewed now.",
    "processing": "The bank is still working on it. Stripe is asked again {at}.",
    "refund_failed": "A refund failed: {trouble} {surplus} is still with us and owed to the "
    "student; refund it again, or pay it back another way.",
    "refund_under_way": "{refunding} since {refunding_since}; banks take 5 to 10 days.",
    "refused": "{lesson}{automatic} refused {times}, last {last}{error}. Next try {at}.{no_action}",
    "released": "The hold was released{because}, yet {price} is still owed.",
    "renewing": "The hold ends {expires}, so a new one is being placed on the saved card.",
    "stalled": "Stripe never told how {operation} ended, and its key has lapsed. "
    "Look in Stripe before anything else is done.",
    "student_confirms": "The bank wants the student to confirm. They have a link{by_then}.",
    "superseded": "Another payment of this booking has taken its place, so this one is given back.",
    "under_way": "{busy}",
    "underpaid": "{lost}{kept} is kept and {price} is owed; nothing is left to capture.",
    "unknown": "{busy}",
}
_POLICY = {
    "alert": "a person is asked",
    "capture": "{amount} is captured early,",
    "release": "it is released",
    "renew": "it is renewed",
}
_NOUN = {
    Do.AUTHORIZE: "hold",
    Do.CAPTURE: "capture",
    Do.RELEASE: "release",
    Do.REFUND: "refund",
}
ATTENTION = {
    "cancelled": "Not paid",
    "captured": "Not paid in full",
    "disputed": "Disputed",
    "expired": "Expired unpaid",
    "expiring": "Expires undecided",
    "hold_refused": "Hold refused",
    "keeps_failing": "Keeps failing",
    "paused_past_expiry": "Paused past expiry",
    "refund_failed": "Refund failed",
    "released": "Released unpaid",
    "stalled": "Stalled",
    "student_confirms": "Student must confirm",
    "underpaid": "Not paid in full",
    "unknown": "No answer from Stripe",
}


def attention(hold: Hold) -> str:
    """Why somebody must look at it, in two or three words; nothing when nobody must."""
    code = hold.books.purchase.attention or ""
    if code == "underpaid" and hold.facts.lost:
        return "Lost in a dispute"
    return ATTENTION.get(code, "")


def why(hold: Hold, now: datetime, zone: ZoneInfo) -> str:
    """The sentence for the next step of this hold; instants are told in `zone`."""
    step = hold.step(now)
    if step.why == "expiring" and step.do is not Do.PERSON:
        return (
            f"The hold ends {when(step.at, now, zone)}. It is too late to send anything more; "
            "Stripe is asked then how it ended."
        )
    said = SENTENCES[step.why].format(**_values(hold, step, now, zone))
    return said[:1].upper() + said[1:]


def question(hold: Hold) -> str:
    """What the sentence answers."""
    return "Why is this still held?" if hold.facts.held else "What happens next?"


def when(at: datetime | None, now: datetime, zone: ZoneInfo) -> str:
    """An instant inside a sentence: the time alone when it is today, else with its day."""
    if at is None:
        return "later"
    local = at.astimezone(zone)
    if local.date() == now.astimezone(zone).date():
        return formats.time_of_day(at, zone)
    return formats.day_and_time(at, zone)


def _values(hold: Hold, step: Step, now: datetime, zone: ZoneInfo) -> dict[str, str]:
    def money(amount: int) -> str:
        return formats.money(amount, hold.currency)

    def told(at: datetime | None) -> str:
        return when(at, now, zone)

    payments = {payment.id: payment for payment in hold.books.payments}
    # What keeps a purchase waiting may be another payment of it than the one that is shown.
    payment = payments.get(step.payment_id or 0, hold.payment)
    facts, purchase, operation = hold.facts, hold.books.purchase, hold.books.operation
    owed = purchase.price if purchase.owed is None else purchase.owed
    amount = money(step.amount or min(owed, facts.authorized) or owed)
    return {
        "amount": amount,
        "at": told(step.at),
        "automatic": f"Automatic {_NOUN.get(step.then or step.do, 'movement')}",
        "because": _because(purchase.owed_reason),
        "busy": sentences.busy(operation, zone) if operation else "",
        "by_then": _clause(" and have until ", step.at, told),
        "dispute": _dispute(payment, now, told),
        "ended": told(hold.payment.ended_at or facts.expires_at),
        "expires": told(facts.expires_at),
        "held": money(facts.authorized),
        "kept": money(facts.kept),
        "lesson": _lesson(hold, now, zone),
        "lost": f"{money(facts.lost)} was lost in a dispute: " if facts.lost else "",
        "no_action": f" Expires {told(facts.expires_at)} with no action." if facts.held else "",
        "operation": f"the {operation.verb} of {money(operation.amount)}" if operation else "it",
        "paused": told(purchase.paused_until),
        "paused_by": _paused_by(purchase),
        "policy": _POLICY.get(step.policy or "", "it is looked at").format(amount=amount),
        "price": money(owed),
        "refunding": f"A refund of {money(payment.refund_pending_amount)} is on its way",
        "refunding_since": told(payment.refund_pending_since),
        "surplus": money(max(0, facts.kept - owed)) if facts.kept > owed else "The money",
        "trouble": payment.refund_trouble or "The bank sent it back.",
        **_tries(purchase, told),
    }


def _paused_by(purchase: Purchase) -> str:
    """Who wanted the pause, and why: " by Dana: the student disputes the time"."""
    who = f" by {purchase.paused_by}" if purchase.paused_by else ""
    return who + (f": {purchase.pause_reason.rstrip('.')}" if purchase.pause_reason else "")


def _tries(purchase: Purchase, told: Callable[[datetime | None], str]) -> dict[str, str]:
    """How the automatic movements, and the holds without the student, have fared."""
    since = _clause(" since ", purchase.refused_since, told)
    let_go = _clause(" It is let go ", purchase.give_up_at, told)
    return {
        "attempt_error": f" ({purchase.attempt_refused_code.replace('_', ' ')})",
        "attempt_last": told(purchase.attempt_refused_at),
        "attempts": _times(purchase.attempts_refused),
        "error": f" ({purchase.refused_error.rstrip('.')})" if purchase.refused_error else "",
        "last": told(purchase.refused_last_at),
        "or_else": f"{let_go}." if let_go else "",
        "times": _times(purchase.refused_count) + since,
    }


def _dispute(payment: Payment, now: datetime, told: Callable[[datetime | None], str]) -> str:
    """What the bank disputes and why, and what we may do until when."""
    amount, why = formats.money(payment.disputed_amount, payment.currency), payment.dispute_reason
    said = f"The bank disputes {amount} ({disputes.reason(why)})"
    if disputes.inquiry(payment):
        said = f"The bank asks about {amount} ({disputes.reason(why)}) and has taken nothing yet"
    if not disputes.our_turn(payment):
        return f"{said}; it has our answer and decides."
    other = " A full refund is an answer, too." if disputes.inquiry(payment) else ""
    left = disputes.left(payment, now)
    until = _clause(" by ", payment.dispute_due_at, told) + (f" ({left})" if left else "")
    return f"{said}. Answer in Stripe{until}.{other}"


def _because(reason: str) -> str:
    """The reason of a decision in brackets; the codes of our own clock say nothing to a person."""
    return "" if not reason or reason in SENTENCES else f" ({reason})"


def _clause(start: str, at: datetime | None, told: Callable[[datetime | None], str]) -> str:
    return f"{start}{told(at)}" if at else ""


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def _lesson(hold: Hold, now: datetime, zone: ZoneInfo) -> str:
    """Where the lesson is in time: "Lesson ended 18:00. "; nothing for a package."""
    starts, ends = hold.subject.starts_at, hold.subject.ends_at
    if starts is None or ends is None:
        return ""
    if hold.subject.booking_status == "cancelled":
        return "Lesson cancelled. "
    if ends <= now:
        return f"Lesson ended {when(ends, now, zone)}. "
    if starts <= now:
        return f"Lesson ends {when(ends, now, zone)}. "
    return f"Lesson starts {when(starts, now, zone)}. "
