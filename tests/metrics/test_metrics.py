"""The six metrics on real histories: the money path, the real SDK, the sandbox over HTTP."""

from datetime import timedelta
from fractions import Fraction

from dashboard import clock
from dashboard.metrics import behind, queries
from dashboard.metrics.facts import Metric
from dashboard.metrics.figures import Figures, Share
from dashboard.payments import settle
from dashboard.payments.facts import Status, Verb
from dashboard.payments.tables import Operation, Payment, Purchase
from jobs.metrics import keep_metrics
from tests.bookings.renewing import walk
from tests.metrics.histories import open_ticket
from tests.payments.banking import dispute, move
from tests.payments.conftest import Desk
from tests.world import World

HOUR = timedelta(hours=1)
CAPTURE = "/v1/payment_intents/*/capture"
ASKS = "pm_card_authenticationRequired"


async def figures(currency: str = "usd", days: int = 20) -> Figures:
    """All that was counted until now."""
    await keep_metrics()
    last = queries.today()
    return (await queries.period(last - timedelta(days=days), last, currency)).total


async def payments_behind(metric: Metric, currency: str = "usd") -> list[int | None]:
    last = queries.today()
    rows = await behind.numerator(metric, last - timedelta(days=20), last, currency).all()
    return [row.payment_id for row in rows]


async def test_an_attempt_that_waits_for_the_customer_is_left_out_until_it_is_known(desk: Desk):
    held = await desk.buy()
    await desk.buy(card="pm_card_chargeDeclined")
    paid = await desk.buy(at_once=True)
    waiting = await desk.buy(card=ASKS)
    assert (await figures()).authorization == Share(2, 3)
    assert await payments_behind(Metric.AUTHORIZATION) == [
        (await desk.payment(purchase)).id for purchase in (held, paid)
    ]
    desk.sandbox.authenticate((await desk.payment(waiting)).stripe_intent_id)
    await desk.deliver()
    assert (await figures()).authorization == Share(3, 4)


async def test_an_attempt_that_nobody_completed_counts_once_as_no_hold(desk: Desk):
    await desk.buy(card=ASKS)
    declined = await desk.buy(card="pm_card_chargeDeclined")
    await desk.advance(HOUR)
    await desk.tick()
    await desk.decide(declined, 0)
    await desk.tick()
    assert await desk.kinds(declined) == ["declined", "cancelled"]
    assert (await figures()).authorization == Share(0, 2)


async def test_an_authorization_whose_outcome_is_unknown_is_left_out(desk: Desk):
    desk.sandbox.fault("after", "drop", "/v1/payment_intents")
    purchase = await desk.buy()
    assert (await figures()).authorization == Share(0, 0)
    await desk.advance(timedelta(minutes=1))
    await desk.tick()
    assert await desk.kinds(purchase) == ["authorized"]
    assert (await figures()).authorization == Share(1, 1)


async def test_the_time_to_capture_leaves_immediate_charges_out(desk: Desk):
    first, second, third = [await desk.buy(due_in=timedelta(days=3)) for _ in range(3)]
    await desk.buy(at_once=True)
    for purchase, hours in ((first, 1), (second, 2), (third, 6)):
        await desk.advance(hours * HOUR)
        await desk.ask(Verb.CAPTURE, purchase)
    found = (await figures()).capture_time
    stood = [await _stood(desk, purchase) for purchase in (first, second, third)]
    assert stood[0] >= 3600 and stood[1] >= 3 * 3600 and stood[2] >= 9 * 3600
    assert (found.count, found.median, found.p90) == (3, stood[1], stood[2])
    assert found.mean == Fraction(sum(stood), 3)


async def _stood(desk: Desk, purchase: int) -> int:
    payment = await desk.payment(purchase)
    assert payment.ended_at and payment.authorized_at
    return (payment.ended_at - payment.authorized_at) // timedelta(seconds=1)


async def test_expired_holds_are_compared_with_those_that_ended_and_open_ones_stand_beside(
    desk: Desk,
):
    gone = await desk.buy(due_in=timedelta(days=30))
    captured, released = [await desk.buy(due_in=timedelta(days=30)) for _ in range(2)]
    await desk.ask(Verb.CAPTURE, captured)
    await desk.decide(released, 0)
    await settle.settle(released)
    await desk.advance(timedelta(days=7, seconds=1))
    await desk.deliver()
    await desk.buy()
    found = await figures()
    assert (found.expiry, found.still_open) == (Share(1, 3), 1)
    assert found.expiry.told == "1 of 3"
    assert await payments_behind(Metric.EXPIRY) == [(await desk.payment(gone)).id]
    holds = [await _stood(desk, purchase) for purchase in (gone, captured, released)]
    assert (found.hold_duration.count, found.hold_duration.seconds) == (3, sum(holds))


async def test_a_refused_capture_counts_and_an_unknown_one_does_not(desk: Desk):
    purchase = await desk.buy()
    desk.sandbox.fault("before", "402", CAPTURE)
    await desk.ask(Verb.CAPTURE, purchase)
    assert (await figures()).capture_failure == Share(1, 1)
    # Our own rules refuse more than was held: that never reaches Stripe.
    await desk.ask(Verb.CAPTURE, purchase, 9601)
    desk.sandbox.fault("before", "drop", CAPTURE)
    await desk.ask(Verb.CAPTURE, purchase)
    assert (await figures()).capture_failure == Share(1, 1)
    await desk.advance(timedelta(minutes=1))
    await desk.tick()
    assert (await desk.payment(purchase)).payment_status == Status.CAPTURED
    assert (await figures()).capture_failure == Share(1, 2)
    assert await payments_behind(Metric.CAPTURE_FAILURE) == [(await desk.payment(purchase)).id]


