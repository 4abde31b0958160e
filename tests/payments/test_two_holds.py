"""Two holds of one purchase, as a renewal leaves them for a moment: only one is ever captured."""

from datetime import timedelta

from dashboard import clock
from dashboard.bookings.holds import hold
from dashboard.payments import ledger, sending
from dashboard.payments.errors import OutcomeUnknown
from dashboard.payments.facts import State, Status, Verb
from dashboard.payments.tables import Payment
from tests.payments.conftest import Desk

MINUTE = timedelta(minutes=1)


async def two_holds(desk: Desk) -> tuple[int, Payment, Payment]:
    purchase = await desk.buy()
    first = await desk.payment(purchase)
    await Payment.update({"payment_status": Status.FAILED}).where(Payment.id == first.id)
    await desk.attempt(purchase, Verb.AUTHORIZE)
    await ledger.post(first.id)
    rows = await Payment.objects().where(Payment.purchase == purchase).order_by(Payment.id)
    assert [row.payment_status for row in rows] == [Status.AUTHORIZED, Status.AUTHORIZED]
    return purchase, rows[0], rows[1]


async def test_a_capture_whose_answer_was_lost_is_not_sent_again_once_the_other_hold_was_captured(
    desk: Desk,
):
    purchase, first, second = await two_holds(desk)
    desk.sandbox.fault("before", "drop", f"/v1/payment_intents/{second.stripe_intent_id}/capture")
    assert isinstance(await desk.ask(Verb.CAPTURE, purchase), OutcomeUnknown)
    operation = (await desk.operations(purchase))[-1]
    # In Stripe's own dashboard; the event of it has not come yet.
    desk.stripe().payment_intents.capture(str(first.stripe_intent_id))
    for _ in range(4):
        await desk.advance(MINUTE)
        await desk.tick()
    rows = await Payment.objects().where(Payment.purchase == purchase).order_by(Payment.id)
    assert [row.captured_amount for row in rows] == [9600, 0]
    assert rows[1].payment_status == Status.RELEASED
    ended = await sending.reload(operation.id)
    assert (ended.verb, ended.state) == (Verb.RELEASE, State.SUCCEEDED)


async def test_a_hold_beside_a_captured_one_offers_no_capture(desk: Desk):
    _purchase, first, second = await two_holds(desk)
    before = await hold(second.id)
    assert before and before.movements(clock.now()) == (Verb.CAPTURE, Verb.RELEASE)
    desk.stripe().payment_intents.capture(str(first.stripe_intent_id))
    await ledger.post(first.id)
    after = await hold(second.id)
    assert after and after.movements(clock.now()) == ()
