"""Makes the rows of an account agree with what Stripe showed, as the ledger does post by post."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from dashboard.payments import evidence, proof, settle, story, trouble
from dashboard.payments.current import standing_one
from dashboard.payments.evidence import Movement
from dashboard.payments.facts import CREATES, CardState, State, Verb
from dashboard.payments.queries import Books, payment_facts
from dashboard.payments.sending import body_of, on_session
from dashboard.payments.story import Entry
from dashboard.payments.tables import Operation, Payment
from dashboard.seeding.past import wire
from dashboard.seeding.past.account import Account, Step
from dashboard.seeding.past.shop import put
from dashboard.snapshots import Intent

# Stripe is read this long after it was asked.
_READ_AFTER = timedelta(seconds=1)


class Disagrees(Exception):
    """Stripe has not done what a story has it do."""


def post(account: Account, shown: Sequence[msgspec.Raw]) -> list[Entry]:
    """Bring the rows of an account to the present; answers its story, in the order of time."""
    books = _Posting(account)
    for step, raw in zip(account.steps, shown, strict=True):
        books.see(step, raw)
    books.conclude()
    return [entry for _, entry in sorted(books.events, key=lambda one: one[0])]


class _Posting:
    def __init__(self, account: Account) -> None:
        self._account = account
        self._keys: set[str] = set()
        self.events: list[tuple[datetime, Entry]] = []

    def see(self, step: Step, raw: msgspec.Raw) -> None:
        """Take in what Stripe showed after one act."""
        at = step.at + _READ_AFTER
        if step.act.do == "setup":
            self._saved(step.payment, raw, at)
            return
        intent = wire.intent(raw, at)
        payment = step.payment
        put(payment, evidence.standing(intent))
        payment.version += 1
        self._account.purchase.version += 1
        operations = [one for one in self._account.operations if one.payment == payment.id]
        # Those that come later in the story have not been asked for yet.
        asked = [one for one in operations if one.asked_at <= step.at]
        self._close(asked, intent, at)
        news = self._record(payment, intent, asked, step, at)
        self._card_works(intent, news)
        payment.refund_trouble = trouble.left(self._account.purchase, payment, news)

    def _close(self, operations: list[Operation], intent: Intent, at: datetime) -> None:
        for operation in operations:
            is_open = operation.state == State.SENDING
            verbs = (Verb(operation.asked_verb), Verb(operation.verb))
            proven = proof.outcome(operation.id, verbs, is_open, intent)
            if not is_open or proven is None:
                continue
            said = intent.last_refusal
            if proven is State.REFUSED and said:
                self._account.close_refused(operation, said, at)
                self._add(at, story.of_outcome(operation, proven, said.message, at))
                continue
            operation.state = proven
            operation.closed_at, operation.closed_by = at, "post"
            self._forget_refusals(operation)

    def _forget_refusals(self, worked: Operation) -> None:
        """A movement that has worked makes up for the refusals before it."""
        purchase = self._account.purchase
        if purchase.refused_last_at is None or worked.asked_at < purchase.refused_last_at:
            return
        purchase.refused_count, purchase.refused_error = 0, ""
        purchase.refused_since = purchase.refused_last_at = None

    def _record(
        self,
        payment: Payment,
        intent: Intent,
        operations: list[Operation],
        step: Step,
        at: datetime,
    ) -> list[Movement]:
        news = []
        for movement in evidence.movements(intent, step.at if step.by_event else None):
            if movement.key in self._keys:
                continue
            detail: dict[str, Any] = {"code": movement.code} if movement.code else {}
            if movement.kind == "refund_failed":
                detail["reverses"] = f"refund:{movement.object_id}:succeeded" in self._keys
            by = story.author(movement, operations)
            self._add(at, story.of_movement(movement, payment, by, detail, at))
            news.append(movement)
        return news

    def _add(self, at: datetime, entry: Entry) -> None:
        self._keys.add(entry["key"])
        self.events.append((at, entry))

    def _card_works(self, intent: Intent, news: list[Movement]) -> None:
        purchase = self._account.purchase
        held = any(movement.kind in ("authorized", "charged") for movement in news)
        if held and purchase.saves_card and intent.payment_method:
            purchase.payment_method = intent.payment_method

    def _saved(self, payment: Payment, raw: msgspec.Raw, at: datetime) -> None:
        """The card of a far lesson was saved, before there was anything to hold."""
        made, purchase = wire.setup(raw), self._account.purchase
        if made.status != "succeeded":
            raise Disagrees(f"a card was not saved but {made.status}")
        purchase.card_state, purchase.setup_intent_id = CardState.SAVED, made.id
        purchase.card_due_at = None
        purchase.payment_method = made.payment_method or purchase.payment_method
        key, student = f"card_saved:{made.id}:{payment.id}", self._account.student
        self._add(at, story.of_word(payment, "card_saved", "", student, at, key=key))

    def conclude(self) -> None:
        """What is left when all is seen: our own words, the bodies, and what comes next."""
        account = self._account
        self.events += [(at, told()) for at, told in account.told]
        for operation in account.operations:
            if operation.state == State.SENDING:
                raise Disagrees(f"{operation.verb} {operation.id} came to nothing")
            payment = next(one for one in account.payments if one.id == operation.payment)
            operation.body = json.dumps(_body(account, operation, payment))
        present = standing_one(account.payments, account.purchase.owed)
        for payment in account.payments:
            payment.current = payment is present
        self._withdraw_refund(present)
        self._plan()

    def _withdraw_refund(self, present: Payment) -> None:
        """Finance has paid back in another way what the bank had sent back."""
        if self._account.refund_withdrawn:
            self._account.purchase.owed = payment_facts(present).refundable
            present.refund_trouble = ""

    def _plan(self) -> None:
        """When settle looks at it again; what is due already, it finds due."""
        account, now = self._account, self._account.shop.anchor
        step = Books(account.purchase, account.payments, None).step(now)
        account.purchase.attention_since = account.last_at
        put(account.purchase, settle.planned(account.purchase, step, now))
        account.purchase.due_at = step.at
        account.next = step


def _body(account: Account, operation: Operation, payment: Payment) -> dict[str, Any]:
    verb, automatic = Verb(operation.verb), operation.cause == "sweep"
    body = body_of(
        verb, operation.id, account.purchase, payment, operation.amount, operation.reason
    )
    if verb in CREATES:
        body["params"] |= on_session(account.purchase, automatic)
        body["params"]["payment_method"] = account.cards.get(
            operation.id, account.purchase.payment_method
        )
    return body
