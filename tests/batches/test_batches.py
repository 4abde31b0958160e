"""Many holds at once: each moves once, whatever is sent twice, dies, is declined or has changed."""

import asyncio
import sqlite3
from dataclasses import replace
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from dashboard import clock, db
from dashboard.batches import record
from dashboard.batches import work as rows_of
from dashboard.batches.review import review
from dashboard.batches.tables import Batch, BatchRow
from dashboard.bookings.errors import KeyReused
from dashboard.payments import actions, ledger
from dashboard.payments.actors import Actor
from dashboard.payments.facts import State, Verb
from dashboard.payments.tables import Operation, Payment, Purchase
from dashboard.staff import auth
from dashboard.staff.tables import Staff
from jobs import batches
from tests.batches.choosing import confirm, held, order_of, seen, states, work
from tests.world import ANA, PASSWORD, World

MINUTE = timedelta(minutes=1)


async def captures(world: World) -> int:
    return len(world.money_calls("/capture"))


async def status(payment_id: int) -> str:
    row = await Payment.objects().get(Payment.id == payment_id)
    assert row is not None
    return str(row.payment_status)


async def retry(batch_id: int, retries: int, by: Actor = ANA) -> int:
    async with db.transaction():
        return await record.retry(batch_id, retries, by)


async def test_what_was_confirmed_is_captured_by_who_asked_and_each_student_is_told(world: World):
    chosen = await held(world, 3)
    batch = await confirm(await order_of(chosen))
    done = await work(batch)
    assert states(done) == ["done"] * 3
    assert done.worth(*{line.state for line in done.lines}) == {"usd": 28800}
    operations = await Operation.objects().where(Operation.verb == Verb.CAPTURE)
    assert {(one.asked_by, one.asked_by_staff, one.cause) for one in operations} == {
        ("Ana", 1, "staff")
    }
    assert [await status(one) for one in chosen] == ["captured"] * 3
    assert await captures(world) == 3


async def test_a_release_carries_its_one_reason_and_note_to_each_hold(world: World):
    chosen = await held(world, 2)
    order = replace(await order_of(chosen, Verb.RELEASE), reason="duplicate", note="Twice.")
    assert states(await work(await confirm(order))) == ["done", "done"]
    operations = await Operation.objects().where(Operation.verb == Verb.RELEASE)
    assert [(one.reason, one.note) for one in operations] == [("duplicate", "Twice.")] * 2


async def test_a_review_that_is_sent_twice_is_one_batch_and_one_capture(world: World):
    order = await order_of(await held(world, 2))
    first, second = await asyncio.gather(confirm(order), confirm(order))
    assert first == second
    await work(first)
    assert await confirm(order) == first
    assert states(await work(first)) == ["done", "done"]
    assert (await Batch.count(), await captures(world)) == (1, 2)


async def test_a_review_that_was_confirmed_can_not_be_sent_with_other_holds(world: World):
    one, other = await held(world, 2)
    order = await order_of([one])
    await confirm(order)
    for changed in (
        replace(order, items=(await order_of([one, other])).items),
        replace(order, note="Another one."),
        replace(order, items=[replace(order.items[0], amount=5000)]),
    ):
        with pytest.raises(KeyReused):
            await confirm(changed)
    assert await BatchRow.count() == 1


async def test_the_same_holds_in_a_second_tab_are_captured_once(world: World):
    chosen = await held(world, 3)
    first, second = [await confirm(await order_of(chosen)) for _ in range(2)]
    await asyncio.gather(batches.carry_out_batches(), batches.carry_out_batches())
    ends = sorted(zip(states(await seen(first)), states(await seen(second)), strict=True))
    assert all("done" in pair and set(pair) <= {"done", "changed", "busy"} for pair in ends)
    assert await captures(world) == 3


async def test_two_workers_take_each_row_once(world: World):
    batch = await confirm(await order_of(await held(world, 4)))
    ids = await rows_of.due(10)
    taken = await asyncio.gather(*(rows_of.carry_out(row) for row in [*ids, *ids]))
    assert sum(taken) == 4
    assert states(await seen(batch)) == ["done"] * 4
    assert await captures(world) == 4


