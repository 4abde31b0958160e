"""Both sides of a schedule that has come to rest. Stripe's side is read from Stripe alone."""

from dataclasses import dataclass
from typing import Any

from tests.simulation.play import Play
from tests.simulation.wire import Wire

Json = dict[str, Any]
GAVE_NOTHING = ("failed", "canceled")


@dataclass(frozen=True)
class Account:
    """One PaymentIntent with all that hangs on it, as Stripe has it."""

    intent: Json
    charge: Json | None
    refunds: list[Json]
    disputes: list[Json]

    @property
    def taken(self) -> int:
        return int(self.intent["amount_received"]) if self.intent["status"] == "succeeded" else 0

    @property
    def held(self) -> int:
        return int(self.charge["amount"]) if self.charge else 0

    def refunded(self, *statuses: str) -> int:
        return sum(one["amount"] for one in self.refunds if one["status"] in statuses)

    @property
    def kept(self) -> int:
        lost = sum(one["amount"] for one in self.disputes if one["status"] == "lost")
        return self.taken - self.refunded("succeeded", "pending", "requires_action") - lost

    @property
    def status(self) -> str:
        status = self.intent["status"]
        if status == "succeeded":
            everything = self.taken and self.refunded("succeeded") == self.taken
            return "refunded" if everything else "captured"
        if status == "canceled":
            return "released" if self.charge else "failed"
        if status == "requires_payment_method" and self.intent["last_payment_error"]:
            return "failed"
        return "authorized" if status == "requires_capture" else "pending"

    @property
    def expired(self) -> bool:
        return bool(
            self.charge
            and self.intent["status"] == "canceled"
            and self.intent["cancellation_reason"] == "expired"
        )


class Case:
    """Both sides as they stand at rest."""

    def __init__(self, play: Play) -> None:
        self.play = play
        self.purchase = play.rows("SELECT * FROM purchase")[0]
        self.payments = play.rows("SELECT * FROM payment ORDER BY id")
        self.operations = play.rows("SELECT * FROM operation")
        self.events = play.rows("SELECT * FROM payment_events")
        self.attention = self.purchase["attention"]
        self.accounts = accounts(play.wire)
        known = {payment["stripe_intent_id"] for payment in self.payments}
        self.strays = [name for name in self.accounts if name not in known]

    @property
    def given_back_elsewhere(self) -> int:
        """Refunds that were made in Stripe's own dashboard: somebody's decision, and not ours."""
        return sum(
            refund["amount"]
            for one in self.accounts.values()
            for refund in one.refunds
            if "operation_id" not in refund["metadata"] and refund["status"] not in GAVE_NOTHING
        )

    def looked_up(self, intent: Json) -> bool:
        """Whether a person was asked to look for this intent, which our books don't have."""
        made_by = intent["metadata"].get("operation_id")
        states = {row["id"]: row["state"] for row in self.operations}
        return states.get(made_by) in ("stalled", "given_up")

    def account_of(self, payment: Json) -> Account | None:
        return self.accounts.get(payment["stripe_intent_id"])


def accounts(wire: Wire) -> dict[str, Account]:
    """Every intent at Stripe, by its id."""
    charges = {one["id"]: one for one in wire.objects("charge") if one["status"] != "failed"}
    refunds, disputes = wire.objects("refund"), wire.objects("dispute")
    return {
        one["id"]: Account(
            one,
            charges.get(one["latest_charge"]),
            [refund for refund in refunds if refund["payment_intent"] == one["id"]],
            [dispute for dispute in disputes if dispute["payment_intent"] == one["id"]],
        )
        for one in wire.objects("payment_intent")
    }
