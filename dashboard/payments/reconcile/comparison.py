"""What our rows of one payment and a picture of Stripe say differently, field by field.

Reads only what it is given. That post writes `evidence.standing` and `evidence.movements` is what
makes a difference here something that post can, or can't, bring in line.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from dashboard import clock
from dashboard.payments import proof
from dashboard.payments.evidence import Movement, movements, standing
from dashboard.payments.facts import CREATES, OPEN, State, Verb
from dashboard.payments.tables import Operation, Payment, PaymentEvent
from dashboard.snapshots import Charge, Intent

# Not the times of a capture: until Stripe has booked it, they are when we first saw it.
COLUMNS = (
    "payment_status",
    "intent_status",
    "end_reason",
    "authorized_amount",
    "captured_amount",
    "refunded_amount",
    "refund_pending_amount",
    "refund_pending_since",
    "authorized_at",
    "authorization_expires_at",
    "expires_source",
    "stripe_charge_id",
    "refusal_code",
    "dispute_id",
    "dispute_status",
    "disputed_amount",
    "dispute_due_at",
    "lost_amount",
)
# Compared once they are known: that they become known is news and no difference.
FEES = ("fee_amount", "fee_currency", "dispute_fee_amount")
# Events about what Stripe shows as well; the others are of our own making.
SHARED = ("hold:", "end:", "cancel:pi_", "declined:", "refund:", "dispute:", "funds:")
Value = str | int | None


@dataclass(frozen=True, slots=True)
class Field:
    """One thing that differs. `mendable`: a post brings it in line."""

    name: str
    ours: Value
    theirs: Value
    what: Literal["column", "event", "operation"] = "column"
    mendable: bool = True
    movement: Movement | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Pages:
    """Our rows of one payment: the row itself, its story, and the operations that were for it."""

    row: Payment
    story: Sequence[PaymentEvent] = ()
    operations: Sequence[Operation] = ()

    @property
    def under_way(self) -> bool:
        """Somebody moves this payment at this moment, and will read Stripe when that is done."""
        now = clock.now()
        return any(
            row.state == State.PLANNED
            or (row.state == State.SENDING and (row.lease_until or now) > now)
            for row in self.operations
        )

    def touched(self, latest: str) -> bool:
        """Whether refunds, disputes or attempts before the latest count: no list shows them."""
        row, charge = self.row, f"declined:{latest}"
        return bool(row.refunded_amount or row.refund_pending_amount or row.dispute_id) or any(
            one.key.startswith(("refund:", "dispute:", "funds:"))
            or (one.key.startswith("declined:ch_") and one.key != charge)
            for one in self.story
        )


def differences(pages: Pages, intent: Intent, charges: set[str]) -> list[Field]:
    """Everything that differs; `charges` are the intent's attempts, where they are known."""
    return [
        *_of_row(pages.row, intent),
        *_of_operations(pages, intent),
        *_of_story(pages, intent, charges),
    ]


def prices(charge: Charge, row: Payment) -> bool:
    """Whether Stripe tells a fee that our row of the charge does not know yet."""
    same = row.stripe_charge_id == charge.id
    return same and row.fee_amount is None and charge.fee is not None


def plain(value: Any) -> Value:
    """As it is kept and compared: instants as text in UTC, words as text."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return value if value is None or isinstance(value, int) else str(value)


def _of_row(row: Payment, intent: Intent) -> list[Field]:
    theirs = standing(intent)
    names = COLUMNS if row.fee_amount is None else (*COLUMNS, *FEES)
    found = [
        Field(name, plain(getattr(row, name)), plain(theirs[name]))
        for name in names
        if plain(getattr(row, name)) != plain(theirs[name])
    ]
    if row.currency != intent.currency:
        found.append(Field("currency", row.currency, intent.currency, mendable=False))
    return found


def _of_operations(pages: Pages, intent: Intent) -> list[Field]:
    found = []
    for row in pages.operations:
        verbs, state = (Verb(row.asked_verb), Verb(row.verb)), State(row.state)
        proven = proof.outcome(row.id, verbs, state in OPEN, intent)
        if proven is not None and state not in (State.SUCCEEDED, proven):
            name = f"{row.asked_verb} by {row.asked_by}"
            found.append(Field(name, str(state), str(proven), "operation"))
    asked = {row.asked_amount for row in pages.operations if row.asked_verb in CREATES}
    if asked and intent.amount not in asked:
        found.append(Field("amount", max(asked), intent.amount, "operation", mendable=False))
    return found


def _of_story(pages: Pages, intent: Intent, charges: set[str]) -> list[Field]:
    story = {one.key: one for one in pages.story if one.key.startswith(SHARED)}
    shown = {one.key: one for one in movements(intent)}
    found = []
    for key, movement in shown.items():
        event = story.get(key)
        if event is None:
            said = _said(movement.kind, movement.amount)
            found.append(Field(key, None, said, "event", movement=movement))
        elif _told(event) != _shown(movement):
            ours, theirs = _said(*_told(event)[:2]), _said(*_shown(movement)[:2])
            found.append(Field(key, ours, theirs, "event", mendable=False))
    known = {row.id for row in pages.operations} | charges
    return found + [
        Field(key, _said(*_told(event)[:2]), None, "event", mendable=False)
        for key, event in story.items()
        if key not in shown and not _was_so(key, intent, known)
    ]


def _told(event: PaymentEvent) -> tuple[str, int, int]:
    return event.kind, event.amount, event.given_back


def _shown(movement: Movement) -> tuple[str, int, int]:
    return movement.kind, movement.amount, movement.given_back


def _said(kind: str, amount: int) -> str:
    return f"{kind} {amount}"


def _was_so(key: str, intent: Intent, known: set[str]) -> bool:
    """Whether an event tells of an earlier state that Stripe's picture of today has left behind."""
    what, _, rest = key.partition(":")
    name, _, phase = rest.rpartition(":")
    if what == "declined":
        return rest in known
    if what == "refund":
        refund = next((one for one in intent.refunds if one.id == name), None)
        return refund is not None and (
            phase == "pending" or (phase == "succeeded" and refund.failed)
        )
    if what == "dispute":
        return phase == "answered" and any(one.id == name for one in intent.disputes)
    return False