@pytest.mark.parametrize("died", ["before the claim", "before the send", "after the send"])
async def test_a_worker_that_is_killed_leaves_a_row_that_is_finished_once(
    world: World, monkeypatch: pytest.MonkeyPatch, died: str
):
    batch = await confirm(await order_of(await held(world, 2)))
    (row, *_) = await rows_of.due(10)

    class Killed(BaseException):
        pass

    async def killed(*_: Any, **__: Any) -> Any:
        raise Killed

    with monkeypatch.context() as patched:
        if died == "before the claim":
            patched.setattr(actions, "perform", killed)
        elif died == "before the send":
            patched.setattr(actions, "send", killed)
        else:
            patched.setattr(rows_of, "_finish", killed)
        with pytest.raises(Killed):
            await rows_of.carry_out(row)
    assert states(await work(batch)) == ["working", "done"]
    await world.advance(2 * MINUTE)
    for _ in range(3):
        await work(batch)
        await world.tick()
        await world.advance(MINUTE)
    assert states(await seen(batch)) == ["done", "done"]
    assert await captures(world) == 2


async def test_a_lease_that_was_lost_writes_nothing_over_who_has_it_now(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    batch = await confirm(await order_of(await held(world)))
    (row_id,) = await rows_of.due(10)
    row = await rows_of._claim(row_id)
    assert row is not None and await rows_of._claim(row_id) is None
    await world.advance(2 * MINUTE)
    assert await rows_of.carry_out(row_id)
    await rows_of._finish(row, rows_of.Ending(rows_of.RowState.DECLINED))
    assert states(await seen(batch)) == ["done"]


async def test_a_declined_row_is_tried_again_under_a_new_operation_by_who_retried(world: World):
    chosen = await held(world, 2)
    world.sandbox.fault("before", "402", f"/v1/payment_intents/{await _intent(chosen[0])}/capture")
    batch = await confirm(await order_of(chosen))
    first = await work(batch)
    assert states(first) == ["declined", "done"] and first.lines[0].row.said
    assert await retry(batch, 1) == 0
    finn = Actor("Finn", "staff", await _another())
    assert await retry(batch, 0, finn) == 1
    assert await retry(batch, 0, finn) == 0
    again = await work(batch)
    assert states(again) == ["done", "done"]
    assert again.lines[0].row.operation != first.lines[0].row.operation
    operation = await Operation.objects().get(Operation.id == again.lines[0].row.operation)
    assert operation is not None and operation.asked_by == "Finn"
    assert await retry(batch, 1) == 0
    assert await captures(world) == 2


async def test_a_decline_that_had_worked_after_all_is_done_and_is_not_tried_again(world: World):
    chosen = await held(world, 1)
    world.sandbox.fault("before", "402", "/v1/payment_intents/*/capture")
    batch = await confirm(await order_of(chosen))
    declined = await work(batch)
    assert states(declined) == ["declined"]
    operation = declined.lines[0].row.operation
    await Operation.update({"state": State.SUCCEEDED}).where(Operation.id == operation)
    assert states(await seen(batch)) == ["done"]
    assert await retry(batch, 0) == 0


async def test_an_unknown_outcome_is_not_retried_and_takes_over_what_it_came_to(world: World):
    chosen = await held(world, 1)
    world.sandbox.fault("after", "drop", "/v1/payment_intents/*/capture")
    world.sandbox.fault("before", "500", "/v1/payment_intents/*", method="GET", times=40)
    batch = await confirm(await order_of(chosen))
    assert states(await work(batch)) == ["unknown"]
    assert await retry(batch, 0) == 0
    world.sandbox.control("DELETE", "faults")
    await world.advance(2 * MINUTE)
    await world.tick()
    assert states(await work(batch)) == ["done"]
    assert await captures(world) == 1


async def test_a_row_that_found_another_movement_under_way_can_be_retried(world: World):
    chosen = await held(world, 1)
    order = await order_of(chosen)
    world.sandbox.fault("before", "drop", "/v1/payment_intents/*/cancel")
    world.sandbox.fault("before", "500", "/v1/payment_intents/*", method="GET", times=40)
    other = await confirm(await order_of(chosen, Verb.RELEASE))
    assert states(await work(other)) == ["unknown"]
    batch = await confirm(order)
    busy = await work(batch)
    assert states(busy) == ["busy"] and "Stripe hasn't answered" in busy.lines[0].row.said
    world.sandbox.control("DELETE", "faults")
    await world.advance(2 * MINUTE)
    await world.tick()
    assert await retry(batch, 0) == 1
    # The release went through meanwhile: what was reviewed does not stand any more.
    assert states(await work(batch)) == ["changed"]
    assert states(await seen(other)) == ["done"]


async def test_what_is_not_what_was_reviewed_is_left_as_it_is(world: World):
    less, captured, gone, same = await held(world, 4)
    order = await order_of([less, captured, gone, same])
    await Purchase.update({"owed": 4800}).where(Purchase.id == await _purchase(less))
    await work(await confirm(await order_of([captured])))
    await work(await confirm(await order_of([gone], Verb.RELEASE)))
    calls = await captures(world)
    ended = await work(await confirm(order))
    assert states(ended) == ["changed", "changed", "changed", "done"]
    assert ended.retried == 0 and await captures(world) == calls + 1
    assert "was captured already" in ended.lines[1].row.said
    assert "released already" in ended.lines[2].row.said


async def test_what_was_owed_or_paused_only_after_the_review_is_left_as_it_is(world: World):
    taught, same = await held(world, 2)
    order = await order_of([taught, same], Verb.RELEASE)
    await Purchase.update({"owed": 9600}).where(Purchase.id == await _purchase(taught))
    ended = await work(await confirm(order))
    assert states(ended) == ["changed", "done"]
    assert "something is owed" in ended.lines[0].row.said
    assert await status(taught) == "authorized"
    # The lesson that was given is captured as it was reviewed, and what was paused since is not.
    (paused,) = await held(world)
    order = await order_of([taught, paused])
    until = clock.now() + timedelta(days=1)
    await Purchase.update({"paused_until": until}).where(Purchase.id == await _purchase(paused))
    ended = await work(await confirm(order))
    assert states(ended) == ["done", "changed"] and "paused" in ended.lines[1].row.said
    # Whoever reviews it knowing of the pause may.
    assert states(await work(await confirm(await order_of([paused])))) == ["done"]


@pytest.mark.parametrize("lost", [{"role": "viewer"}, {"active": False}])
async def test_who_may_move_no_money_any_more_moves_none_of_what_was_confirmed(
    world: World, lost: dict[str, Any]
):
    chosen = await held(world, 2)
    batch = await confirm(await order_of(chosen))
    await Staff.update(lost).where(Staff.id == ANA.staff_id)
    ended = await work(batch)
    assert states(ended) == ["changed", "changed"]
    assert "Ana" in ended.lines[0].row.said and await captures(world) == 0
    assert [await status(one) for one in chosen] == ["authorized"] * 2


async def test_the_review_says_of_each_hold_why_it_can_not_be_moved(world: World):
    free, captured, nothing = await held(world, 3)
    yen = await world.book(instructor_id=world.catalog.jpy)
    jpy = int((await world.payment(yen["id"])).id)
    await work(await confirm(await order_of([captured])))
    await Purchase.update({"owed": 0}).where(Purchase.id == await _purchase(nothing))
    found = await review(Verb.CAPTURE, [captured, jpy, free, nothing, free, 2**50], clock.now())
    assert [one.hold.payment.id for one in found.movable] == [jpy, free]
    assert found.totals == {"jpy": 9600, "usd": 9600}
    assert [(one.hold.payment.id, one.why) for one in found.left] == [
        (captured, "$96.00 was captured already. Nothing was charged twice."),
        (nothing, "Nothing is owed for this booking, so nothing can be charged."),
    ]
    assert found.unknown == 1


async def test_a_payment_that_is_not_there_makes_no_batch(world: World):
    order = await order_of(await held(world))
    strange = replace(order, items=[replace(order.items[0], payment_id=2**50)])
    with pytest.raises(LookupError):
        await confirm(strange)
    assert await Batch.count() == 0


async def test_the_database_refuses_a_hold_twice_in_one_batch(world: World):
    order = await order_of(await held(world))
    with pytest.raises((sqlite3.IntegrityError, asyncpg.UniqueViolationError)) as refused:
        await confirm(replace(order, items=[*order.items, *order.items]))
    assert db.is_unique_violation(refused.value)


async def _intent(payment_id: int) -> str:
    row = await Payment.objects().get(Payment.id == payment_id)
    assert row is not None
    return str(row.stripe_intent_id)


async def _purchase(payment_id: int) -> int:
    row = await Payment.objects().get(Payment.id == payment_id)
    assert row is not None
    return int(row.purchase)


async def test_a_row_in_trouble_does_not_hold_up_the_rows_beside_it(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    chosen = await held(world, 3)
    batch = await confirm(await order_of(chosen))
    perform = actions.perform

    async def once(wish: actions.Wish) -> Operation:
        if wish.payment_id == chosen[1]:
            raise ledger.Contended
        return await perform(wish)

    with monkeypatch.context() as patched:
        patched.setattr(actions, "perform", once)
        assert states(await work(batch)) == ["done", "working", "done"]
    await world.advance(2 * MINUTE)
    assert states(await work(batch)) == ["done"] * 3


async def _another() -> int:
    staff = await auth.add_staff("finn@holdfast.test", "support", PASSWORD, "Finn")
    return int(staff.id)
