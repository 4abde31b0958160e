"""Runs of the reconciliation: page by page, killed, alone, with Stripe away, over old payments."""

import asyncio
import json
import sqlite3
from datetime import timedelta
from typing import Any

import pytest

from dashboard import clock
from dashboard.payments import ledger
from dashboard.payments.facts import Status, Verb
from dashboard.payments.reconcile import differences, marks, runs
from dashboard.payments.reconcile.causes import Kind
from dashboard.payments.reconcile.tables import ReconcileRun
from dashboard.payments.tables import Payment
from dashboard.stripe_gateway import StripeGateway
from tests.jobs.processes import until
from tests.payments.banking import paid
from tests.payments.conftest import ANA, Desk
from tests.payments.multiplying import multiply
from tests.payments.planting import PLANTS, create, foreign_capture, foreign_refund, held, row_of
from tests.payments.reconciling import compare, going, kinds, page, rows

DAY = timedelta(days=1)
LISTS = "/v1/payment_intents"


async def many(desk: Desk) -> int:
    """More payments than two pages hold."""
    await desk.buy()
    await paid(desk)
    await multiply(desk, 104)
    return int(await Payment.count())


async def taken() -> bool:
    """Whether a worker has the run."""
    return (await going()).lease is not None


async def test_what_differs_on_either_side_of_a_page_boundary_is_found_once(desk: Desk):
    count = await many(desk)
    listed = desk.stripe().payment_intents.list({"limit": 100})
    intents = [one for one in listed.auto_paging_iter() if one.status == "requires_capture"]
    assert len(intents) == count // 2
    for intent in (intents[0], intents[49], intents[50], intents[99], intents[-1]):
        desk.stripe().payment_intents.cancel(intent.id)
    run = await compare()
    assert await kinds() == [(Kind.FOREIGN_RELEASE, "converged")] * 5
    assert (run.compared, run.read_wholly) == (count, 5)


async def test_payments_that_come_during_a_run_are_no_differences(desk: Desk):
    count = await many(desk)
    await runs.ask("Ana")
    first = await page()
    assert (first.stage, first.compared) == ("intents", 100)
    await desk.buy()
    await foreign_capture(desk)
    made = create(desk)
    assert (await page()).compared == 200
    await runs.work(60.0)
    run = await runs.latest()
    # Ours were read one by one; the stranger stands before the first page, for the next run.
    assert run is not None and run.compared == count + 2
    assert await kinds() == [(Kind.FOREIGN_CAPTURE, "converged")]
    await compare()
    assert [row.intent_id for row in await rows("open")] == [made]


async def test_a_run_whose_worker_was_killed_is_finished_by_another(desk: Desk):
    count = await many(desk)
    await runs.ask("Ana")
    await page()
    desk.sandbox.fault("before", "hang", LISTS, method="GET", seconds=20)
    killed = asyncio.create_task(runs.work(60.0))
    await until(taken)
    killed.cancel()
    await asyncio.gather(killed, return_exceptions=True)
    assert await runs.work(60.0) == 0
    await desk.advance(runs.LEASE + timedelta(seconds=1))
    # Two more pages of intents, one of refunds, one of disputes, three of our own rows.
    assert await runs.work(60.0) == 7
    run = await runs.latest()
    assert run is not None and (run.compared, run.found) == (count, 0)


@pytest.mark.parametrize("kind", ["429", "500", "drop"])
async def test_stripe_away_in_the_middle_costs_time_and_nothing_else(desk: Desk, kind: str):
    await foreign_refund(desk)
    await foreign_capture(desk)
    await runs.ask("Ana")
    # The list is read; then one of the payments can't be.
    first = (await row_of(1)).stripe_intent_id
    # The SDK itself tries again after all of them but a 429.
    times = 1 if kind == "429" else 3
    desk.sandbox.fault("before", kind, f"{LISTS}/{first}", method="GET", times=times)
    await runs.work(60.0)
    run = await going()
    assert run.error and run.lease is None and run.due_at > clock.now()
    assert await runs.work(60.0) == 0
    await desk.advance(runs.FIRST_RETRY)
    await runs.work(60.0)
    run = await runs.latest()
    assert run is not None and (run.error, run.compared, run.converged) == ("", 2, 2)
    assert sorted(await kinds()) == [
        (Kind.FOREIGN_CAPTURE, "converged"),
        (Kind.FOREIGN_REFUND, "converged"),
    ]


