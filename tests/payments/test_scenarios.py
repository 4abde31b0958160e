"""The original requirements' scenarios on the money path itself."""

from datetime import timedelta

from dashboard.payments.errors import Declined, NotAllowed
from dashboard.payments.facts import Status, Verb
from tests.payments.conftest import Desk


async def test_01_a_hold_is_captured_after_the_lesson(desk: Desk):
    purchase = await desk.buy(due_in=timedelta(hours=3))
    held = await desk.payment(purchase)
    assert (held.payment_status, held.authorized_amount, held.captured_amount) == (
        Status.AUTHORIZED,
        9600,
        0,
    )
    assert held.expires_source == "network"
    await desk.advance(timedelta(hours=3, seconds=1))
    await desk.tick()
    paid = await desk.payment(purchase)
    assert (paid.payment_status, paid.captured_amount) == (Status.CAPTURED, 9600)
    assert await desk.kinds(purchase) == ["authorized", "captured"]
    assert len(desk.money_calls("/capture")) == 1


async def test_02_a_declined_card_holds_nothing_and_a_later_attempt_reaches_stripe(desk: Desk):
    purchase = await desk.buy(card="pm_card_chargeDeclinedInsufficientFunds")
    failed = await desk.payment(purchase)
    assert failed.payment_status == Status.FAILED
    assert failed.refusal_code == "insufficient_funds"
    assert failed.authorized_amount == 0
    assert await desk.kinds(purchase) == ["declined"]
    again = await desk.attempt(purchase, Verb.AUTHORIZE)
    assert isinstance(again, Declined)
    keys = [row["idempotency_key"] for row in desk.money_calls("/payment_intents")]
    assert len(set(keys)) == 2


async def test_03_a_hold_that_expired_is_released_with_its_reason(desk: Desk):
    purchase = await desk.buy(due_in=timedelta(days=30))
    await desk.advance(timedelta(days=7, seconds=1))
    await desk.deliver()
    gone = await desk.payment(purchase)
    assert (gone.payment_status, gone.end_reason) == (Status.RELEASED, "expired")
    assert await desk.kinds(purchase) == ["authorized", "expired"]
    refused = await desk.ask(Verb.CAPTURE, purchase)
    assert isinstance(refused, NotAllowed)
    assert refused.code == "hold_ended"
