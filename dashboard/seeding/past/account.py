"""One purchase while its past is told: what is asked of Stripe, and when it is read."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dashboard.payments.actors import SWEEP, Actor
from dashboard.payments.facts import CREATES, Verb
from dashboard.payments.sending import body_of, on_session
from dashboard.payments.tables import Operation, Payment, Purchase
from dashboard.seeding.past.papers import Papers
from dashboard.seeding.past.shop import Shop
from dashboard.seeding.past.wire import Act


@dataclass(frozen=True, slots=True)
class Step:
    """An act, the payment that is read after it, and whether a webhook made us look."""

    act: Act
    at: datetime
    payment: Payment
    by_event: bool


class Account(Papers):
    """The books of one purchase, and the story that is told to Stripe about it."""

    def __init__(self, shop: Shop, purchase: Purchase, student: Actor) -> None:
        super().__init__(shop, purchase, student)
        self.steps: list[Step] = []
        # The card that each attempt to pay was made with.
        self.cards: dict[str, str] = {}
        self._objects: dict[int, int] = {}

    @property
    def acts(self) -> list[Act]:
        return [step.act for step in self.steps]

    @property
    def card(self) -> str:
        """The card that the student paid with last."""
        return list(self.cards.values())[-1] if self.cards else ""

    def pay(
        self,
        at: datetime,
        by: Actor,
        *,
        payment: Payment | None = None,
        renews: Payment | None = None,
        card: str = "",
        life: float | None = None,
    ) -> bool:
        """Hold the price, or charge it; off-session on the card of the story's first object when it
        is the clock that asks."""
        if not self.reached(at):
            return False
        payment = payment or self.plan(at, renews)
        automatic = by.cause == SWEEP.cause
        self.purchase.payment_method = card or self.purchase.payment_method
        verb = Verb.CHARGE if self.purchase.at_once else Verb.AUTHORIZE
        operation = self.operation(verb, payment, self.purchase.price, by, at)
        params = self._params(operation, payment) | on_session(self.purchase, automatic)
        if automatic:
            params["payment_method"] = "{0}"
        else:
            self.cards[operation.id] = self.purchase.payment_method
        self._objects[payment.id] = len(self._objects) + self.cards_saved
        self._ask(at, "create", payment, params, life=life)
        return True

    @property
    def cards_saved(self) -> int:
        """Set-ups that the story has made: they count among its objects."""
        return int(self.purchase.hold_due_at is not None)

    def capture(self, at: datetime, by: Actor, amount: int) -> bool:
        return self._move(at, Verb.CAPTURE, "capture", by, self.present, amount)

    def release(
        self, at: datetime, by: Actor, reason: str = "", payment: Payment | None = None
    ) -> bool:
        """Give a hold back, or cancel an intent that holds nothing (`reason` abandoned)."""
        of = payment or self.present
        amount = 0 if reason == "abandoned" else self.purchase.price
        return self._move(at, Verb.RELEASE, "cancel", by, of, amount, reason=reason)

    def refund(
        self, at: datetime, by: Actor, amount: int, reason: str = "", decided_after: float = 60.0
    ) -> bool:
        return self._move(
            at,
            Verb.REFUND,
            "refund",
            by,
            self.present,
            amount,
            reason=reason,
            decided_after=decided_after,
        )

    def _move(
        self,
        at: datetime,
        verb: Verb,
        do: str,
        by: Actor,
        payment: Payment,
        amount: int,
        *,
        reason: str = "",
        decided_after: float | None = None,
    ) -> bool:
        if not self.reached(at):
            return False
        operation = self.operation(verb, payment, amount, by, at, reason)
        params = self._params(operation, payment)
        params.pop("payment_intent", None)
        self._ask(at, do, payment, params, decided_after=decided_after)
        return True

    def look(self, at: datetime, payment: Payment | None = None, by_event: bool = True) -> bool:
        """Stripe is read: a webhook said that something happened, or it was time to ask."""
        return self.happen(at, "look", payment=payment, by_event=by_event)

    def happen(
        self,
        at: datetime,
        do: str,
        *,
        payment: Payment | None = None,
        by_event: bool = True,
        **given: Any,
    ) -> bool:
        """Something that the student or the bank did, of which a webhook told us."""
        if not self.reached(at):
            return False
        self._ask(at, do, payment or self.present, given, by_event=by_event)
        return True

    def _ask(
        self,
        at: datetime,
        do: str,
        payment: Payment,
        given: dict[str, Any],
        *,
        by_event: bool = False,
        life: float | None = None,
        decided_after: float | None = None,
    ) -> None:
        target = 0 if do in ("create", "setup") else self._objects[payment.id]
        act = Act(at.timestamp(), do, given, target, life, decided_after)
        self.steps.append(Step(act, at, payment, by_event))

    def _params(self, operation: Operation, payment: Payment) -> dict[str, Any]:
        verb = Verb(operation.verb)
        body = body_of(
            verb, operation.id, self.purchase, payment, operation.amount, operation.reason
        )
        if verb not in CREATES and body["target"] is None:
            # Which intent it is, the story tells by its target.
            body["params"].pop("payment_intent", None)
        params: dict[str, Any] = body["params"]
        return params
