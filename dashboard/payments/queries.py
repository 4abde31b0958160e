"""Reads the rows of the money path: the facts of a purchase, its story, what is due."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from dashboard import settings
from dashboard.payments.case import Case, Step
from dashboard.payments.facts import (
    OPEN,
    CardState,
    OperationFacts,
    PaymentFacts,
    PurchaseFacts,
    State,
    Status,
    Verb,
)
from dashboard.payments.rules import next_step
from dashboard.payments.tables import Operation, Payment, PaymentEvent, Purchase


@dataclass(frozen=True, slots=True)
class Books:
    """One purchase with all that hangs on it, and the same as the facts that rules read."""

    purchase: Purchase
    payments: Sequence[Payment]
    operation: Operation | None

    @property
    def current(self) -> Payment | None:
        return next((payment for payment in self.payments if payment.current), None)

    @property
    def purchase_facts(self) -> PurchaseFacts:
        return purchase_facts(self.purchase)

    @property
    def payment_facts(self) -> list[PaymentFacts]:
        return [payment_facts(payment) for payment in self.payments]

    @property
    def operation_facts(self) -> OperationFacts | None:
        return operation_facts(self.operation) if self.operation else None

    @property
    def current_facts(self) -> PaymentFacts | None:
        return payment_facts(self.current) if self.current else None

    @property
    def ever_stood(self) -> bool:
        """Whether a payment ever stood: a hold was placed, or money was taken.

        An attempt to pay again, after a hold had ended, does not undo that.
        """
        return any(row.authorized_amount > 0 for row in self.payments)

    @property
    def never_held(self) -> bool:
        """Whether it is a far lesson whose hold was never placed."""
        return self.purchase.hold_due_at is not None and not self.ever_stood

    def step(self, now: datetime) -> Step:
        """What happens next, by the one rule that settle and the desk share."""
        return next_step(self.purchase_facts, self.payment_facts, self.operation_facts, now)

    def case(self, now: datetime) -> Case:
        """The same facts as the rules see them."""
        return Case(self.purchase_facts, self.payment_facts, self.operation_facts, now)


async def books(purchase_id: int) -> Books | None:
    """The purchase, its payments (oldest first) and its unfinished operation; None if unknown."""
    # In this order: a post between two of these reads shows an operation that is still open beside
    # its outcome, which is resumed in vain. The other way round it would show neither.
    operation = await Operation.objects().get(Operation.open_for == purchase_id)
    purchase = await Purchase.objects().get(Purchase.id == purchase_id)
    if purchase is None:
        return None
    payments = await Payment.objects().where(Payment.purchase == purchase_id).order_by(Payment.id)
    return Books(purchase, payments, operation)


def policy(row: Purchase) -> str:
    """What happens to a hold of this purchase that would end too early.

    What staff chose for it, else what the student was told at the booking: a shop that changes its
    policy does so for the bookings that come.
    """
    return str(row.policy_override or row.announced_policy or settings.current().expiry_policy)


def purchase_facts(row: Purchase) -> PurchaseFacts:
    return PurchaseFacts(
        id=row.id,
        currency=row.currency,
        price=row.price,
        at_once=row.at_once,
        expiry_policy=policy(row),
        owed=row.owed,
        capture_due_at=row.capture_due_at,
        hold_due_at=row.hold_due_at,
        give_up_at=row.give_up_at,
        saves_card=row.saves_card,
        card_state=CardState(row.card_state),
        paused_until=row.paused_until,
        announced_policy=row.announced_policy,
        policy_override=row.policy_override is not None,
        expiry_decision=row.expiry_decision,
        expiry_decided_for=row.expiry_decided_for,
        refused_count=row.refused_count,
        refused_last_at=row.refused_last_at,
        attempts_refused=row.attempts_refused,
        attempt_refused_at=row.attempt_refused_at,
        attempt_refused_code=row.attempt_refused_code,
    )


def payment_facts(row: Payment) -> PaymentFacts:
    return PaymentFacts(
        id=row.id,
        current=row.current,
        status=Status(row.payment_status),
        created_at=row.created_at,
        renews=row.renews,
        intent_id=row.stripe_intent_id,
        intent_status=row.intent_status,
        authorized=row.authorized_amount,
        captured=row.captured_amount,
        refunded=row.refunded_amount,
        refund_pending=row.refund_pending_amount,
        lost=row.lost_amount,
        withdrawn=row.withdrawn_amount,
        expires_at=row.authorization_expires_at,
        expires_estimated=row.expires_source == "estimate",
        end_reason=row.end_reason,
        disputed=row.disputed_amount > 0,
        inquiry=row.disputed_amount > 0 and row.dispute_status.startswith("warning_"),
        refund_trouble=row.refund_trouble != "",
        synced_at=row.synced_at,
    )


def operation_facts(row: Operation) -> OperationFacts:
    return OperationFacts(
        id=row.id,
        payment_id=row.payment,
        verb=Verb(row.verb),
        state=State(row.state),
        amount=row.amount,
        asked_by=row.asked_by,
        asked_at=row.asked_at,
        due_at=row.due_at or row.asked_at,
        unknown_since=row.unknown_since,
    )


def is_open(row: Operation) -> bool:
    return State(row.state) in OPEN


async def timeline(purchase_id: int) -> list[PaymentEvent]:
    """The story of a purchase, oldest first."""
    return (
        await PaymentEvent.objects()
        .where(PaymentEvent.purchase == purchase_id)
        .order_by(PaymentEvent.occurred_at)
        .order_by(PaymentEvent.id)
    )


async def due_purchases(now: datetime, limit: int) -> list[int]:
    """Purchases that settle should look at, the longest overdue first."""
    rows = (
        await Purchase.select(Purchase.id)
        .where(Purchase.due_at <= now)
        .order_by(Purchase.due_at)
        .limit(limit)
    )
    return [row["id"] for row in rows]


async def due_posts(now: datetime, limit: int) -> list[int]:
    """Payments whose last read of Stripe lost its race, or found Stripe out of reach."""
    rows = (
        await Payment.select(Payment.id)
        .where(Payment.post_due_at <= now)
        .order_by(Payment.post_due_at)
        .limit(limit)
    )
    return [row["id"] for row in rows]