async def test_two_workers_at_once_do_it_once(desk: Desk):
    await foreign_capture(desk)
    await asyncio.gather(runs.ask("Ana"), runs.ask("Bea"))
    done = await asyncio.gather(*(runs.work(60.0) for _ in range(3)))
    assert sorted(done)[:2] == [0, 0]
    assert await ReconcileRun.count() == 1
    assert await kinds() == [(Kind.FOREIGN_CAPTURE, "converged")]


async def test_who_has_lost_the_run_writes_nothing_more_to_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    await desk.buy()
    run = await runs.ask("Ana")
    real = StripeGateway.page

    async def overtaken(self: StripeGateway, *asked: Any) -> Any:
        await ReconcileRun.update({"lease": "another"}).where(ReconcileRun.id == run.id)
        return await real(self, *asked)

    monkeypatch.setattr(StripeGateway, "page", overtaken)
    assert await runs.work(60.0) == 0
    assert ((await going()).lease, (await going()).stage) == ("another", "intents")


async def test_it_runs_every_night_and_not_twice(desk: Desk):
    await runs.ask_nightly()
    await runs.ask_nightly()
    assert await ReconcileRun.count() == 1
    await runs.work(60.0)
    await desk.advance(DAY - timedelta(minutes=1))
    await runs.ask_nightly()
    assert await ReconcileRun.count() == 1
    await desk.advance(timedelta(minutes=1))
    await runs.ask_nightly()
    assert [run.asked_by for run in await ReconcileRun.objects()] == [runs.NIGHT] * 2


async def test_what_was_spent_on_a_page_is_not_spent_again(desk: Desk):
    planted = [await foreign_capture(desk) for _ in range(3)]
    await runs.ask("Ana")
    # The budget is over before the first payment is read: the page stays, and its marks count.
    run = await page()
    assert (run.stage, run.cursor, run.read_wholly) == ("intents", "", 0)
    await marks.mark(planted[:2], run.id)
    await runs.work(60.0)
    done = await runs.latest()
    assert done is not None and done.read_wholly == 1


async def test_refunds_and_disputes_of_old_payments_are_found(desk: Desk):
    refunded, disputed, old = [await desk.payment(await paid(desk)) for _ in range(3)]
    await desk.advance(60 * DAY)
    desk.stripe().refunds.create({"payment_intent": refunded.stripe_intent_id, "amount": 100})
    path = f"charges/{disputed.stripe_charge_id}/dispute"
    desk.sandbox.control("POST", path, {})
    run = await compare()
    assert [(row.kind, row.payment) for row in await rows("converged")] == [
        (Kind.FOREIGN_REFUND, refunded.id),
        (Kind.DISPUTE, disputed.id),
    ]
    assert run.compared == 2 and (await row_of(old.id)).version == old.version


async def test_an_old_payment_that_is_still_open_widens_the_window(desk: Desk):
    payment = await held(desk, card="pm_card_authenticationRequired")
    await desk.advance(60 * DAY)
    stranger = create(desk)
    desk.sandbox.authenticate(payment.stripe_intent_id)
    run = await compare()
    assert run.since < clock.now() - 60 * DAY
    assert {row.kind for row in await rows()} == {Kind.LOST_HOLD, Kind.FOREIGN_INTENT}
    assert stranger in [row.intent_id for row in await rows("open")]


async def test_what_was_acknowledged_stays_so_beyond_the_window(desk: Desk):
    await desk.buy()
    intent = create(desk, capture_method="automatic")
    await compare()
    (row,) = await rows("open")
    await differences.acknowledge(row.id, row.version, ANA, "The school's own.")
    await desk.advance(60 * DAY)
    await compare()
    assert await kinds("open", "acknowledged") == [(Kind.FOREIGN_INTENT, "acknowledged")]
    (row,) = await rows("acknowledged")
    assert (row.intent_id, row.reason, row.decided_by) == (intent, "The school's own.", "Ana")


