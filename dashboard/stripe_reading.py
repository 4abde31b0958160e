"""Translates the SDK's objects into snapshots. It reads attributes only and imports no SDK."""

from datetime import UTC, datetime
from typing import Any

from dashboard.snapshots import Charge, Dispute, FundsMoved, Intent, Refund, Refusal, Setup


def instant(seconds: int | None) -> datetime | None:
    """Unix seconds as an aware UTC instant; None stays None."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def refusal(error: Any, charge_id: str | None = None) -> Refusal | None:
    """A last_payment_error, or the `error` of an answer, as a Refusal."""
    if error is None:
        return None
    intent = getattr(error, "payment_intent", None)
    return Refusal(
        code=getattr(error, "code", None) or getattr(error, "type", None) or "error",
        message=getattr(error, "message", None) or "Stripe gave no reason.",
        decline_code=getattr(error, "decline_code", None),
        intent_id=None if intent is None else intent.id,
        charge_id=getattr(error, "charge", None) or charge_id,
    )


def charge(raw: Any) -> Charge | None:
    """A charge with its card's `capture_before` and, when known, when the money was taken."""
    if raw is None or isinstance(raw, str):
        return None
    details = getattr(raw, "payment_method_details", None)
    card = getattr(details, "card", None) if details else None
    settled = getattr(raw, "balance_transaction", None)
    failed = raw.status == "failed"
    return Charge(
        id=raw.id,
        created_at=_at(raw.created),
        status=raw.status,
        amount=raw.amount,
        captured=raw.captured,
        amount_captured=raw.amount_captured,
        capture_before=instant(getattr(card, "capture_before", None)) if card else None,
        settled_at=instant(getattr(settled, "created", None)),
        fee=getattr(settled, "fee", None),
        fee_currency=getattr(settled, "currency", ""),
        refusal=Refusal(
            code=raw.failure_code or "card_declined",
            message=raw.failure_message or "The card was declined.",
            charge_id=raw.id,
        )
        if failed
        else None,
    )


def refund(raw: Any) -> Refund:
    """A refund; its operation is read from the metadata that we gave it."""
    return Refund(
        id=raw.id,
        amount=raw.amount,
        status=raw.status or "pending",
        created_at=_at(raw.created),
        reason=raw.reason,
        operation_id=operation_of(raw),
        failure_reason=getattr(raw, "failure_reason", None),
    )


def dispute(raw: Any) -> Dispute:
    """A dispute and the funds that it moved."""
    details = getattr(raw, "evidence_details", None)
    return Dispute(
        id=raw.id,
        amount=raw.amount,
        status=raw.status,
        reason=raw.reason,
        created_at=_at(raw.created),
        due_at=instant(getattr(details, "due_by", None)) if details else None,
        funds=tuple(
            FundsMoved(
                id=moved.id,
                amount=_moved(moved, raw),
                created_at=_at(moved.created),
                fee=getattr(moved, "fee", 0),
                fee_currency=moved.currency,
            )
            for moved in raw.balance_transactions
        ),
    )


def _moved(transaction: Any, raw: Any) -> int:
    """What a dispute moved, in the charge's currency, which our balance may not be kept in."""
    if transaction.currency == raw.currency:
        return int(transaction.amount)
    return int(-raw.amount if transaction.amount < 0 else raw.amount)


def intent(raw: Any, refunds: list[Refund], disputes: list[Dispute], now: datetime) -> Intent:
    """A PaymentIntent that was read with `latest_charge` expanded."""
    latest = charge(raw.latest_charge)
    return Intent(
        id=raw.id,
        status=raw.status,
        currency=raw.currency,
        amount=raw.amount,
        amount_received=raw.amount_received,
        created_at=_at(raw.created),
        fetched_at=now,
        manual=raw.capture_method == "manual",
        payment_method=id_of(raw.payment_method),
        operation_id=operation_of(raw),
        canceled_at=instant(raw.canceled_at),
        cancellation_reason=raw.cancellation_reason,
        last_refusal=refusal(raw.last_payment_error, latest.id if latest else None),
        charge=latest,
        refunds=tuple(refunds),
        disputes=tuple(disputes),
        client_secret=raw.client_secret,
    )


def id_of(value: Any) -> str | None:
    """The id of an object that may stand there whole, as its id, or not at all."""
    return value if value is None or isinstance(value, str) else str(value.id)


def operation_of(raw: Any) -> str | None:
    """The operation that the metadata of an object names, if any."""
    metadata = raw.metadata
    if not metadata or "operation_id" not in metadata:
        return None
    return str(metadata["operation_id"])


def setup(raw: Any) -> Setup:
    """A SetupIntent, with why the bank said no if it did."""
    said = refusal(raw.last_setup_error)
    refused = raw.status == "canceled" or (raw.status == "requires_payment_method" and said)
    return Setup(
        id=raw.id,
        status="refused" if refused else raw.status,
        payment_method=id_of(raw.payment_method),
        refusal=said,
        client_secret=raw.client_secret,
    )
