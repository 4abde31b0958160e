"""Fees: known from what is read of Stripe anyway, counted on the day the money was taken."""

from datetime import timedelta

import pytest

from dashboard.metrics import behind, queries, rollup
from dashboard.metrics.figures import Money
from dashboard.metrics.numbers import MONEY, named
from dashboard.payments import ledger
from dashboard.payments.facts import Verb
from dashboard.payments.tables import Payment
from dashboard.sandbox import amounts
from dashboard.stripe_gateway import StripeGateway, gateway
from jobs.metrics import keep_metrics
from tests.payments.banking import dispute, move, paid
from tests.payments.conftest import Desk
from tests.payments.reconciling import compare, rows

FEE = 9600 * 29 // 1000 + 30
DISPUTE_FEE = 1500


async def money(currency: str = "usd") -> Money:
    await keep_metrics()
    last = queries.today()
    found = (await queries.period(last - timedelta(days=40), last, currency)).total.money
    for name in ("fees", "unpriced"):
        rows_ = named(f"money.{name}", last - timedelta(days=40), last, currency)
        assert (await rows_.come_to())[1] == getattr(found, name)
    return found


async def forget(payment_id: int) -> None:
    """As before anybody looked at fees."""
    unknown: dict[str, object] = {"fee_amount": None, "fee_currency": ""}
    await Payment.update(unknown).where(Payment.id == payment_id)  # type: ignore[arg-type]


async def test_the_sandbox_takes_what_stripe_takes():
    assert amounts.fee(9600) == pytest.approx(FEE, abs=1)


async def test_the_fee_of_a_capture_is_known_from_the_read_that_posts_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    purchase = await desk.buy()
    held = await desk.payment(purchase)
    assert (held.fee_amount, held.fee_currency) == (None, "")
    fetched: list[str] = []
    fetch = StripeGateway.fetch

    async def counted(self: StripeGateway, intent_id: str) -> object:
        fetched.append(intent_id)
        return await fetch(self, intent_id)

    monkeypatch.setattr(StripeGateway, "fetch", counted)
    await desk.ask(Verb.CAPTURE, purchase, 6000)
    assert len(fetched) == 1
    payment = await desk.payment(purchase)
    assert (payment.fee_amount, payment.fee_currency) == (amounts.fee(6000), "usd")
    found = await money()
    assert (found.captured, found.fees, found.unpriced) == (6000, amounts.fee(6000), 0)
    assert found.after_fees == 6000 - amounts.fee(6000)


async def test_an_immediate_charge_is_priced_once_stripe_has_booked_it(desk: Desk):
    purchase = await desk.buy(at_once=True)
    assert (await money()).unpriced == 9600
    assert (await money()).fees == 0
    await desk.advance(timedelta(hours=2))
    await desk.deliver()
    assert (await desk.payment(purchase)).fee_amount == amounts.fee(9600)
    found = await money()
    assert (found.fees, found.unpriced, found.charged) == (amounts.fee(9600), 0, 9600)


async def test_the_reconciliation_learns_a_fee_from_its_list_and_calls_it_no_difference(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    purchase = await desk.buy()
    await desk.ask(Verb.CAPTURE, purchase)
    before = await desk.payment(purchase)
    await forget(before.id)
    assert (await money()).unpriced == 9600

    async def never(*_: object) -> object:
        raise AssertionError("the list is enough")

    monkeypatch.setattr(StripeGateway, "fetch", never)
    run = await compare()
    assert (await rows(), run.found, run.converged, run.read_wholly) == ([], 0, 0, 0)
    after = await desk.payment(purchase)
    assert (after.fee_amount, after.version) == (amounts.fee(9600), before.version + 1)
    assert ((await money()).fees, (await money()).unpriced) == (amounts.fee(9600), 0)


async def test_a_fee_that_was_written_wrong_is_a_difference_and_is_mended(desk: Desk):
    purchase = await desk.buy()
    await desk.ask(Verb.CAPTURE, purchase)
    payment = await desk.payment(purchase)
    await Payment.update({Payment.fee_amount: 1}).where(Payment.id == payment.id)
    await compare()
    (row,) = await rows()
    assert row.state == "converged" and "fee_amount" in row.fields
    assert (await desk.payment(purchase)).fee_amount == amounts.fee(9600)


async def test_a_dispute_costs_a_fee_of_its_own_on_its_own_day(desk: Desk):
    purchase = await paid(desk)
    await money()
    taken = queries.today()
    await desk.advance(timedelta(days=3))
    opened = await dispute(desk, purchase)
    payment = await desk.payment(purchase)
    assert payment.dispute_fee_amount == DISPUTE_FEE
    await keep_metrics()
    on_its_day = (await queries.period(taken, taken, "usd")).total.money
    assert on_its_day.fees == payment.fee_amount
    today = queries.today()
    assert (await queries.period(today, today, "usd")).total.money.fees == DISPUTE_FEE
    await move(desk, opened, "won")
    assert (await money()).fees == payment.fee_amount + DISPUTE_FEE
    await compare()
    assert await rows() == []


async def test_a_fee_in_another_currency_is_not_taken_off(desk: Desk):
    purchase = await desk.buy()
    await desk.ask(Verb.CAPTURE, purchase)
    payment = await desk.payment(purchase)
    await Payment.update({Payment.fee_currency: "eur"}).where(Payment.id == payment.id)
    found = await money()
    assert (found.fees, found.unpriced, found.after_fees) == (0, 9600, 9600)


async def test_a_fee_is_learnt_of_its_own_charge_and_once(desk: Desk):
    purchase = await desk.buy()
    await desk.ask(Verb.CAPTURE, purchase)
    payment = await desk.payment(purchase)
    charge = (await gateway().fetch(payment.stripe_intent_id)).charge
    assert charge is not None
    await forget(payment.id)
    await Payment.update({Payment.stripe_charge_id: "ch_other"}).where(Payment.id == payment.id)
    await ledger.learn_fee(payment.id, charge)
    assert (await desk.payment(purchase)).fee_amount is None
    await Payment.update({Payment.stripe_charge_id: charge.id}).where(Payment.id == payment.id)
    await ledger.learn_fee(payment.id, charge)
    await ledger.learn_fee(payment.id, charge)
    assert (await desk.payment(purchase)).version == payment.version + 1


async def test_days_that_were_counted_stay_true_when_counted_again(desk: Desk):
    for _ in range(2):
        await desk.ask(Verb.CAPTURE, await desk.buy())
    await keep_metrics()
    assert not (await rollup.rebuild()).changed
    assert {"fees", "unpriced"} <= set(MONEY)
    last = queries.today()
    assert len(await behind.of_cells(MONEY["fees"], last, last, "usd").all()) == 2
