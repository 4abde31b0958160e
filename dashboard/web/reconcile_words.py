"""A difference as the desk shows it: every field with a name, every value as people read it."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from dashboard import clock, formats
from dashboard.payments.reconcile.causes import Kind
from dashboard.payments.reconcile.tables import ReconcileDifference, ReconcileRun
from dashboard.web import lines

LABELS = {
    "payment_status": "Status",
    "intent_status": "Status at Stripe",
    "end_reason": "How the hold ended",
    "authorized_amount": "Held",
    "captured_amount": "Captured",
    "refunded_amount": "Refunded",
    "refund_pending_amount": "Refund under way",
    "refund_pending_since": "Refund under way since",
    "authorized_at": "Held since",
    "authorization_expires_at": "Expires",
    "expires_source": "Who names the expiry",
    "stripe_charge_id": "Charge",
    "refusal_code": "Why it was refused",
    "dispute_id": "Dispute",
    "dispute_status": "State of the dispute",
    "disputed_amount": "Disputed",
    "dispute_due_at": "Answer the dispute by",
    "lost_amount": "Lost in disputes",
    "currency": "Currency",
    "amount": "Amount asked for",
    "intent_amount": "Amount",
    "intent": "Payment at Stripe",
    "belongs to": "Belongs to",
}
_READ_STRIPE = "Look at it in Stripe's dashboard; when it is explained, acknowledge it."
_STORY = "The story can't be changed. Check the amounts on the payment's page, then acknowledge it."
_PRESSING = "Find out whose money it is before anything is captured or refunded; then acknowledge."
# What a person can do; a kind that is not here waits for another comparison.
CAN = {
    Kind.CURRENCY: _PRESSING,
    Kind.OTHER_AMOUNT: "Check which amount was agreed with the student. Capture or refund the "
    "difference on the payment's page, then acknowledge it.",
    Kind.DOUBLED_EVENT: _STORY,
    Kind.FOREIGN_EVENT: _STORY,
    Kind.WRONG_EVENT: _STORY,
    Kind.OTHER_PAYMENT: _PRESSING,
    Kind.NOT_AT_STRIPE: "Check STRIPE_API_KEY: is it the account and the mode of this payment? "
    "Nothing was changed by its absence.",
    Kind.NO_INTENT: "Look for the amount in Stripe's dashboard. If it is not there, it did not "
    "happen: book anew, and acknowledge it.",
    Kind.ORPHAN: "Adopt it: it is attached to the payment it was made for, and what is owed "
    "decides what becomes of it.",
    Kind.SECOND_INTENT: "Cancel or refund it in Stripe's dashboard, unless it is the one that "
    "counts; then acknowledge it.",
    Kind.MISSING_ROW: _READ_STRIPE,
    Kind.FOREIGN_INTENT: _READ_STRIPE,
    Kind.UNREADABLE: "Somebody who can read the logs has to look; compare again afterwards.",
}
_AGAIN = "Compare again. If it stays, a post fails on it: read the logs, then acknowledge it."
_STAGES = {
    "intents": "reading Stripe's payments",
    "refunds": "reading Stripe's refunds",
    "disputes": "reading Stripe's disputes",
    "ours": "asking about our payments that were not in the list",
    "again": "looking at earlier differences once more",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """One difference: what it is about, the fields that differ, why, and what can be done."""

    id: int
    version: int
    subject: str
    href: str
    intent_id: str
    stripe_link: str
    cause: str
    fields: list[tuple[str, str, str]]
    can: str
    adoptable: bool
    since: str
    iso: str
    decided: str
    reason: str


def shown(row: ReconcileDifference, number: str, zone: ZoneInfo) -> Shown:
    """The difference with `number`, as staff call its booking."""
    held = row.payment is not None
    return Shown(
        id=row.id,
        version=row.version,
        subject=(number or f"payment {row.payment}") if held else "Not ours",
        href=f"/holds/{row.payment}" if held else "",
        intent_id=row.intent_id or "",
        stripe_link=lines.link(row.intent_id),
        cause=row.cause,
        fields=[field(one, row.currency, zone) for one in json.loads(row.fields)],
        can=can(row.kind),
        adoptable=row.kind == Kind.ORPHAN,
        since=formats.moment(row.gone_at or row.first_seen_at, zone),
        iso=(row.gone_at or row.first_seen_at).isoformat(),
        decided=decided(row, zone),
        reason=row.reason,
    )


def decided(row: ReconcileDifference, zone: ZoneInfo) -> str:
    """Who decided what about it, and when; nothing before somebody has."""
    if row.decided_at is None:
        return ""
    did = "adopted" if row.state == "adopted" else "acknowledged"
    return f"{row.decided_by} {did} it {formats.moment(row.decided_at, zone)}"


def faster(row: ReconcileDifference) -> str:
    """Why a decision came too late."""
    if row.decided_at is not None and row.state in ("acknowledged", "adopted"):
        ago = formats.ago(row.decided_at, clock.now())
        did = "adopted" if row.state == "adopted" else "acknowledged"
        return f"{row.decided_by} {did} this {ago} ago: “{row.reason}” Nothing was changed by you."
    if row.state == "open":
        return "This has changed since you saw it. Look at it once more."
    return "This has resolved itself meanwhile. Nothing was changed by you."


def can(kind: str) -> str:
    """What a person can do about it."""
    return CAN.get(Kind(kind), _AGAIN)


def field(one: list[str | int | None], currency: str, zone: ZoneInfo) -> tuple[str, str, str]:
    """A field that differs: its name, our value and Stripe's, as people read them."""
    name = str(one[0])
    label = LABELS.get(name) or _label(name)
    return label, _value(name, one[1], currency, zone), _value(name, one[2], currency, zone)


