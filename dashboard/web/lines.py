"""A payment as the desk shows it: every number formatted, every instant in the reporting zone."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from dashboard import findings, formats, reasons, sentences, settings
from dashboard.bookings.holds import Hold, Subject
from dashboard.payments.facts import State, Verb
from dashboard.staff.tables import Staff, reaches
from dashboard.web import fuse, outages

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
    # The same as the student reads it, where that is another time.
    local: str
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
    said: str


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
        local=_local(subject, zone),
        amount=formats.money(facts.authorized or hold.books.purchase.price, hold.currency),
        status=hold.status,
        message=findings.message(hold),
        attention=reasons.attention(hold),
        due=due(hold, now, zone),
        ended=_ended(hold, zone),
        fuse=fuse.fuse(hold, now, zone) if facts.held else None,
        why=reasons.why(hold, now, zone),
        settled=hold.step(now).why == "done",
        actions=actions(hold, now, staff),
        busy=sentences.busy(operation, zone) if operation else "",
        said=_said(hold, zone),
    )


def _local(subject: Subject, zone: ZoneInfo) -> str:
    """When the lesson starts where the student lives; nothing where the clock shows the same."""
    at = subject.starts_at
    if at is None:
        return ""
    theirs = formats.zone_of(subject.time_zone, zone)
    if at.astimezone(theirs).utcoffset() == at.astimezone(zone).utcoffset():
        return ""
    return f"{formats.moment(at, theirs)} for {subject.first_name}"


def _said(hold: Hold, zone: ZoneInfo) -> str:
    """What a change of it is told as, to somebody who has the page open."""
    operation = hold.books.operation
    if operation is not None:
        return sentences.busy(operation, zone)
    return ". ".join(part for part in (reasons.attention(hold), findings.message(hold)) if part)


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
    """The legal movements; none for a person who may only look, nor while Stripe is away."""
    if staff is None or not reaches(staff, "support") or outages.away(outages.STRIPE, now):
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


def link(intent_id: str | None) -> str:
    """Where Stripe's own dashboard shows an intent; nothing on the sandbox, which has none."""
    return _at_stripe("payments", intent_id)


def dispute_link(dispute_id: str | None) -> str:
    """Where evidence is given in Stripe's own dashboard."""
    return _at_stripe("disputes", dispute_id)


def _at_stripe(where: str, object_id: str | None) -> str:
    chosen = settings.current()
    if object_id is None or chosen.sandbox:
        return ""
    mode = "test/" if "_test_" in chosen.stripe_api_key else ""
    return f"{DASHBOARD}{mode}{where}/{object_id}"


def asking(hold: Hold) -> bool:
    """Whether a person may ask Stripe again: an operation is open and nobody knows its end."""
    operation = hold.books.operation
    return operation is not None and State(operation.state) in (State.UNKNOWN, State.STALLED)
