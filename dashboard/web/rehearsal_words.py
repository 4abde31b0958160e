"""What a replay would change, said to a person."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from dashboard import clock, formats, reasons, sentences
from dashboard.bookings.holds import NOBODY, Hold, subjects
from dashboard.payments.belonging import Foreign
from dashboard.payments.facts import State
from dashboard.payments.rehearsal import Change, Rehearsal
from dashboard.payments.tables import Operation, StripeEvent

COLUMNS = {
    "attempts_refused": "Holds refused in a row",
    "authorization_expires_at": "Hold ends",
    "authorized_amount": "Held",
    "authorized_at": "Held since",
    "captured_amount": "Captured",
    "captured_at": "Captured at",
    "card_state": "Card for later",
    "current": "The payment that counts",
    "dispute_due_at": "Answer the dispute by",
    "dispute_id": "Dispute",
    "dispute_reason": "Dispute, why",
    "dispute_status": "Dispute, state",
    "disputed_amount": "Disputed",
    "end_reason": "Ended how",
    "ended_at": "Ended at",
    "expires_source": "Hold’s end known from",
    "intent_status": "Stripe’s own status",
    "lost_amount": "Lost in disputes",
    "owed": "Owed",
    "payment_method": "Card on file",
    "payment_status": "Status",
    "refund_pending_amount": "Refund under way",
    "refund_pending_since": "Refund under way since",
    "refund_trouble": "Refund’s trouble",
    "refunded_amount": "Refunded",
    "refusal_code": "Refused with",
    "refusal_message": "Refused because",
    "refused_count": "Movements refused in a row",
    "setup_intent_id": "SetupIntent",
    "stripe_charge_id": "Charge",
    "stripe_intent_id": "Intent",
}
_NOUNS = {"authorize": "hold"}
_MADE = {State.SUCCEEDED: "It had worked", State.REFUSED: "It was refused"}


@dataclass(frozen=True, slots=True)
class Told:
    """The dry run as the page shows it: what it comes to, and every part of it."""

    summary: str
    known: str = ""
    columns: tuple[tuple[str, str, str], ...] = ()
    movements: tuple[tuple[str, str, str, str], ...] = ()
    closings: tuple[tuple[str, str], ...] = ()
    then: str = ""

    @property
    def useful(self) -> bool:
        """Whether there is anything to be gained."""
        return bool(self.columns or self.movements or self.closings)


async def told(seen: Rehearsal, event: StripeEvent, zone: ZoneInfo) -> Told:
    """All of it in words; amounts in the payment's currency, instants in `zone`."""
    known = _known(seen)
    if seen.foreign is not None:
        return Told(_foreign(seen, seen.foreign, event), known)
    if seen.payment is None or seen.before is None or seen.after is None or seen.nothing:
        return Told("Nothing: we have it all.", known)
    currency = str(seen.payment.currency)
    return Told(
        summary=f"{_who(event)} would {_summary(seen)}.",
        known=known,
        columns=tuple(_column(one, seen.payment.id, currency, zone) for one in seen.changes),
        movements=_movements(seen, currency, zone),
        closings=tuple((_operation(row), _MADE[state]) for row, state in seen.closings),
        then=await _then(seen, zone),
    )


def _known(seen: Rehearsal) -> str:
    intent = seen.intent
    if intent is None:
        return ""
    amount = formats.money(intent.amount, intent.currency)
    return f"Stripe now: {intent.id} of {amount}, {intent.status.replace('_', ' ')}."


