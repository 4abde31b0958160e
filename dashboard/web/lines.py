"""A payment as the desk shows it: every number formatted, every instant in the reporting zone."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from dashboard import findings, formats, reasons, sentences, settings
from dashboard.bookings.holds import Entry, Hold
from dashboard.payments.facts import State, Verb
from dashboard.payments.tables import Payment
from dashboard.staff.tables import Staff
from dashboard.web import fuse
from dashboard.web.security import reaches

KEYS = {Verb.CAPTURE: "c", Verb.RELEASE: "l", Verb.REFUND: "f"}
DASHBOARD = "https://dashboard.stripe.com/"


@dataclass(frozen=True, slots=True)
class Due:
    """When a hold ends: the time that is left, rounded down, beside the instant and its zone."""

    countdown: str
    moment: str
    iso: str
    level: str
    estimated: bool


@dataclass(frozen=True, slots=True)
class Action:
    """A movement that may be started: where its form is, and how its link is called."""

    verb: str
    label: str
    amount: str
    href: str
    key: str


@dataclass(frozen=True, slots=True)
class Line:
    """One payment in a list."""

    id: int
    number: str
    student: str
    title: str
    instructor: str
    lesson: str
    amount: str
    status: str
    message: str
    attention: str
    due: Due | None
    ended: str
    fuse: fuse.Fuse | None
    why: str
    settled: bool
    actions: list[Action]
    busy: str


def line(hold: Hold, now: datetime, zone: ZoneInfo, staff: Staff | None) -> Line:
    """What a list shows of a payment, with the actions that this person may start."""
    subject, facts, operation = hold.subject, hold.facts, hold.books.operation
    return Line(
        id=hold.payment.id,
        number=subject.number,
        student=subject.student,
        title=subject.title,
        instructor=subject.instructor,
        lesson=formats.moment(subject.starts_at, zone) if subject.starts_at else "",
        amount=formats.money(facts.authorized or hold.books.purchase.price, hold.currency),
        status=hold.status,
        message=findings.message(hold),
        attention=reasons.ATTENTION.get(hold.books.purchase.attention or "", ""),
        due=due(hold, now, zone),
        ended=_ended(hold, zone),
        fuse=fuse.fuse(hold, now, zone) if facts.held else None,
        why=reasons.why(hold, now, zone),
        settled=hold.step(now).why == "done",
        actions=actions(hold, now, staff),
        busy=sentences.busy(operation, zone) if operation else "",
    )


def due(hold: Hold, now: datetime, zone: ZoneInfo) -> Due | None:
    """The end of a hold; None where nothing is held."""
    at = hold.facts.expires_at
    if at is None or not hold.facts.held:
        return None
    return Due(
        formats.countdown(at, now),
        formats.moment(at, zone),
        at.isoformat(),
        fuse.level(at, now),
        hold.facts.expires_estimated,
    )


def actions(hold: Hold, now: datetime, staff: Staff | None) -> list[Action]:
    """The legal movements, and none for a person who may only look."""
    if staff is None or not reaches(staff, "support"):
        return []
    return [
        Action(
            verb=verb,
            label=verb.capitalize(),
            amount=formats.money(hold.most(verb), hold.currency),
            href=f"/holds/{hold.payment.id}/{verb}",
            key=KEYS[verb],
        )
        for verb in hold.movements(now)
    ]


def _ended(hold: Hold, zone: ZoneInfo) -> str:
    """How and when it ended, for a payment that holds nothing any more."""
    payment = hold.payment
    if payment.ended_at is None:
        return ""
    how = {"captured": "Charged" if hold.books.purchase.at_once else "Captured"}
    word = how.get(payment.end_reason or "", (payment.end_reason or "ended").capitalize())
    return f"{word} {formats.moment(payment.ended_at, zone)}"


@dataclass(frozen=True, slots=True)
class Told:
    """One line of the story."""

    text: str
    reason: str
    actor: str
    amount: str
    moment: str
    iso: str
    status: str
    link: str
    object_id: str


_STATUS_OF = {
    "authorized": "authorized",
    "captured": "captured",
    "charged": "captured",
    "released": "released",
    "expired": "released",
    "cancelled": "released",
    "declined": "failed",
    "refund_succeeded": "refunded",
    "refund_pending": "refunded",
    "refund_failed": "failed",
    "dispute_opened": "failed",
    "operation_refused": "failed",
}


def told(entry: Entry, payments: dict[int, Payment], zone: ZoneInfo) -> Told:
    """A line of the story, with who did it, how much it was, and where Stripe shows it."""
    event, operation = entry.event, entry.operation
    amount = formats.money(event.amount, event.currency)
    back = formats.money(event.given_back, event.currency) if event.given_back else ""
    verb = operation.verb if operation else "movement"
    payment = payments.get(event.payment)
    return Told(
        text=sentences.happened(event.kind, back if event.kind == "captured" else "", verb),
        reason=_reason(entry),
        actor=event.actor,
        amount=amount,
        moment=formats.moment(event.occurred_at, zone),
        iso=event.occurred_at.isoformat(),
        status=_STATUS_OF.get(event.kind, "pending"),
        link=link(payment.stripe_intent_id if payment else None),
        object_id=event.stripe_object_id or "",
    )


def _reason(entry: Entry) -> str:
    operation = entry.operation
    said = sentences.clock_reason(str(entry.event.reason))
    if entry.event.kind == "operation_unknown":
        # What the connection said is for the log; the line says all that a person can use.
        return ""
    if operation is None or operation.verb not in (Verb.RELEASE, Verb.REFUND):
        return "" if entry.event.kind in ("authorized", "captured") else said
    if entry.event.kind.startswith("operation_") or entry.event.kind == "refund_failed":
        return said
    label = sentences.reason(operation.reason, Verb(operation.verb))
    if label == operation.reason and operation.reason in reasons.SENTENCES:
        label = ""
    return ": ".join(part for part in (label, operation.note) if part)


def link(intent_id: str | None) -> str:
    """Where Stripe's own dashboard shows an intent; nothing on the sandbox, which has none."""
    chosen = settings.current()
    if intent_id is None or chosen.sandbox:
        return ""
    mode = "test/" if "_test_" in chosen.stripe_api_key else ""
    return f"{DASHBOARD}{mode}payments/{intent_id}"


def asking(hold: Hold) -> bool:
    """Whether a person may ask Stripe again: an operation is open and nobody knows its end."""
    operation = hold.books.operation
    return operation is not None and State(operation.state) in (State.UNKNOWN, State.STALLED)


@dataclass(frozen=True, slots=True)
class Closing:
    """Finance's last word about something that no longer moves by itself."""

    action: str
    opener: str
    consequence: str
    button: str


def closing(hold: Hold) -> Closing | None:
    """What finance may end by hand: a stalled operation, or a refund that failed."""
    operation, address = hold.books.operation, f"/holds/{hold.payment.id}"
    if operation is not None and operation.state == State.STALLED:
        amount = formats.money(operation.amount, operation.currency)
        verb = operation.verb
        return Closing(
            f"{address}/give-up",
            "Give up…",
            f"Stripe shows no {verb} of {amount}. It is looked for once more; if it isn't there, "
            "we stop asking. What is owed stays as it is.",
            f"Give up the {verb} of {amount}",
        )
    if hold.payment.refund_trouble and hold.facts.refundable:
        amount = formats.money(hold.facts.refundable, hold.currency)
        return Closing(
            f"{address}/keep",
            "Withdraw the refund…",
            f"No refund is tried any more and {amount} is kept. Do this when the student was paid "
            "back in another way, or agreed to pay.",
            f"Keep {amount}",
        )
    return None
