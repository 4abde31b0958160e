"""What the ledger would make of a snapshot, on copies of the rows. Nothing is read or written."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from dashboard.payments import cards, evidence, trouble, verdict
from dashboard.payments.actors import SWEEP
from dashboard.payments.current import standing_one
from dashboard.payments.evidence import Movement
from dashboard.payments.facts import CREATES, OPEN, CardState, State, Status, Verb
from dashboard.payments.queries import Books, payment_facts
from dashboard.payments.tables import Operation, Payment, Purchase
from dashboard.snapshots import Intent, Setup


@dataclass(frozen=True, slots=True)
class Told:
    """What a post reads of our rows: the books, the payment's operations and its events' keys."""

    books: Books
    payment: Payment
    operations: Sequence[Operation]
    keys: frozenset[str]


@dataclass(frozen=True, slots=True)
class Imagined:
    """The books as they would stand, and what would have been written on the way."""

    books: Books
    movements: list[Movement]
    words: dict[str, str]
    closings: list[tuple[Operation, State]]


def imagine(told: Told, intent: Intent, event_at: datetime | None) -> Imagined:
    """What `ledger.commit` does, step by step and in its order."""
    books, at = copied(told.books), verdict.news_at(event_at, told.payment.synced_at)
    purchase = books.purchase
    payment = next(row for row in books.payments if row.id == told.payment.id)
    for column, value in verdict.columns(intent, payment.captured_at).items():
        setattr(payment, column, value)
    closings = _closings(told, intent)
    for operation, proven in closings:
        _count(purchase, operation, proven)
    news = [one for one in evidence.movements(intent, at) if one.key not in told.keys]
    if any(movement.kind in verdict.HOLDS for movement in news):
        purchase.attempts_refused = 0
        if purchase.saves_card and intent.payment_method:
            purchase.payment_method = intent.payment_method
    chosen = standing_one(books.payments, purchase.owed)
    if not chosen.current and trouble.is_over(purchase, chosen):
        chosen.refund_trouble = ""
    for row in books.payments:
        row.current = row is chosen
    if payment is chosen:
        _lower_owed(told, purchase, payment, news)
    payment.refund_trouble = trouble.left(purchase, payment, news)
    closed = {operation.id for operation, _ in closings}
    still_open = None if books.operation and books.operation.id in closed else books.operation
    words = {key: kind for key, kind in _words(closings) if key not in told.keys}
    return Imagined(Books(purchase, books.payments, still_open), news, words, closings)


def imagine_card(before: Books, setup: Setup) -> Books:
    """What the saving of a card leaves, as `cards.save` would write it down."""
    books = copied(before)
    purchase, payment, state = books.purchase, books.current, cards.state_of(setup)
    purchase.card_state, purchase.setup_intent_id = str(state), setup.id or None
    if state is CardState.SAVED:
        purchase.attempts_refused = 0
        purchase.payment_method = setup.payment_method or purchase.payment_method
    if state is CardState.REFUSED and payment is not None and payment.stripe_intent_id is None:
        said = setup.refusal or cards.UNSAID
        payment.payment_status = Status.FAILED.value
        payment.refusal_code = (said.decline_code or said.code)[:80]
        payment.refusal_message = said.message[:500]
    return books


def copied(books: Books) -> Books:
    """The same rows once more, to be changed and never saved."""
    rows = [copy.copy(row) for row in books.payments]
    return Books(copy.copy(books.purchase), rows, books.operation)


def _closings(told: Told, intent: Intent) -> list[tuple[Operation, State]]:
    found = []
    for row in told.operations:
        verbs = (Verb(row.asked_verb), Verb(row.verb))
        proven = verdict.closing(row.id, verbs, State(row.state), intent)
        if proven is not None:
            found.append((row, proven))
    return found


def _count(purchase: Purchase, operation: Operation, proven: State) -> None:
    """How automatic movements have fared, as the ledger counts them."""
    if proven is State.SUCCEEDED:
        purchase.refused_count = 0
    if proven is State.REFUSED and operation.cause == SWEEP.cause:
        creates = Verb(operation.asked_verb) in CREATES
        purchase.attempts_refused += 1 if creates else 0


def _words(closings: list[tuple[Operation, State]]) -> list[tuple[str, str]]:
    """The events that tell of operations: a refusal, and a success that was thought a failure."""
    return [
        (f"operation:{operation.id}:{proven}", f"operation_{proven}")
        for operation, proven in closings
        if proven is State.REFUSED or State(operation.state) not in OPEN
    ]


def _lower_owed(told: Told, purchase: Purchase, payment: Payment, news: list[Movement]) -> None:
    ours = {operation.id for operation in told.operations}
    counted = {one.object_id for one in news if verdict.pending_key(one.object_id) in told.keys}
    given = verdict.given_elsewhere(news, ours, counted)
    owed = verdict.owed_after(purchase.owed, payment_facts(payment).refundable, given)
    if owed is not None:
        purchase.owed = owed
