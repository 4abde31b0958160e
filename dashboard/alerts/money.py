"""Reads where money is at risk now; each query through an index."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from dashboard import reasons
from dashboard.alerts.kinds import Kind, Severity, Trouble
from dashboard.alerts.lateness import LATE
from dashboard.payments.case import REFUSALS_UNTIL_A_PERSON_LOOKS, UNKNOWN_ALERT_AFTER
from dashboard.payments.facts import State, Status
from dashboard.payments.queries import payment_facts
from dashboard.payments.tables import Operation, Payment, PaymentEvent, Purchase

DAY = timedelta(hours=24)
# So close to its end a hold can't wait for the next morning.
PRESSING = timedelta(hours=2)
# Of each kind. Beyond that nobody reads them one by one.
MOST = 200
_OF_PURCHASES = {"refund_failed": Kind.REFUND_FAILED, "expired": Kind.HOLD_MISSED}


async def holds(now: datetime) -> list[Trouble]:
    """Holds that end within a day and that automation will not, or could not, capture.

    Will not: a person's attention is asked for, by the same rule that the queue goes by. Could not:
    the purchase is overdue, or settling it keeps failing.
    """
    wanted = Payment.purchase.owed.is_null() | (Payment.purchase.owed > 0)
    stuck = (
        Payment.purchase.attention.is_not_null()
        | (Payment.purchase.due_at < now - LATE)
        | (Payment.purchase.settle_failures >= REFUSALS_UNTIL_A_PERSON_LOOKS)
    )
    rows = (
        await Payment.select(
            Payment.id,
            Payment.purchase,
            Payment.authorized_amount,
            Payment.currency,
            Payment.authorization_expires_at,
            Payment.purchase.attention.as_alias("attention"),
            Payment.purchase.attention_since.as_alias("attention_since"),
            Payment.purchase.due_at.as_alias("due_at"),
        )
        .where(
            (Payment.payment_status == Status.AUTHORIZED)
            & (Payment.authorization_expires_at <= now + DAY)
            & Payment.current.eq(True)
            & wanted
            & stuck
        )
        .order_by(Payment.authorization_expires_at)
        .order_by(Payment.id)
        .limit(MOST)
    )
    return [_hold(row, now) for row in rows]


def _hold(row: dict[str, Any], now: datetime) -> Trouble:
    ends = row["authorization_expires_at"]
    overdue = row["due_at"] if row["due_at"] and row["due_at"] < now - LATE else None
    since = row["attention_since"] or overdue or now
    why = reasons.ATTENTION.get(row["attention"] or "", "Overdue" if overdue else "Keeps failing")
    return Trouble(
        Kind.HOLD_AT_RISK,
        max(since, min(ends - DAY, now)),
        Severity.CRITICAL if ends - now < PRESSING else Severity.WARNING,
        str(row["id"]),
        row["authorized_amount"],
        row["currency"],
        row["id"],
        row["purchase"],
        ends,
        why,
    )


async def operations(now: datetime) -> list[Trouble]:
    """Movements whose outcome has been unknown for long, or that have stalled."""
    unknown = (Operation.state == State.UNKNOWN) & (
        Operation.unknown_since <= now - UNKNOWN_ALERT_AFTER
    )
    rows = (
        await Operation.select(
            Operation.id,
            Operation.payment,
            Operation.purchase,
            Operation.amount,
            Operation.currency,
            Operation.verb,
            Operation.state,
            Operation.asked_at,
            Operation.unknown_since,
        )
        # Not "is not null": only a range goes through the unique index.
        .where((Operation.open_for > 0) & (unknown | (Operation.state == State.STALLED)))
        .order_by(Operation.open_for)
        .limit(MOST)
    )
    return [_operation(row) for row in rows]


def _operation(row: dict[str, Any]) -> Trouble:
    stalled = row["state"] == State.STALLED
    return Trouble(
        Kind.OPERATION_STALLED if stalled else Kind.OUTCOME_UNKNOWN,
        row["unknown_since"] or row["asked_at"],
        subject=row["id"],
        amount=row["amount"],
        currency=row["currency"],
        payment=row["payment"],
        purchase=row["purchase"],
        detail=str(row["verb"]).capitalize(),
    )


async def purchases(now: datetime) -> list[Trouble]:
    """Refunds that failed, and holds that ended with their lesson unpaid."""
    rows = (
        await Purchase.objects()
        .where(Purchase.attention.is_in(list(_OF_PURCHASES)))
        .order_by(Purchase.attention)
        .order_by(Purchase.attention_since)
        .limit(MOST * len(_OF_PURCHASES))
    )
    if not rows:
        return []
    payments = await Payment.objects().where(Payment.purchase.is_in([row.id for row in rows]))
    missed = await _missed([payment.id for payment in payments])
    found = []
    for row in rows:
        own = [payment for payment in payments if payment.purchase == row.id]
        current = next((payment for payment in own if payment.current), None)
        troubled = next((payment for payment in own if payment.refund_trouble), current)
        if current is not None and troubled is not None:
            found.append(_purchase(row, current, troubled, now, missed))
    return found


async def _missed(payment_ids: Sequence[int]) -> dict[int, str]:
    """Why these holds could not be captured in time, where nothing had run, by payment."""
    keys = [f"missed:{payment_id}" for payment_id in payment_ids]
    rows = await PaymentEvent.select(PaymentEvent.payment, PaymentEvent.reason).where(
        PaymentEvent.key.is_in(keys)
    )
    return {row["payment"]: row["reason"] for row in rows}


def _purchase(
    row: Purchase, current: Payment, troubled: Payment, now: datetime, missed: dict[int, str]
) -> Trouble:
    kind, owed = _OF_PURCHASES[row.attention], row.price if row.owed is None else row.owed
    shown, amount, detail = current, owed, missed.get(current.id, "")
    if kind is Kind.REFUND_FAILED:
        shown, detail = troubled, str(troubled.refund_trouble).rstrip(".")
        due = owed if troubled.current else troubled.withdrawn_amount
        amount = max(0, payment_facts(troubled).refundable - due)
    return Trouble(
        kind,
        row.attention_since or now,
        # Each failure of the same refund is the same matter; another hold that ends is another one.
        subject=str(shown.id),
        amount=amount,
        currency=row.currency,
        payment=shown.id,
        purchase=row.id,
        detail=detail,
    )


async def disputes(now: datetime) -> list[Trouble]:
    """Disputes in which it is our turn; in the others only the bank can do something."""
    rows = (
        await Payment.select(
            Payment.id,
            Payment.purchase,
            Payment.disputed_amount,
            Payment.currency,
            Payment.dispute_id,
            Payment.dispute_status,
            Payment.dispute_due_at,
            Payment.purchase.attention_since.as_alias("since"),
        )
        .where(Payment.disputed_amount > 0)
        .order_by(Payment.dispute_due_at)
        .order_by(Payment.id)
        .limit(MOST)
    )
    return [
        Trouble(
            Kind.DISPUTE_OPEN,
            row["since"] or now,
            _of_dispute(row["dispute_due_at"], now),
            row["dispute_id"] or str(row["id"]),
            row["disputed_amount"],
            row["currency"],
            row["id"],
            row["purchase"],
            row["dispute_due_at"],
        )
        for row in rows
        if row["dispute_status"].endswith("needs_response")
    ]


def _of_dispute(due_at: datetime | None, now: datetime) -> Severity:
    pressing = due_at is not None and now < due_at <= now + DAY
    return Severity.CRITICAL if pressing else Severity.WARNING
