"""One way, for each kind of difference, in which our rows and Stripe come to differ."""

import json
import uuid
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from dashboard import clock
from dashboard.payments import evidence, ledger, sending
from dashboard.payments.facts import State, Status, Verb
from dashboard.payments.reconcile.causes import Kind
from dashboard.payments.tables import Operation, Payment, PaymentEvent
from dashboard.stripe_gateway import gateway
from tests.payments.banking import paid
from tests.payments.conftest import Desk
from tests.payments.test_review import claimed

THREE_D = "pm_card_authenticationRequired"
# The payment, or the intent, of which the difference tells.
Plant = Callable[[Desk], Awaitable[int | str]]


async def lose(desk: Desk, path: str) -> None:
    """The answer to the next mutation is lost, and so is what is read after it."""
    desk.sandbox.fault("after", "drop", path)
    desk.sandbox.fault("before", "drop", "/v1/payment_intents/*", method="GET", times=3)


async def lost_refund_of(desk: Desk, purchase: int, amount: int) -> None:
    """A refund whose answer is lost with what is read after it; what is read before it is not."""
    operation = await claimed(purchase, Verb.REFUND, amount)
    await lose(desk, "/v1/refunds")
    await sending.send(operation)


async def held(desk: Desk, **more: Any) -> Payment:
    return await desk.payment(await desk.buy(**more))


async def captured(desk: Desk) -> Payment:
    return await desk.payment(await paid(desk))


async def damage(payment: Payment, **values: Any) -> int:
    """Change a row past the ledger."""
    await Payment.update(values).where(Payment.id == payment.id)
    return int(payment.id)


async def invent(payment: Payment, key: str, kind: str, amount: int) -> int:
    """Write an event past the ledger."""
    now = clock.now()
    await PaymentEvent.insert(
        PaymentEvent(
            key=key,
            purchase=payment.purchase,
            payment=payment.id,
            kind=kind,
            amount=amount,
            currency=payment.currency,
            occurred_at=now,
            occurred_by="ours",
            recorded_at=now,
            actor="nobody",
            cause="test",
        )
    )
    return int(payment.id)


def create(desk: Desk, **more: Any) -> str:
    """A held payment that is made at Stripe without us."""
    made = desk.stripe().payment_intents.create(
        {
            "amount": 9600,
            "currency": "usd",
            "customer": desk.customer,
            "capture_method": "manual",
            "confirm": True,
            "payment_method": "pm_card_visa",
            "allowed_payment_method_types": ["card"],
            **more,
        }
    )
    return str(made.id)


async def foreign_capture(desk: Desk) -> int:
    payment = await held(desk)
    desk.stripe().payment_intents.capture(payment.stripe_intent_id)
    return int(payment.id)


async def lost_capture(desk: Desk) -> int:
    payment = await held(desk)
    await lose(desk, "/v1/payment_intents/*/capture")
    await desk.ask(Verb.CAPTURE, payment.purchase)
    return int(payment.id)


async def lost_charge(desk: Desk) -> int:
    payment = await held(desk, card=THREE_D, at_once=True)
    desk.sandbox.authenticate(payment.stripe_intent_id)
    return int(payment.id)


async def lost_hold(desk: Desk) -> int:
    payment = await held(desk, card=THREE_D)
    desk.sandbox.authenticate(payment.stripe_intent_id)
    return int(payment.id)


async def lost_decline(desk: Desk) -> int:
    payment = await held(desk, card=THREE_D)
    desk.sandbox.authenticate(payment.stripe_intent_id, success=False)
    return int(payment.id)


async def expired(desk: Desk) -> int:
    desk.sandbox.next_authorization(30)
    payment = await held(desk)
    desk.sandbox.advance(60)
    return int(payment.id)


async def foreign_release(desk: Desk) -> int:
    payment = await held(desk)
    desk.stripe().payment_intents.cancel(payment.stripe_intent_id)
    return int(payment.id)


