"""Reads a snapshot of Stripe: a payment's columns, and the movements in it.

Pure functions of what Stripe says now; they never look at what we believed before, so a repeated,
late or reordered notification leads to the same rows.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from dashboard.payments.facts import Status
from dashboard.snapshots import Dispute, Intent, Refund

# When Stripe names no `capture_before`: the shortest life of a Visa hold that it documents.
ESTIMATED_LIFE = timedelta(days=4, hours=18)
# Intent states in which its charge, unless it was declined, has reserved or taken money.
RESERVED = ("requires_capture", "succeeded", "canceled")


@dataclass(frozen=True, slots=True)
class Movement:
    """One movement that Stripe shows, under the key that makes it count once.

    `occurred_by` tells whose clock `occurred_at` is: stripe, event or fetch. `operation_id` is the
    one that Stripe's metadata names. Amounts in minor units.
    """

    key: str
    kind: str
    amount: int
    occurred_at: datetime
    object_id: str
    occurred_by: str = "stripe"
    given_back: int = 0
    operation_id: str | None = None
    reason: str = ""
    code: str = ""


def standing(intent: Intent) -> dict[str, Any]:
    """The columns of a payment that Stripe decides, by name; amounts in minor units."""
    charge = intent.hold_charge
    held = charge is not None and intent.status in RESERVED
    captured = intent.amount_received if intent.status == "succeeded" else 0
    status = _status(intent, captured)
    failed = intent.last_refusal if status is Status.FAILED else None
    return {
        "payment_status": status,
        "stripe_intent_id": intent.id,
        "stripe_charge_id": charge.id if charge else None,
        "intent_status": intent.status,
        "authorized_amount": charge.amount if charge and held else 0,
        "captured_amount": captured,
        "refunded_amount": intent.refunded,
        "refund_pending_amount": sum(refund.amount for refund in intent.refunds if refund.pending),
        "refund_pending_since": intent.refund_pending_since,
        "fee_amount": charge.fee if charge else None,
        "fee_currency": charge.fee_currency if charge else "",
        "dispute_fee_amount": intent.dispute_fee,
        "authorized_at": charge.created_at if charge and held else None,
        "refusal_code": (failed.decline_code or failed.code)[:80] if failed else "",
        "refusal_message": failed.message[:500] if failed else "",
        "synced_at": intent.fetched_at,
        **_expiry(intent, held),
        **_end(intent, held),
        **_disputes(intent),
    }


def _status(intent: Intent, captured: int) -> Status:
    if intent.status == "requires_capture":
        return Status.AUTHORIZED
    if intent.status == "succeeded":
        return Status.REFUNDED if captured and intent.refunded == captured else Status.CAPTURED
    if intent.status == "canceled":
        return Status.RELEASED if intent.hold_charge else Status.FAILED
    if intent.status == "requires_payment_method" and intent.last_refusal:
        return Status.FAILED
    return Status.PENDING


def _expiry(intent: Intent, held: bool) -> dict[str, Any]:
    charge = intent.hold_charge
    if charge is None or not held or not intent.manual:
        return {"authorization_expires_at": None, "expires_source": ""}
    if charge.capture_before is not None:
        return {"authorization_expires_at": charge.capture_before, "expires_source": "network"}
    estimate = charge.created_at + ESTIMATED_LIFE
    return {"authorization_expires_at": estimate, "expires_source": "estimate"}


def _end(intent: Intent, held: bool) -> dict[str, Any]:
    if intent.status == "succeeded":
        at = _taken_at(intent, None)[0]
        return {"captured_at": at, "ended_at": at, "end_reason": "captured"}
    if intent.status == "canceled":
        reason = "expired" if intent.expired and held else "released" if held else "cancelled"
        return {"captured_at": None, "ended_at": intent.canceled_at, "end_reason": reason}
    return {"captured_at": None, "ended_at": None, "end_reason": None}


def _disputes(intent: Intent) -> dict[str, Any]:
    told = intent.pressing_dispute
    return {
        "dispute_id": told.id if told else None,
        "dispute_status": told.status if told else "",
        "dispute_reason": told.reason[:80] if told else "",
        "disputed_amount": sum(item.amount for item in intent.disputes if item.open),
        "dispute_due_at": told.due_at if told and told.open else None,
        "lost_amount": sum(item.amount for item in intent.disputes if item.status == "lost"),
    }


def _taken_at(intent: Intent, event_at: datetime | None) -> tuple[datetime, str]:
    """When the money was taken, and whose clock says so."""
    charge = intent.hold_charge
    if charge and not intent.manual:
        return charge.created_at, "stripe"
    if charge and charge.settled_at:
        return charge.settled_at, "stripe"
    return (event_at, "event") if event_at else (intent.fetched_at, "fetch")


def movements(intent: Intent, event_at: datetime | None = None) -> Iterator[Movement]:
    """Every movement in the snapshot, oldest kind first.

    `event_at` is the time of the event that made us look: the second-best time of a capture.
    """
    yield from _declined(intent)
    if intent.hold_charge and intent.manual:
        held = intent.hold_charge
        if intent.status in RESERVED:
            yield Movement(f"hold:{held.id}", "authorized", held.amount, held.created_at, held.id)
    yield from _ended(intent, event_at)
    for refund in intent.refunds:
        yield _refund(refund, _noticed(refund.created_at, event_at, intent.fetched_at))
    for dispute in intent.disputes:
        yield from _dispute(dispute, _noticed(dispute.created_at, event_at, intent.fetched_at))


def _noticed(
    since: datetime, event_at: datetime | None, fetched_at: datetime
) -> tuple[datetime, str]:
    """When something ended that Stripe gives no time for, and whose clock says so.

    An event from before it began tells nothing about its end.
    """
    if event_at is not None and event_at >= since:
        return event_at, "event"
    return fetched_at, "fetch"


def _declined(intent: Intent) -> Iterator[Movement]:
    """A refusal that Stripe shows: of a charge, or of the attempt itself before there was one."""
    charge, said = intent.charge, intent.last_refusal
    by = intent.operation_id
    if charge and charge.refusal:
        why = charge.refusal
        key, amount, at, of = f"declined:{charge.id}", charge.amount, charge.created_at, charge.id
    elif said and by and intent.status == "requires_payment_method":
        why, key, amount, at, of = (
            said,
            f"declined:{by}",
            intent.amount,
            intent.created_at,
            intent.id,
        )
    else:
        return
    code = (said or why).decline_code or (said or why).code
    yield Movement(key, "declined", amount, at, of, operation_id=by, reason=why.message, code=code)


def _ended(intent: Intent, event_at: datetime | None) -> Iterator[Movement]:
    charge = intent.hold_charge
    if intent.status == "succeeded" and charge:
        at, whose = _taken_at(intent, event_at)
        yield Movement(
            f"end:{charge.id}",
            "captured" if intent.manual else "charged",
            intent.amount_received,
            at,
            charge.id,
            occurred_by=whose,
            given_back=charge.amount - intent.amount_received,
            operation_id=intent.operation_id,
        )
    if intent.status == "canceled":
        at = intent.canceled_at or intent.fetched_at
        why = intent.cancellation_reason or ""
        if charge is None:
            yield Movement(f"cancel:{intent.id}", "cancelled", 0, at, intent.id, reason=why)
        else:
            yield Movement(
                f"end:{charge.id}",
                "expired" if intent.expired else "released",
                charge.amount,
                at,
                charge.id,
                given_back=charge.amount,
                reason=why,
            )


def _refund(refund: Refund, noticed: tuple[datetime, str]) -> Movement:
    phase = "succeeded" if refund.succeeded else "failed" if refund.failed else "pending"
    why = refund.reason
    if refund.failed:
        why = refund.failure_reason or ("canceled" if refund.status == "canceled" else "")
    # The bank may take days to send a refund back: that is no news of the day it was made.
    at, whose = noticed if refund.failed else (refund.created_at, "stripe")
    return Movement(
        f"refund:{refund.id}:{phase}",
        f"refund_{phase}",
        refund.amount,
        at,
        refund.id,
        occurred_by=whose,
        operation_id=refund.operation_id,
        reason=why or "",
    )


def _dispute(dispute: Dispute, noticed: tuple[datetime, str]) -> Iterator[Movement]:
    def told(phase: str, at: datetime, whose: str, reason: str) -> Movement:
        return Movement(
            f"dispute:{dispute.id}:{phase}",
            f"dispute_{phase}",
            dispute.amount,
            at,
            dispute.id,
            occurred_by=whose,
            reason=reason,
        )

    yield told("opened", dispute.created_at, "stripe", dispute.reason)
    for moved in dispute.funds:
        yield Movement(
            f"funds:{moved.id}",
            "funds_withdrawn" if moved.amount < 0 else "funds_reinstated",
            abs(moved.amount),
            moved.created_at,
            moved.id,
            reason=dispute.reason,
        )
    if dispute.open and not dispute.needs_answer:
        yield told("answered", *noticed, dispute.status)
    if not dispute.open:
        yield told("closed", *noticed, dispute.status)