def _foreign(seen: Rehearsal, why: Foreign, event: StripeEvent) -> str:
    named = f"operation {event.operation_id}"
    ours = _operation(seen.operation) if seen.operation else named
    elsewhere = seen.intent.operation_id if seen.intent else None
    said = {
        Foreign.NO_INTENT: "The event names no payment.",
        Foreign.NO_CARD: "Stripe knows this SetupIntent, and no booking of ours waits for it.",
        Foreign.UNNAMED: "The event names no operation of ours: the payment was made elsewhere.",
        Foreign.NOT_OURS: f"The event names {named}, which is none of ours: another shop’s, or a "
        "copy’s.",
        Foreign.NOT_THERE: f"Stripe knows no {event.intent_id} for our key.",
        Foreign.OTHERWISE_NAMED: f"The event names {ours}, but at Stripe the payment names "
        f"{elsewhere or 'none'}.",
        Foreign.TAKEN: f"The event names {ours}, whose payment has another intent already.",
    }
    return f"{said[why]} {_who(event)} would leave it an orphan and change nothing."


def _who(event: StripeEvent) -> str:
    return "The next try" if event.state == "waiting" else "A replay"


def _summary(seen: Rehearsal) -> str:
    def some(count: int, one: str, many: str) -> str:
        return f"1 {one}" if count == 1 else f"{count} {many}"

    lines, columns = len(seen.keys), len(seen.changes)
    parts = [
        "attach the payment to " + _operation(seen.operation)
        if seen.attaches and seen.operation
        else "",
        f"change {some(columns, 'column', 'columns')}" if columns else "",
        f"write {some(lines, 'line', 'lines')} into the story" if lines else "",
        "close " + ", ".join(_operation(row) for row, _ in seen.closings) if seen.closings else "",
    ]
    told = [part for part in parts if part]
    return told[0] if len(told) == 1 else f"{', '.join(told[:-1])} and {told[-1]}"


def _operation(row: Operation) -> str:
    """An operation by who asked for it: "Ana’s capture of $96.00"."""
    amount = formats.money(row.amount, row.currency)
    return f"{row.asked_by}’s {_NOUNS.get(row.asked_verb, row.asked_verb)} of {amount}"


def _column(one: Change, payment_id: int, currency: str, zone: ZoneInfo) -> tuple[str, str, str]:
    name = COLUMNS.get(one.column, one.column.replace("_", " ").capitalize())
    other = one.of == "payment" and one.id != payment_id
    ours, theirs = (_value(one.column, value, currency, zone) for value in (one.ours, one.theirs))
    return f"{name}, of another attempt" if other else name, ours, theirs


def _value(column: str, value: Any, currency: str, zone: ZoneInfo) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return formats.moment(value, zone)
    if isinstance(value, int) and (column.endswith("_amount") or column == "owed"):
        return formats.money(value, currency)
    # Stripe’s words and ours for a state are codes; an id has underscores of its own.
    text = str(value) if value not in (None, "") else "nothing"
    return text.replace("_", " ") if column.endswith(("_status", "_state", "_reason")) else text


def _movements(
    seen: Rehearsal, currency: str, zone: ZoneInfo
) -> tuple[tuple[str, str, str, str], ...]:
    """What it is, its amount, when it happened, and its key."""
    found = [
        (
            sentences.happened(one.kind, "", "movement"),
            formats.money(one.amount, currency) if one.amount else "",
            formats.moment(one.occurred_at, zone),
            one.key,
        )
        for one in seen.movements
    ]
    verbs = {row.id: str(row.asked_verb) for row, _ in seen.closings}
    for key, kind in seen.words.items():
        verb = next((verb for row, verb in verbs.items() if row in key), "movement")
        found.append((sentences.happened(kind, "", verb), "", "", key))
    return tuple(found)


async def _then(seen: Rehearsal, zone: ZoneInfo) -> str:
    """What the rules would make of it: the sentence that the hold's page would show."""
    assert seen.after is not None and seen.payment is not None
    purchase_id = seen.after.purchase.id
    row = next(row for row in seen.after.payments if row.id == seen.payment.id)
    subject = (await subjects([purchase_id])).get(purchase_id, NOBODY)
    return reasons.why(Hold(row, seen.after, subject), clock.now(), zone)