async def lost_release(desk: Desk) -> int:
    payment = await held(desk)
    await lose(desk, "/v1/payment_intents/*/cancel")
    await desk.ask(Verb.RELEASE, payment.purchase)
    return int(payment.id)


async def foreign_refund(desk: Desk) -> int:
    payment = await captured(desk)
    desk.stripe().refunds.create({"payment_intent": payment.stripe_intent_id, "amount": 1000})
    return int(payment.id)


async def lost_refund(desk: Desk) -> int:
    payment = await captured(desk)
    await lost_refund_of(desk, payment.purchase, 2000)
    return int(payment.id)


async def refund_moved(desk: Desk) -> int:
    purchase = await paid(desk, "pm_card_pendingRefund")
    await desk.ask(Verb.REFUND, purchase, 2000, reason="requested_by_customer")
    payment = await desk.payment(purchase)
    refund = desk.stripe().refunds.list({"payment_intent": payment.stripe_intent_id}).data[0]
    desk.sandbox.control("POST", f"refunds/{refund.id}", {"status": "failed"})
    return int(payment.id)


async def disputed(desk: Desk) -> int:
    payment = await captured(desk)
    desk.sandbox.control("POST", f"charges/{payment.stripe_charge_id}/dispute", {})
    return int(payment.id)


async def step_unheard(desk: Desk) -> int:
    payment = await held(desk, card=THREE_D)
    path = f"intents/{payment.stripe_intent_id}/authenticate"
    desk.sandbox.control("POST", path, {"result": "processing"})
    return int(payment.id)


async def missing_event(desk: Desk) -> int:
    payment_id = await foreign_capture(desk)
    row = await row_of(payment_id)
    intent = await gateway().fetch(row.stripe_intent_id)
    return await damage(row, **evidence.standing(intent))


async def lost_outcome(desk: Desk) -> int:
    payment = await captured(desk)
    await Operation.update({"state": State.REFUSED}).where(
        (Operation.payment == payment.id) & (Operation.verb == Verb.CAPTURE)
    )
    return int(payment.id)


async def wrong_status(desk: Desk) -> int:
    return await damage(await held(desk), payment_status=Status.RELEASED, end_reason="released")


async def wrong_amount(desk: Desk) -> int:
    return await damage(await captured(desk), captured_amount=5000)


async def wrong_expiry(desk: Desk) -> int:
    payment = await held(desk)
    far = payment.authorization_expires_at + timedelta(days=3)
    return await damage(payment, authorization_expires_at=far)


async def wrong_dispute(desk: Desk) -> int:
    payment_id = await disputed(desk)
    return await damage(await ledger.post(payment_id), disputed_amount=1)


async def wrong_field(desk: Desk) -> int:
    return await damage(await held(desk), stripe_charge_id="ch_another")


async def currency(desk: Desk) -> int:
    return await damage(await held(desk), currency="eur")


async def other_amount(desk: Desk) -> int:
    payment = await held(desk, card=THREE_D)
    desk.stripe().payment_intents.update(payment.stripe_intent_id, {"amount": 9700})
    return int(payment.id)


async def doubled_event(desk: Desk) -> int:
    return await invent(await captured(desk), f"end:ch_{uuid.uuid4().hex}", "captured", 9600)


async def foreign_event(desk: Desk) -> int:
    key = f"refund:re_{uuid.uuid4().hex}:succeeded"
    return await invent(await captured(desk), key, "refund_succeeded", 700)


async def wrong_event(desk: Desk) -> int:
    payment_id = await foreign_capture(desk)
    row = await row_of(payment_id)
    await invent(row, f"end:{row.stripe_charge_id}", "captured", 9000)
    intent = await gateway().fetch(row.stripe_intent_id)
    return await damage(row, **evidence.standing(intent))


async def other_payment(desk: Desk) -> int:
    """Two rows with one another's intents; the other one is told of as well."""
    one, other = await held(desk), await held(desk)
    await damage(other, stripe_intent_id=None)
    await damage(one, stripe_intent_id=other.stripe_intent_id)
    await damage(other, stripe_intent_id=one.stripe_intent_id)
    return int(one.id)


