"""What handling an event would change: Stripe is read, our rows are compared, nothing is written.

The ledger's own functions are asked (`verdict`, `evidence`, `proof`, `current`, `trouble`), on
copies of the rows, so that the two can't disagree. No movement of money is sent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dashboard.payments import cards, ledger, queries
from dashboard.payments.belonging import Foreign, Owner, owner
from dashboard.payments.evidence import Movement
from dashboard.payments.facts import CardState, State
from dashboard.payments.imagining import Told, imagine, imagine_card
from dashboard.payments.inbox import OF_A_CARD
from dashboard.payments.queries import Books
from dashboard.payments.tables import Operation, Payment, PaymentEvent, Purchase, StripeEvent
from dashboard.snapshots import Intent
from dashboard.stripe_gateway import NotThere, gateway

# They tell when we looked, and not what is so.
BOOKKEEPING = (
    "version due_at synced_at post_due_at card_due_at card_tries refused_since refused_last_at"
    " refused_error attempt_refused_at attempt_refused_code decided_at decided_by owed_reason"
).split()


@dataclass(frozen=True, slots=True)
class Change:
    """One column: what we have, and what we would have. `of` is payment or purchase."""

    of: str
    id: int
    column: str
    ours: Any
    theirs: Any


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What would be written. `after` are copies of the books as they would stand then.

    `foreign` tells why the event is of no payment of ours, and `intent` what Stripe knows of it
    even so. `words` are the keys of events about operations and cards, by their kind.
    """

    before: Books | None = None
    after: Books | None = None
    payment: Payment | None = None
    attaches: bool = False
    changes: Sequence[Change] = ()
    movements: Sequence[Movement] = ()
    words: Mapping[str, str] = field(default_factory=dict)
    closings: Sequence[tuple[Operation, State]] = ()
    foreign: Foreign | None = None
    operation: Operation | None = None
    intent: Intent | None = None

    @property
    def nothing(self) -> bool:
        """Whether we have all of it already."""
        return not (self.attaches or self.changes or self.movements or self.words or self.closings)

    @property
    def keys(self) -> list[str]:
        """Under which keys `payment_events` would be written."""
        return sorted([movement.key for movement in self.movements] + list(self.words))


async def rehearse(event: StripeEvent) -> Rehearsal:
    """Raises Unreachable and NotThere as the handling would, and Contended if posts keep coming."""
    if event.type.startswith(OF_A_CARD):
        return await _of_a_card(event)
    for _ in range(ledger.TRIES):
        found = await owner(event)
        if found.payment is None:
            return await _foreign(event, found)
        intent = await gateway().fetch(event.intent_id)
        told = await _read(found.payment)
        if told is not None:
            return _compared(told, intent, event, found)
    raise ledger.Contended(event.id)


async def _foreign(event: StripeEvent, found: Owner) -> Rehearsal:
    """Nothing of ours would change; what Stripe knows of the intent is told even so."""
    intent, foreign = None, found.foreign
    if event.intent_id is not None:
        try:
            intent = await gateway().fetch(event.intent_id)
        except NotThere:
            foreign = Foreign.NOT_THERE
    return Rehearsal(foreign=foreign, operation=found.operation, intent=intent)


async def _read(before: Payment) -> Told | None:
    """The rows that a post reads; None if one was committed while Stripe was asked."""
    events = await PaymentEvent.select(PaymentEvent.key).where(PaymentEvent.payment == before.id)
    operations = (
        await Operation.objects().where(Operation.payment == before.id).order_by(Operation.asked_at)
    )
    # The payments come last: if none of them has moved on, what was read before belongs to them.
    books = await queries.books(before.purchase)
    assert books is not None
    row = next(row for row in books.payments if row.id == before.id)
    if row.version != before.version:
        return None
    return Told(books, row, operations, frozenset(event["key"] for event in events))


def _compared(told: Told, intent: Intent, event: StripeEvent, found: Owner) -> Rehearsal:
    seen = imagine(told, intent, event.created_at)
    return Rehearsal(
        before=told.books,
        after=seen.books,
        payment=told.payment,
        attaches=found.attaches,
        changes=differing(told.books, seen.books),
        movements=seen.movements,
        words=seen.words,
        closings=seen.closings,
        operation=found.operation,
        intent=intent,
    )


async def _of_a_card(event: StripeEvent) -> Rehearsal:
    """The saving of a card: what `cards.save` would find, and write."""
    purchase_id = await cards.of_setup(event.object_id)
    books = None if purchase_id is None else await queries.books(purchase_id)
    if books is None or books.current is None:
        await gateway().fetch_setup(event.object_id)
        return Rehearsal(foreign=Foreign.NO_CARD)
    payment = books.current
    rehearsed = Rehearsal(before=books, after=books, payment=payment)
    if CardState(books.purchase.card_state) not in cards.OPEN or books.purchase.owed == 0:
        return rehearsed
    setup = await gateway().fetch_setup(event.object_id)
    kind, key = cards.word_of(setup, payment)
    known = await PaymentEvent.exists().where(PaymentEvent.key == key)
    after = imagine_card(books, setup)
    return Rehearsal(
        before=books,
        after=after,
        payment=payment,
        changes=differing(books, after),
        words={} if known else {key: kind},
    )


def differing(before: Books, after: Books) -> list[Change]:
    """Every column of a purchase and its payments that is another one afterwards. Pure."""
    pairs: list[tuple[str, Payment | Purchase, Payment | Purchase]] = [
        ("payment", ours, theirs)
        for ours, theirs in zip(before.payments, after.payments, strict=True)
    ]
    pairs.append(("purchase", before.purchase, after.purchase))
    return [
        Change(of, ours.id, column, value, theirs.to_dict()[column])
        for of, ours, theirs in pairs
        for column, value in ours.to_dict().items()
        if column not in BOOKKEEPING and theirs.to_dict()[column] != value
    ]
