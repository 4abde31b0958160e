"""What Stripe says, in our words: immutable pictures of its objects at one instant.

Amounts are integers in the currency's minor unit; instants are aware and in UTC. The gateway makes
these from the SDK's objects; everything behind it reads these and never the SDK's.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why Stripe said no. `message` is Stripe's own sentence and names no card number."""

    code: str
    message: str
    decline_code: str | None = None
    intent_id: str | None = None
    charge_id: str | None = None


@dataclass(frozen=True, slots=True)
class Refund:
    id: str
    amount: int
    status: str
    created_at: datetime
    reason: str | None = None
    operation_id: str | None = None
    failure_reason: str | None = None

    @property
    def succeeded(self) -> bool:
        return self.status == "succeeded"

    @property
    def pending(self) -> bool:
        return self.status in ("pending", "requires_action")

    @property
    def failed(self) -> bool:
        return self.status in ("failed", "canceled")


@dataclass(frozen=True, slots=True)
class FundsMoved:
    """A balance transaction of a dispute: negative when the funds were withdrawn.

    Its fee is in the currency of our balance, as every fee is; one that is given back is negative.
    """

    id: str
    amount: int
    created_at: datetime
    fee: int = 0
    fee_currency: str = ""


@dataclass(frozen=True, slots=True)
class Dispute:
    id: str
    amount: int
    status: str
    reason: str
    created_at: datetime
    due_at: datetime | None = None
    funds: tuple[FundsMoved, ...] = ()

    @property
    def open(self) -> bool:
        return self.status not in ("won", "lost", "warning_closed", "prevented")

    @property
    def inquiry(self) -> bool:
        """The bank only asks: no money was taken back yet."""
        return self.status.startswith("warning_")

    @property
    def needs_answer(self) -> bool:
        """It is our turn to send evidence; else the bank decides."""
        return self.status in ("needs_response", "warning_needs_response")


@dataclass(frozen=True, slots=True)
class Charge:
    """The latest charge of an intent: the hold itself, a decline, or the money that was taken."""

    id: str
    created_at: datetime
    status: str
    amount: int
    captured: bool
    amount_captured: int
    capture_before: datetime | None = None
    settled_at: datetime | None = None
    # What Stripe kept of it; unknown until it has booked the charge.
    fee: int | None = None
    fee_currency: str = ""
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True)
class Intent:
    """A PaymentIntent with its latest charge, all of its refunds and its disputes."""

    id: str
    status: str
    currency: str
    amount: int
    amount_received: int
    created_at: datetime
    fetched_at: datetime
    manual: bool
    payment_method: str | None = None
    operation_id: str | None = None
    canceled_at: datetime | None = None
    cancellation_reason: str | None = None
    last_refusal: Refusal | None = None
    charge: Charge | None = None
    refunds: tuple[Refund, ...] = ()
    disputes: tuple[Dispute, ...] = ()
    client_secret: str | None = field(default=None, repr=False)

    @property
    def held(self) -> bool:
        return self.status == "requires_capture"

    @property
    def waiting(self) -> bool:
        """The customer could still make it succeed, or the bank is still at it."""
        return self.status in (
            "requires_payment_method",
            "requires_confirmation",
            "requires_action",
            "processing",
        )

    @property
    def expired(self) -> bool:
        return self.status == "canceled" and self.cancellation_reason in ("expired", "automatic")

    @property
    def refunded(self) -> int:
        """What has gone back, in minor units."""
        return sum(refund.amount for refund in self.refunds if refund.succeeded)

    @property
    def refund_pending_since(self) -> datetime | None:
        """Since when the oldest refund is on its way; None when none is."""
        return min((refund.created_at for refund in self.refunds if refund.pending), default=None)

    @property
    def dispute_fee(self) -> int:
        """What Stripe kept for its disputes, where that is in the payment's own currency."""
        moves = [moved for dispute in self.disputes for moved in dispute.funds]
        return max(0, sum(one.fee for one in moves if one.fee_currency == self.currency))

    @property
    def pressing_dispute(self) -> Dispute | None:
        """The dispute to tell of: an open one before a closed one, money that is gone before a mere
        inquiry, one that waits for our answer before one that waits for the bank, the first due.
        """
        if not any(dispute.open for dispute in self.disputes):
            return max(self.disputes, key=lambda item: item.created_at, default=None)
        return min(
            (dispute for dispute in self.disputes if dispute.open),
            key=lambda item: (
                item.inquiry,
                not item.needs_answer,
                item.due_at is None,
                item.due_at or item.created_at,
            ),
        )

    @property
    def hold_charge(self) -> Charge | None:
        """The charge that reserved or took money; None when the latest one was declined."""
        return self.charge if self.charge and self.charge.refusal is None else None


@dataclass(frozen=True, slots=True)
class Setup:
    """A SetupIntent: how the saving of a card stands. `refused` where the bank said no."""

    id: str
    status: str
    payment_method: str | None = None
    refusal: Refusal | None = None
    client_secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Call:
    """A mutation, exactly as it is written down and sent, and sent again."""

    kind: Literal["create", "capture", "cancel", "refund"]
    target: str | None
    params: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a mutation's answer settles. `unclear` settles nothing."""

    outcome: Literal["done", "refused", "unclear"]
    object_id: str | None = None
    refusal: Refusal | None = None
    why: str = ""
    replayed_error: bool = False