async def not_at_stripe(desk: Desk) -> int:
    purchase = await desk.buy(card="pm_card_chargeDeclined")
    payment = await desk.payment(purchase)
    row = Payment(
        purchase=purchase,
        current=False,
        payment_status=Status.AUTHORIZED,
        currency="usd",
        authorized_amount=9600,
        stripe_intent_id=f"pi_{uuid.uuid4().hex}",
        created_at=payment.created_at,
    )
    await row.save()
    return int(row.id)


async def _unsent(desk: Desk, state: State) -> tuple[int, str]:
    """A payment without an intent, whose operation is said to have ended so."""
    purchase = await desk.buy(card="pm_card_chargeDeclined")
    operation = await claimed(purchase, Verb.AUTHORIZE)
    await Operation.update(
        {"state": state, "open_for": None, "due_at": None, "first_sent_at": clock.now()}
    ).where(Operation.id == operation)
    return int((await desk.payment(purchase)).id), operation


async def no_intent(desk: Desk) -> int:
    return (await _unsent(desk, State.SUCCEEDED))[0]


async def orphan(desk: Desk) -> str:
    _, operation = await _unsent(desk, State.GIVEN_UP)
    return create(desk, metadata={"operation_id": operation})


async def second_intent(desk: Desk) -> str:
    payment = await held(desk)
    operation = (await desk.operations(payment.purchase))[0]
    return create(desk, metadata={"operation_id": operation.id})


async def missing_row(desk: Desk) -> str:
    return create(desk, metadata={"operation_id": str(uuid.uuid4())})


async def foreign_intent(desk: Desk) -> str:
    return create(desk)


async def row_of(payment_id: int) -> Payment:
    row = await Payment.objects().get(Payment.id == payment_id)
    assert row is not None
    return row


PLANTS: dict[Kind, Plant] = {
    Kind.FOREIGN_CAPTURE: foreign_capture,
    Kind.LOST_CAPTURE: lost_capture,
    Kind.LOST_CHARGE: lost_charge,
    Kind.LOST_HOLD: lost_hold,
    Kind.LOST_DECLINE: lost_decline,
    Kind.EXPIRED: expired,
    Kind.FOREIGN_RELEASE: foreign_release,
    Kind.LOST_RELEASE: lost_release,
    Kind.FOREIGN_REFUND: foreign_refund,
    Kind.LOST_REFUND: lost_refund,
    Kind.REFUND_MOVED: refund_moved,
    Kind.DISPUTE: disputed,
    Kind.STEP_UNHEARD: step_unheard,
    Kind.MISSING_EVENT: missing_event,
    Kind.LOST_OUTCOME: lost_outcome,
    Kind.WRONG_STATUS: wrong_status,
    Kind.WRONG_AMOUNT: wrong_amount,
    Kind.WRONG_EXPIRY: wrong_expiry,
    Kind.WRONG_DISPUTE: wrong_dispute,
    Kind.WRONG_FIELD: wrong_field,
    Kind.CURRENCY: currency,
    Kind.OTHER_AMOUNT: other_amount,
    Kind.DOUBLED_EVENT: doubled_event,
    Kind.FOREIGN_EVENT: foreign_event,
    Kind.WRONG_EVENT: wrong_event,
    Kind.OTHER_PAYMENT: other_payment,
    Kind.NOT_AT_STRIPE: not_at_stripe,
    Kind.NO_INTENT: no_intent,
    Kind.ORPHAN: orphan,
    Kind.SECOND_INTENT: second_intent,
    Kind.MISSING_ROW: missing_row,
    Kind.FOREIGN_INTENT: foreign_intent,
}
# What a post mends; the rest waits for a person.
MENDED = list(PLANTS)[:20]


def told(fields: str) -> list[str]:
    """The names of the fields of a difference."""
    return [name for name, _, _ in json.loads(fields)]