async def test_a_capture_that_never_arrived_was_not_refused_by_stripe(desk: Desk):
    purchase = await desk.buy(due_in=None)
    desk.sandbox.fault("before", "drop", CAPTURE)
    await desk.ask(Verb.CAPTURE, purchase)
    await desk.advance(timedelta(hours=23, minutes=1))
    await desk.tick(1)
    (operation,) = [row for row in await desk.operations(purchase) if row.verb == Verb.CAPTURE]
    assert (operation.state, operation.error_code) == ("refused", "never_arrived")
    assert (await figures()).capture_failure == Share(0, 0)


async def test_a_refused_capture_that_worked_after_all_is_corrected_on_its_own_day(desk: Desk):
    purchase = await desk.buy(due_in=None)
    desk.sandbox.fault("before", "402", CAPTURE)
    await desk.ask(Verb.CAPTURE, purchase)
    day = queries.today()
    assert (await figures()).capture_failure == Share(1, 1)
    (operation,) = [row for row in await desk.operations(purchase) if row.verb == Verb.CAPTURE]
    await desk.advance(timedelta(days=2))
    intent = (await desk.payment(purchase)).stripe_intent_id
    found = {"metadata": {"operation_id": operation.id}}
    desk.stripe().payment_intents.capture(intent, found)
    await desk.deliver()
    row = await Operation.objects().get(Operation.id == operation.id)
    assert row is not None and row.state == "succeeded"
    assert (await figures()).capture_failure == Share(0, 1)
    then = (await queries.period(day, day, "usd")).total
    assert then.capture_failure == Share(0, 0)


async def test_tickets_are_counted_by_the_topic_with_which_they_came(desk: Desk):
    await desk.buy()
    await desk.buy(currency="jpy")
    await open_ticket(clock.now())
    await open_ticket(clock.now(), topic="refund")
    for currency in ("usd", "jpy"):
        found = await figures(currency)
        assert (found.tickets, found.tickets_per_100.holds) == (1, 2)
        assert found.tickets_per_100.told == "1 for 2 holds"
    rows = await behind.numerator(Metric.TICKETS, queries.today(), queries.today(), "usd").all()
    assert len(rows) == 1 and rows[0].kind == "ticket"


async def test_no_currency_is_added_to_another(desk: Desk):
    await desk.buy(price=100)
    await desk.buy(price=700, currency="jpy", at_once=True)
    dollars, yen = await figures("usd"), await figures("jpy")
    assert (dollars.money.reserved, dollars.money.charged) == (100, 0)
    assert (yen.money.reserved, yen.money.charged) == (0, 700)
    assert await queries.currencies() == ["jpy", "usd"]


async def test_the_money_balances_with_the_payments(desk: Desk):
    open_one, part, lost = [await desk.buy() for _ in range(3)]
    await desk.ask(Verb.CAPTURE, part, 6000)
    await desk.ask(Verb.REFUND, part, 1000, reason="lesson_went_wrong")
    await desk.ask(Verb.CAPTURE, lost)
    opened = await dispute(desk, lost)
    disputed = (await figures()).money
    assert (disputed.disputed, disputed.in_dispute, disputed.at_risk) == (9600, 9600, 9600)
    await move(desk, opened, "lost")
    money = (await figures()).money
    assert (money.reserved, money.captured) == (28800, 15600)
    assert (money.released, money.held) == (3600, 9600)
    assert money.reserved == money.captured + money.released + money.held
    assert (money.refunded, money.lost, money.in_dispute) == (1000, 9600, 0)
    assert (money.withdrawn, money.net) == (9600, 15600 - 1000 - 9600)
    rows = await Payment.objects()
    held = sum(row.authorized_amount for row in rows if row.payment_status == Status.AUTHORIZED)
    kept = sum(row.captured_amount - row.refunded_amount - row.lost_amount for row in rows)
    assert (money.held, money.net) == (held, kept)
    assert (await desk.payment(open_one)).payment_status == Status.AUTHORIZED


async def test_a_refund_that_comes_back_is_money_again(desk: Desk):
    purchase = await desk.buy(at_once=True)
    await desk.ask(Verb.REFUND, purchase, 1000, reason="lesson_went_wrong")
    assert (await figures()).money.net == 8600
    refund = desk.stripe().refunds.list({"limit": 1}).data[0]
    desk.sandbox.control("POST", f"refunds/{refund.id}", {"status": "failed"})
    await desk.advance(timedelta(days=2))
    await desk.deliver()
    money = (await figures()).money
    assert (money.refunded, money.net) == (0, 9600)
    today = (await queries.period(queries.today(), queries.today(), "usd")).total.money
    assert today.refunded == -1000


async def test_a_renewed_hold_is_a_hold_of_its_own_and_the_old_one_was_released(renew: World):
    renew.sandbox.next_authorization(timedelta(days=2).total_seconds())
    booked = await renew.book(timedelta(days=4))
    await walk(renew, clock.now() + timedelta(days=1, minutes=2))
    old, new = (await renew.books(booked["id"])).payments
    assert (old.payment_status, new.payment_status) == (Status.RELEASED, Status.AUTHORIZED)
    found = await figures()
    assert (found.authorization, found.expiry, found.still_open) == (Share(2, 2), Share(0, 1), 1)
    money = found.money
    assert (money.reserved, money.released, money.held) == (19200, 9600, 9600)


async def test_a_far_lesson_that_was_called_off_was_no_attempt(renew: World):
    booked = await renew.book(timedelta(days=20))
    assert (await renew.call(booked["id"], "cancel", {"by": "student", "reason": "ill"})).is_success
    await renew.tick()
    assert (await renew.story(booked["id"]))[-1] == "cancelled"
    assert (await figures(days=5)).authorization == Share(0, 0)
    assert await Purchase.count() == 1
