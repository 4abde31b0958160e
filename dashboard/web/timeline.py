"""The story of a purchase's money as the desk tells it: a line an event, with its actor."""

from collections.abc import Callable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from dashboard import disputes, formats, reasons, sentences
from dashboard.bookings.holds import Entry
from dashboard.payments.facts import Verb
from dashboard.payments.tables import Payment
from dashboard.web import lines


@dataclass(frozen=True, slots=True)
class Told:
    """One line of the story. `group` is money, message, system or staff; `href` leads to what it
    is about, which is called `called`."""

    group: str
    text: str
    reason: str
    actor: str
    moment: str
    iso: str
    status: str
    amount: str = ""
    link: str = ""
    object_id: str = ""
    href: str = ""
    called: str = ""


STATUS_OF = {
    "authorized": "authorized",
    "captured": "captured",
    "charged": "captured",
    "released": "released",
    "expired": "released",
    "cancelled": "released",
    "declined": "failed",
    "refund_succeeded": "refunded",
    "refund_pending": "pending",
    "refund_failed": "failed",
    "dispute_opened": "failed",
    "funds_withdrawn": "failed",
    "funds_reinstated": "captured",
    "operation_refused": "failed",
}


def _nothing(_: str) -> str:
    return ""


# How these say their reason. What the connection said of an unclear answer is for the log.
_OWN_WORDS: dict[str, Callable[[str], str]] = {
    "dispute_opened": disputes.reason,
    "dispute_answered": _nothing,
    "dispute_closed": disputes.ending,
    "funds_withdrawn": _nothing,
    "funds_reinstated": _nothing,
    "operation_unknown": _nothing,
    "refund_failed": lambda said: said.replace("_", " "),
}


def told(entry: Entry, payments: dict[int, Payment], zone: ZoneInfo) -> Told:
    """A line of the story, with who did it, how much it was, and where Stripe shows it."""
    event, operation = entry.event, entry.operation
    back = formats.money(event.given_back, event.currency) if event.given_back else ""
    verb = operation.verb if operation else "movement"
    payment = payments.get(event.payment)
    return Told(
        group=_group(entry),
        text=sentences.happened(event.kind, back if event.kind == "captured" else "", verb),
        reason=_reason(entry),
        actor=event.actor,
        # A word about the money moves none: a line without an amount says so.
        amount=formats.money(event.amount, event.currency) if event.amount else "",
        moment=formats.moment(event.occurred_at, zone),
        iso=event.occurred_at.isoformat(),
        status=_status(entry),
        link=lines.link(payment.stripe_intent_id if payment else None),
        object_id=event.stripe_object_id or "",
    )


def _group(entry: Entry) -> str:
    if entry.event.kind in STATUS_OF or entry.event.kind.startswith("dispute"):
        return "money"
    return "staff" if entry.event.cause == "staff" else "system"


def _status(entry: Entry) -> str:
    if entry.event.kind == "dispute_closed":
        return "failed" if entry.event.reason == "lost" else "captured"
    return STATUS_OF.get(entry.event.kind, "pending")


def _reason(entry: Entry) -> str:
    operation, said = entry.operation, sentences.rule_reason(str(entry.event.reason))
    if entry.event.kind in _OWN_WORDS:
        words = _OWN_WORDS[entry.event.kind](said)
        return f"{words[:1].upper()}{words[1:]}"
    if operation is None or operation.verb not in (Verb.RELEASE, Verb.REFUND):
        return "" if entry.event.kind in ("authorized", "captured") else said
    if entry.event.kind.startswith("operation_"):
        return said
    label = sentences.reason(operation.reason, Verb(operation.verb))
    if label == operation.reason and operation.reason in reasons.SENTENCES:
        label = ""
    return ": ".join(part for part in (label, operation.note) if part)
