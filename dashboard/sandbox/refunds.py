"""Refunds: several partial ones, never more than was captured, and some that fail later."""

from collections.abc import Callable

from dashboard.sandbox import amounts, charging, disputes, parameters, shapes
from dashboard.sandbox.answers import Json, StripeError, invalid
from dashboard.sandbox.turn import Turn

# A pending refund settles, and a doomed one fails, this long after it was made.
DECIDED_AFTER = 60.0
OPEN = ("pending", "requires_action")


def create(turn: Turn, _: str, given: Json) -> Json:
    charge = _charge(turn, given)
    amount = _amount(turn, charge, given)
    refund = shapes.refund(turn, charge, amount)
    refund |= {"reason": given.get("reason"), "metadata": given.get("metadata", {})}
    behaviour = charging.behaviour_of(turn, charge)
    if behaviour == "refund_pending":
        refund |= {"status": "pending", "pending_reason": "processing"}
        refund["destination_details"]["card"]["type"] = "pending"
        turn.later(turn.now + DECIDED_AFTER, "refund_succeed", refund["id"])
    else:
        _book(turn, refund)
    if behaviour == "refund_fail":
        turn.later(turn.now + DECIDED_AFTER, "refund_fail", refund["id"])
    turn.store.save(refund)
    turn.emit("refund.created", refund)
    before = {"amount_refunded": charge["amount_refunded"]}
    _count(turn, charge, amount)
    turn.emit("charge.refunded", charge, before)
    return refund


def _charge(turn: Turn, given: Json) -> Json:
    """The captured charge that is meant."""
    if not given.get("charge") and not given.get("payment_intent"):
        message = (
            "One of the following params should be provided for this request: payment_intent or"
            " charge."
        )
        raise invalid(message, "payment_intent", "parameter_missing")
    if given.get("charge"):
        charge = turn.get("charge", given["charge"], "charge", 404)
        if given.get("payment_intent") not in (None, charge["payment_intent"]):
            raise invalid("The charge belongs to another PaymentIntent.", "charge")
    else:
        intent = turn.get("payment_intent", given["payment_intent"], "payment_intent", 404)
        found = intent["latest_charge"]
        charge = turn.get("charge", found) if found else {"captured": False}
    if not charge["captured"]:
        name = given.get("payment_intent") or charge["payment_intent"]
        raise StripeError(
            f"This PaymentIntent ({name}) does not have a successful charge to refund.",
            code="payment_intent_unexpected_state",
            param="payment_intent",
        )
    return charge


def _amount(turn: Turn, charge: Json, given: Json) -> int:
    if disputes.bars_refunds(turn, charge):
        message = f"Charge {charge['id']} has been charged back; cannot issue a refund."
        raise StripeError(message, code="charge_disputed")
    rest: int = charge["amount_captured"] - charge["amount_refunded"]
    if rest <= 0:
        message = f"Charge {charge['id']} has already been refunded."
        raise StripeError(message, code="charge_already_refunded")
    amount: int = given.get("amount", rest)
    amounts.check_step(amount, charge["currency"], "amount")
    if amount > rest:
        # Stripe names the parameter here and gives no code.
        message = f"Refund amount ({amount}) is greater than unrefunded amount on charge ({rest})"
        raise StripeError(message, param="amount")
    return amount


def _count(turn: Turn, charge: Json, amount: int) -> None:
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] >= charge["amount_captured"]
    turn.store.save(charge)


def _book(turn: Turn, refund: Json) -> None:
    entry = shapes.balance_transaction(turn, "refund", refund, -refund["amount"], 0, "REFUND")
    turn.store.save(entry)
    refund["balance_transaction"] = entry["id"]


def succeed(turn: Turn, name: str) -> None:
    """A pending refund reaches the card."""
    refund = turn.get("refund", name)
    if refund["status"] not in OPEN:
        return
    before = {"status": refund["status"]}
    refund |= {"status": "succeeded", "pending_reason": None}
    refund["destination_details"]["card"]["type"] = "refund"
    _book(turn, refund)
    turn.store.save(refund)
    turn.emit("refund.updated", refund, before)


def fail(turn: Turn, name: str) -> None:
    """The bank sends a refund back: the money is the account's again, the charge unrefunded."""
    refund = turn.get("refund", name)
    before = {"status": refund["status"]}
    if refund["status"] not in (*OPEN, "succeeded"):
        return
    if refund["balance_transaction"]:
        entry = shapes.balance_transaction(
            turn, "refund_failure", refund, refund["amount"], 0, "REFUND FAILURE"
        )
        turn.store.save(entry)
        refund["failure_balance_transaction"] = entry["id"]
    refund |= {"failure_reason": "expired_or_canceled_card", "status": "failed"}
    _back(turn, refund, before)
    turn.emit("refund.failed", refund)


def _cancel(turn: Turn, name: str) -> None:
    """A refund that had not gone yet is called off."""
    refund = turn.get("refund", name)
    before = {"status": refund["status"]}
    _back(turn, refund | {"status": "canceled"}, before)


def _back(turn: Turn, refund: Json, before: Json) -> None:
    refund |= {"pending_reason": None}
    turn.store.save(refund)
    _count(turn, turn.get("charge", refund["charge"]), -refund["amount"])
    turn.emit("refund.updated", refund, before)


def _ask(turn: Turn, name: str) -> None:
    """The refund waits for its receiver."""
    refund = turn.get("refund", name)
    before = {"status": refund["status"]}
    refund |= {"pending_reason": None, "status": "requires_action"}
    turn.store.save(refund)
    turn.emit("refund.updated", refund, before)


def decide(turn: Turn, name: str, status: str) -> Json:
    """The bank decides about a refund now, or once more; the refund as it then stands."""
    before = turn.get("refund", name, status=404)["status"]
    act, may = _DECISIONS[status]
    if before not in may:
        raise StripeError(f"A refund that is {before} can't become {status}.", param="status")
    act(turn, name)
    return turn.get("refund", name)


def update(turn: Turn, name: str, given: Json) -> Json:
    """Only a refund's metadata can be changed."""
    refund = turn.get("refund", name, status=404)
    before = refund["metadata"]
    refund["metadata"] = parameters.merged(before, given.get("metadata", {}))
    turn.store.save(refund)
    turn.emit("refund.updated", refund, {"metadata": before})
    return refund


_DECISIONS: dict[str, tuple[Callable[[Turn, str], None], tuple[str, ...]]] = {
    "succeeded": (succeed, OPEN),
    "failed": (fail, (*OPEN, "succeeded")),
    "canceled": (_cancel, OPEN),
    "requires_action": (_ask, ("pending",)),
}
