"""The words of the money path and the facts that its rules read. Pure: no database, no Stripe."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Status(StrEnum):
    """What a student and the staff are told about a payment."""

    PENDING = "pending"
    AUTHORIZED = "authorized"
    CAPTURED = "captured"
    FAILED = "failed"
    REFUNDED = "refunded"
    RELEASED = "released"


class Verb(StrEnum):
    """The movements of money. A release also cancels an intent that holds nothing yet."""

    AUTHORIZE = "authorize"
    CHARGE = "charge"
    CAPTURE = "capture"
    RELEASE = "release"
    REFUND = "refund"


CREATES = (Verb.AUTHORIZE, Verb.CHARGE)
ENDS_A_HOLD = (Verb.CAPTURE, Verb.RELEASE)


class State(StrEnum):
    """The life of an operation."""

    PLANNED = "planned"
    SENDING = "sending"
    UNKNOWN = "unknown"
    STALLED = "stalled"
    SUCCEEDED = "succeeded"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    OVERTAKEN = "overtaken"
    GIVEN_UP = "given_up"


OPEN = (State.PLANNED, State.SENDING, State.UNKNOWN, State.STALLED)


# What may become of a hold that would end before its planned capture.
POLICIES = ("capture", "renew", "release", "alert")


class CardState(StrEnum):
    """How the saving of a card for later stands; NONE where no card is saved on its own."""

    NONE = "none"
    WANTED = "wanted"
    NEEDS_CUSTOMER = "needs_customer"
    SAVED = "saved"
    REFUSED = "refused"


# Intent states in which the customer, or the customer's bank, can still make a payment succeed.
WAITING = ("requires_payment_method", "requires_confirmation", "requires_action", "processing")


@dataclass(frozen=True, slots=True)
class PurchaseFacts:
    """What was bought, what is owed for it, and how its automatic movements have fared.

    Amounts in minor units. `owed` is None until somebody, or the clock, has decided.
    """

    id: int
    currency: str
    price: int
    at_once: bool
    expiry_policy: str
    owed: int | None = None
    capture_due_at: datetime | None = None
    # A far lesson: when its hold is placed on the saved card, and until when that is tried.
    hold_due_at: datetime | None = None
    give_up_at: datetime | None = None
    saves_card: bool = False
    card_state: CardState = CardState.NONE
    paused_until: datetime | None = None
    # What the first e-mail said would happen to a hold that ends too early.
    announced_policy: str | None = None
    # A policy that staff chose for this purchase alone; it also stands above a pause.
    policy_override: bool = False
    # What was decided about the hold of this payment, before it would end.
    expiry_decision: str | None = None
    expiry_decided_for: int | None = None
    refused_count: int = 0
    refused_last_at: datetime | None = None
    # Automatic holds that were refused in a row.
    attempts_refused: int = 0
    attempt_refused_at: datetime | None = None
    attempt_refused_code: str = ""


@dataclass(frozen=True, slots=True)
class PaymentFacts:
    """One PaymentIntent as our books have it. Amounts in minor units."""

    id: int
    current: bool
    status: Status
    created_at: datetime
    # The payment whose hold this one is to replace.
    renews: int | None = None
    intent_id: str | None = None
    intent_status: str | None = None
    authorized: int = 0
    captured: int = 0
    refunded: int = 0
    refund_pending: int = 0
    lost: int = 0
    # Kept on purpose though another payment stands: finance paid it back in another way.
    withdrawn: int = 0
    expires_at: datetime | None = None
    expires_estimated: bool = False
    end_reason: str | None = None
    disputed: bool = False
    # The bank only asks and has taken nothing back yet: a refund still helps.
    inquiry: bool = False
    refund_trouble: bool = False
    synced_at: datetime | None = None

    @property
    def held(self) -> bool:
        return self.status is Status.AUTHORIZED

    @property
    def kept(self) -> int:
        """What we keep: captured less refunds, those under way included, and lost disputes."""
        return self.captured - self.refunded - self.refund_pending - self.lost

    @property
    def refundable(self) -> int:
        return max(0, self.kept)

    @property
    def planned(self) -> bool:
        """Nothing was asked of Stripe yet, unless an unfinished operation is at it."""
        return self.status is Status.PENDING and self.intent_id is None

    @property
    def waiting(self) -> bool:
        return (
            self.status in (Status.PENDING, Status.FAILED)
            and self.intent_id is not None
            and self.intent_status in WAITING
        )

    @property
    def unfinished(self) -> bool:
        """An attempt that waits for the customer or the bank, and was not refused."""
        return self.waiting and self.status is Status.PENDING


@dataclass(frozen=True, slots=True)
class OperationFacts:
    """An unfinished operation: who asked for what, and when it may be taken up again."""

    id: str
    payment_id: int
    verb: Verb
    state: State
    amount: int
    asked_by: str
    asked_at: datetime
    due_at: datetime
    unknown_since: datetime | None = None