def _label(name: str) -> str:
    if ":" in name:
        return "In the story"
    return name[:1].upper() + name[1:].replace("_", " ")


def _value(name: str, value: str | int | None, currency: str, zone: ZoneInfo) -> str:
    if value is None or value == "":
        return "nothing"
    if isinstance(value, int):
        return formats.money(value, currency)
    if name.endswith(("_at", "_since")):
        return formats.moment(datetime.fromisoformat(value), zone)
    if ":" in name:
        kind, _, amount = value.rpartition(" ")
        return f"{kind.replace('_', ' ')}, {formats.money(int(amount), currency)}"
    plain = value.startswith(("ch_", "pi_", "dp_", "du_"))
    return value if plain else value.replace("_", " ")


def heading(run: ReconcileRun | None, count: int) -> str:
    """The finding, with its number."""
    if count:
        return (
            "1 payment differs from Stripe"
            if count == 1
            else f"{count} payments differ from Stripe"
        )
    if run is None:
        return "Nothing has been compared with Stripe yet"
    if run.compared == 0:
        return "We and Stripe agree: there are no payments yet"
    some = "1 payment" if run.compared == 1 else f"{run.compared:,} payments"
    return f"We and Stripe agree on {some}"


def last(run: ReconcileRun, zone: ZoneInfo) -> str:
    """When it last ran, for how long, and over what."""
    quick = run.finished_at - run.started_at < timedelta(seconds=1)
    took = "under a second" if quick else formats.ago(run.started_at, run.finished_at)
    by = "by itself" if run.asked_by == "Holdfast" else f"for {run.asked_by}"
    mended = f" {run.converged} brought in line by itself." if run.converged else ""
    moving = f" {run.under_way} on the move, and left alone." if run.under_way else ""
    return (
        f"Compared {formats.moment(run.finished_at, zone)} {by}, in {took}: {run.compared:,} "
        f"payments, {run.read_wholly:,} of them read one by one; at Stripe back to "
        f"{formats.day(run.since, zone)}.{mended}{moving}"
    )


def progress(run: ReconcileRun, zone: ZoneInfo) -> str:
    """How far the run under way has come, or what it waits for."""
    if run.error:
        at = formats.time_of_day(run.due_at, zone) if run.due_at else ""
        return (
            f"Stripe can't be read right now. {run.compared:,} payments are compared; "
            f"it goes on at {at}."
        )
    if run.started_at is None:
        return "Waiting for the worker to begin."
    return f"Comparing: {_STAGES[run.stage]}. {run.compared:,} payments so far."
