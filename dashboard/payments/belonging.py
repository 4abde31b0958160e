"""Which payment of ours an event is about, and why it is of none. Nothing is written."""

from dataclasses import dataclass
from enum import StrEnum

from dashboard.payments.tables import Operation, Payment, StripeEvent
from dashboard.stripe_gateway import NotThere, gateway


class Foreign(StrEnum):
    """Why an event is of no payment of ours."""

    NO_INTENT = "no_intent"
    NO_CARD = "no_card"
    UNNAMED = "unnamed"
    NOT_OURS = "not_ours"
    NOT_THERE = "not_there"
    OTHERWISE_NAMED = "otherwise_named"
    TAKEN = "taken"


@dataclass(frozen=True, slots=True)
class Owner:
    """The payment, and whether its intent's id has yet to land there; else why there is none.

    `operation` is the one of ours that the event names, as far as it was looked for.
    """

    payment: Payment | None
    attaches: bool = False
    foreign: Foreign | None = None
    operation: Operation | None = None


async def owner(event: StripeEvent) -> Owner:
    """By the intent's id, else by the operation that its metadata names. Raises Unreachable.

    Stripe is asked whether the intent names that operation, too: a copy of our rows somewhere else
    knows the same operations, and its events may come here.
    """
    if event.intent_id is None:
        return Owner(None, foreign=Foreign.NO_INTENT)
    payment = await Payment.objects().get(Payment.stripe_intent_id == event.intent_id)
    if payment is not None:
        return Owner(payment)
    if event.operation_id is None:
        return Owner(None, foreign=Foreign.UNNAMED)
    operation = await Operation.objects().get(Operation.id == event.operation_id)
    if operation is None:
        return Owner(None, foreign=Foreign.NOT_OURS)
    return await _of_operation(event, operation)


async def _of_operation(event: StripeEvent, operation: Operation) -> Owner:
    try:
        intent = await gateway().fetch(event.intent_id)
    except NotThere:
        return Owner(None, foreign=Foreign.NOT_THERE, operation=operation)
    if intent.operation_id != event.operation_id:
        return Owner(None, foreign=Foreign.OTHERWISE_NAMED, operation=operation)
    payment = await Payment.objects().get(Payment.id == operation.payment)
    if payment is None or payment.stripe_intent_id not in (None, event.intent_id):
        return Owner(None, foreign=Foreign.TAKEN, operation=operation)
    # It may have landed while Stripe was asked.
    attaches = payment.stripe_intent_id is None
    return Owner(payment, attaches=attaches, operation=operation)
