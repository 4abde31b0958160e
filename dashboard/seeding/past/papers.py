"""The rows of one purchase while its past is told, apart from what Stripe decides about them.

Everything here happens in the order of time. What would come after the present has not happened:
each method answers false then and does nothing, and so do all that follow.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from dashboard.payments import story
from dashboard.payments.actors import SWEEP, Actor
from dashboard.payments.case import Step, retry_at
from dashboard.payments.facts import State, Verb
from dashboard.payments.queries import purchase_facts
from dashboard.payments.sending import LEASE
from dashboard.payments.tables import Operation, Payment, Purchase
from dashboard.seeding.past.shop import Shop, fresh
from dashboard.snapshots import Refusal
from dashboard.stripe_gateway import API_VERSION

Told = Callable[[], story.Entry]


class Papers:
    """What we wrote down about one purchase. `next` is what the rules plan in the end."""

    next: Step

    def __init__(self, shop: Shop, purchase: Purchase, student: Actor) -> None:
        self.shop = shop
        self.purchase = purchase
        self.student = student
        self.payments: list[Payment] = []
        self.operations: list[Operation] = []
        # What we said ourselves: some of it names what only Stripe can tell, so it is made later.
        self.told: list[tuple[datetime, Told]] = []
        self.last_at = purchase.created_at
        self.refund_withdrawn = False
        self._over = False

    @property
    def present(self) -> Payment:
        """The newest payment; a renewal that stands is newer than what it renews."""
        return self.payments[-1]

    def reached(self, at: datetime) -> bool:
        """Whether it has come to this yet."""
        if self._over or at > self.shop.anchor:
            self._over = True
            return False
        self.last_at = at
        return True

    def plan(self, at: datetime, renews: Payment | None = None) -> Payment:
        """A payment of which nothing is asked yet."""
        payment = fresh(
            Payment,
            id=self.shop.next_id(Payment),
            purchase=self.purchase.id,
            renews=renews.id if renews else None,
            currency=self.purchase.currency,
            created_at=at,
        )
        self.payments.append(payment)
        return payment

    def refused_capture(self, at: datetime, refusal: Refusal) -> bool:
        """A capture that Stripe refused: nothing moved, and it is tried again later."""
        if not self.reached(at):
            return False
        operation = self.operation(Verb.CAPTURE, self.present, self.purchase.owed, SWEEP, at)
        self.close_refused(operation, refusal, at, by="")
        said, code = refusal.message, refusal.code
        self.tell(at, lambda: story.of_outcome(operation, State.REFUSED, said, at, code))
        self.purchase.refused_count += 1
        self.purchase.refused_since = self.purchase.refused_since or at
        self.purchase.refused_last_at = at
        self.purchase.refused_error = refusal.message
        return True

    def next_try(self, expires_at: datetime) -> datetime:
        """When the capture that was refused is tried again, by the rules."""
        again = retry_at(purchase_facts(self.purchase), expires_at)
        assert again is not None
        return again

    def decide(
        self, at: datetime, owed: int, reason: str, by: str, due_at: datetime | None = None
    ) -> bool:
        """What is owed from now on; it only falls."""
        if not self.reached(at):
            return False
        if self.purchase.owed is None or owed <= self.purchase.owed:
            self.purchase.owed = owed
            self.purchase.owed_reason = reason[:500]
            self.purchase.decided_by = by
            self.purchase.decided_at = at
            self.purchase.capture_due_at = due_at or self.purchase.capture_due_at
        return True

    def tell(self, at: datetime, told: Told) -> None:
        """An entry of the story in our own words; it is made when the payment is known."""
        self.told.append((at, told))

    def word(self, at: datetime, kind: str, reason: str, by: Actor, **more: Any) -> bool:
        """What somebody said about the money without moving any."""
        if not self.reached(at):
            return False
        payment = self.present
        key = more.pop("key", None) or f"{kind}:{self.shop.operation_id()}"
        self.tell(at, lambda: story.of_word(payment, kind, reason, by, at, key=key, **more))
        return True

    def operation(
        self, verb: Verb, payment: Payment, amount: int, by: Actor, at: datetime, reason: str = ""
    ) -> Operation:
        row = fresh(
            Operation,
            id=self.shop.operation_id(),
            purchase=self.purchase.id,
            payment=payment.id,
            state=State.SENDING,
            verb=verb,
            amount=amount,
            currency=self.purchase.currency,
            asked_verb=verb,
            asked_amount=amount,
            api_version=API_VERSION,
            account=self.shop.terms.account,
            reason=reason,
            cause=by.cause,
            asked_by=by.name,
            asked_by_staff=by.staff_id,
            asked_at=at,
            first_sent_at=at,
            last_sent_at=at,
            sends=1,
            lease_until=at + LEASE,
        )
        self.operations.append(row)
        return row

    def close_refused(
        self, operation: Operation, refusal: Refusal, at: datetime, by: str = "post"
    ) -> None:
        """What the ledger writes of an operation that Stripe refused."""
        operation.state = State.REFUSED
        operation.error_code = (refusal.decline_code or refusal.code)[:80]
        operation.error_message = refusal.message[:500]
        operation.closed_at, operation.closed_by = at, by