async def test_a_picture_that_our_books_refuse_stops_nothing(desk: Desk):
    odd = await foreign_capture(desk)
    intent_id = (await row_of(odd)).stripe_intent_id
    with sqlite3.connect(desk.sandbox.state_file, timeout=30) as store:
        (body,) = store.execute("SELECT body FROM objects WHERE id = ?", [intent_id]).fetchone()
        changed = json.loads(body) | {"amount_received": 99_999}
        store.execute(
            "UPDATE objects SET body = ? WHERE id = ?", [json.dumps(changed).encode(), intent_id]
        )
    await foreign_capture(desk)
    await compare()
    assert sorted(await kinds()) == [
        (Kind.FOREIGN_CAPTURE, "converged"),
        (Kind.UNREADABLE, "open"),
    ]
    assert (await row_of(odd)).payment_status == Status.AUTHORIZED


async def test_one_payment_that_stripe_never_answers_for_holds_up_no_other(desk: Desk):
    silent = await foreign_refund(desk)
    await foreign_capture(desk)
    intent_id = (await row_of(silent)).stripe_intent_id
    desk.sandbox.fault("before", "429", f"{LISTS}/{intent_id}", method="GET", times=999)
    await runs.ask("Ana")
    for _ in range(runs.PATIENCE):
        assert await runs.work(60.0) == 0
        await runs.ask("Bea")
    await runs.work(60.0)
    assert await runs.unfinished() is None
    found = [(row.kind, row.state, row.payment == silent) for row in await rows()]
    assert sorted(found) == [
        (Kind.FOREIGN_CAPTURE, "converged", False),
        (Kind.UNREADABLE, "open", True),
    ]
    desk.sandbox.control("DELETE", "faults")
    await compare()
    assert (Kind.UNREADABLE, "gone") in await kinds()


async def test_a_cursor_that_stripe_does_not_know_begins_the_list_again(desk: Desk):
    await foreign_capture(desk)
    await runs.ask("Ana")
    await ReconcileRun.update({"cursor": "pi_unknown"}).where(ReconcileRun.unfinished == 1)
    for _ in range(runs.PATIENCE + 2):
        await runs.work(60.0)
        await desk.advance(runs.LONGEST_RETRY)
    assert await runs.unfinished() is None
    assert await kinds() == [(Kind.FOREIGN_CAPTURE, "converged")]


async def test_an_attempt_that_was_declined_before_it_worked_is_no_difference(desk: Desk):
    purchase = await desk.buy(card="pm_card_chargeDeclined")
    payment = await desk.payment(purchase)
    desk.stripe().payment_intents.confirm(
        payment.stripe_intent_id,
        {"payment_method": "pm_card_visa", "return_url": "https://example.test/"},
    )
    await ledger.post(payment.id)
    assert await desk.kinds(purchase) == ["declined", "authorized"]
    run = await compare()
    assert (run.compared, await rows()) == (1, [])


async def test_two_rows_that_were_mixed_up_are_left_as_they_are(desk: Desk):
    one = await PLANTS[Kind.OTHER_PAYMENT](desk)
    other = await PLANTS[Kind.CURRENCY](desk)
    assert isinstance(one, int) and isinstance(other, int)
    before = [await row_of(payment) for payment in (one, other)]
    await compare()
    after = [await row_of(payment) for payment in (one, other)]
    assert [row.version for row in after] == [row.version for row in before]
    assert set(await kinds()) == {(Kind.OTHER_PAYMENT, "open"), (Kind.CURRENCY, "open")}


async def test_a_difference_that_came_back_is_open_again(desk: Desk):
    payment = await held(desk)
    for currency, state in (("eur", "open"), ("usd", "gone"), ("eur", "open")):
        await Payment.update({"currency": currency}).where(Payment.id == payment.id)
        await compare()
        assert await kinds() == [(Kind.CURRENCY, state)]


async def test_what_converged_is_settled_afterwards(desk: Desk):
    """Stripe's own dashboard captured less than is owed: the desk says so, by the same rules."""
    purchase = await desk.buy(due_in=None)
    await desk.decide(purchase, 5000, due_now=False)
    payment = await desk.payment(purchase)
    desk.stripe().payment_intents.capture(payment.stripe_intent_id)
    await compare()
    await desk.tick()
    assert await desk.kinds(purchase) == ["authorized", "captured", "refund_succeeded"]
    assert (await desk.payment(purchase)).refunded_amount == 4600
    assert [row.verb for row in await desk.operations(purchase)] == [Verb.AUTHORIZE, Verb.REFUND]
    await compare()
    assert await kinds() == [(Kind.FOREIGN_CAPTURE, "converged")]
