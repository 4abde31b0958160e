"""A fee let go by staff: what is owed falls, and the release or refund follows."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from dashboard.bookings import waiving
from dashboard.bookings.errors import Conflict
from dashboard.bookings.waiving import Waiver
from dashboard.payments import instructions
from dashboard.payments.errors import NotAllowed
from dashboard.payments.tables import PaymentEvent
from tests.web.test_public import problem
from tests.world import ANA, World

HOUR = timedelta(hours=1)


async def late(world: World, pause: bool = False, **changes: Any) -> Any:
    """A lesson that was cancelled an hour ahead: half of it is owed, and captured unless paused."""
    booked = await world.book(HOUR, **changes)
    if pause:
        until = (await world.payment(booked["id"])).created_at + 5 * HOUR
        await instructions.pause(booked["purchase_id"], until, "She asked us to wait", ANA)
    await world.call(booked["id"], "cancel", {"by": "student"})
    return await world.look(booked["id"])


async def waive(booking_id: int, **more: Any) -> int:
    return await waiving.waive(booking_id, Waiver(ANA, "The train was late", **more))


async def word(purchase_id: int) -> Any:
    return await PaymentEvent.objects().get(
        (PaymentEvent.purchase == purchase_id) & (PaymentEvent.kind == "fee_waived")
    )


async def test_a_captured_late_fee_that_is_waived_goes_back(world: World):
    booked = await late(world)
    assert (booked["captured_amount"], booked["owed"]) == (4800, 4800)
    assert await waive(booked["id"]) == 0
    told = await world.look(booked["id"])
    assert (told["payment_status"], told["refunded_amount"], told["owed"]) == ("refunded", 4800, 0)
    event = await word(booked["purchase_id"])
    assert (event.actor, event.reason, event.amount) == ("Ana", "The train was late", 4800)
    assert [row["path"] for row in world.money_calls("/refunds")] == ["/v1/refunds"]


async def test_a_fee_that_is_not_captured_yet_is_released_when_it_is_waived(world: World):
    booked = await late(world, pause=True)
    assert (booked["payment_status"], booked["owed"]) == ("authorized", 4800)
    assert await waive(booked["id"]) == 0
    told = await world.look(booked["id"])
    assert (told["payment_status"], told["captured_amount"]) == ("released", 0)
    assert world.money_calls("/refunds") == []


async def test_a_lowered_fee_is_captured_in_part(world: World):
    booked = await late(world, pause=True)
    assert await waive(booked["id"], amount=2800) == 2000
    assert (await world.look(booked["id"]))["payment_status"] == "authorized"
    await world.advance(6 * HOUR)
    await world.tick()
    told = await world.look(booked["id"])
    assert (told["captured_amount"], told["owed"]) == (2000, 2000)


async def test_a_no_shows_fee_can_be_waived_for_yen_and_dinars_by_finance(world: World):
    for teacher, price in ((world.catalog.jpy, 9600), (world.catalog.kwd, 9600)):
        booked = await world.book(HOUR, instructor_id=teacher)
        await world.advance(HOUR + timedelta(minutes=5))
        await world.call(booked["id"], "no-show", {"who": "student"})
        with pytest.raises(NotAllowed, match="finance_currency"):
            await waive(booked["id"])
        assert await waive(booked["id"], amount=4600, unlimited=True) == price - 4600
        assert (await world.look(booked["id"]))["refunded_amount"] == 4600


async def test_above_the_limit_a_captured_fee_is_finances_to_waive(world: World):
    booked = await late(world, minutes=300)
    assert booked["captured_amount"] == 24000
    with pytest.raises(NotAllowed, match="limit"):
        await waive(booked["id"])
    assert (await world.look(booked["id"]))["refunded_amount"] == 0
    assert await word(booked["purchase_id"]) is None
    assert await waive(booked["id"], amount=15000) == 9000
    # What was given back before counts: a large refund is not many small ones.
    with pytest.raises(NotAllowed, match="limit"):
        await waive(booked["id"], amount=6000)
    assert await waive(booked["id"], unlimited=True) == 0
    assert (await world.look(booked["id"]))["refunded_amount"] == 24000


@pytest.mark.parametrize("form", ["one form", None])
async def test_a_fee_is_waived_once_however_often_it_is_asked(world: World, form: str | None):
    booked = await late(world)
    answers = await asyncio.gather(*(waive(booked["id"], key=form) for _ in range(4)))
    assert answers == [0] * 4
    assert await waive(booked["id"], key=form) == 0
    assert (await world.story(booked["id"])).count("fee_waived") == 1
    assert len(world.money_calls("/refunds")) == 1


async def test_the_same_part_twice_is_one_waiver_and_another_form_is_stale(world: World):
    booked = await late(world)
    assert await waive(booked["id"], amount=800, key="a", shown=4800) == 4000
    assert await waive(booked["id"], amount=800, key="a", shown=4800) == 4000
    with pytest.raises(NotAllowed, match="stale"):
        await waive(booked["id"], amount=800, key="b", shown=4800)
    assert (await world.look(booked["id"]))["refunded_amount"] == 800


@pytest.mark.parametrize("fate", ["carried out", "lost"])
async def test_a_waiver_while_the_capture_is_unknown_is_made_true_when_it_is_known(
    world: World, fate: str
):
    booked = await world.book(HOUR)
    when = "after" if fate == "carried out" else "before"
    world.sandbox.fault(when, "drop", "/v1/payment_intents/*/capture", times=1)
    if fate == "carried out":
        world.sandbox.fault("before", "500", "/v1/payment_intents/*", times=3, method="GET")
    await world.call(booked["id"], "cancel", {"by": "student"})
    assert (await world.books(booked["id"])).operation is not None
    assert await waive(booked["id"]) == 0
    for _ in range(4):
        await world.advance(timedelta(minutes=2))
        await world.deliver()
    told = await world.look(booked["id"])
    ends = {"carried out": ("refunded", 4800), "lost": ("released", 0)}
    assert (told["payment_status"], told["refunded_amount"]) == ends[fate]
    assert told["captured_amount"] - told["refunded_amount"] == 0
    assert (await world.books(booked["id"])).operation is None


@pytest.mark.parametrize(
    ("amount", "code"),
    [(0, "too_little"), (4801, "too_much"), (4760, "leaves_too_little"), (-1, "too_little")],
)
async def test_an_amount_that_can_not_be_is_refused_and_changes_nothing(
    world: World, amount: int, code: str
):
    booked = await late(world)
    with pytest.raises(NotAllowed, match=code):
        await waive(booked["id"], amount=amount)
    told = await world.look(booked["id"])
    assert (told["owed"], told["refunded_amount"]) == (4800, 0)


async def test_only_a_fee_can_be_waived(world: World):
    held = await world.book()
    completed = await world.book(3 * HOUR)
    await world.call(completed["id"], "complete")
    free = await world.book()
    await world.call(free["id"], "cancel", {"by": "student"})
    package = await world.buy_package(starts_in=HOUR)
    await world.call(package["id"], "cancel", {"by": "student"})
    for booked in (held, completed, free, package):
        with pytest.raises(Conflict, match="No fee is owed"):
            await waive(booked["id"])


async def test_a_program_waives_a_fee_with_the_right_for_payments(world: World):
    booked = await late(world)
    address, body = f"/bookings/{booked['id']}/waive", {"reason": "The train was late"}
    answer = await world.client.post(address, json=body, headers=await world.rights("bookings"))
    problem(answer, 403)
    problem(await world.call(booked["id"], "waive", {"reason": "  "}), 422)
    problem(await world.call(booked["id"], "waive", {**body, "amount": 4760}), 422)
    for _ in range(2):
        told = (await world.call(booked["id"], "waive", body, key="a key")).json()["booking"]
        assert (told["owed"], told["refunded_amount"]) == (0, 4800)
    assert len(world.money_calls("/refunds")) == 1
    large = await late(world, minutes=300)
    told = problem(await world.call(large["id"], "waive", body), 403)
    assert told["detail"] == "Refunds above $200.00 need finance."


async def test_programs_look_packages_up_and_refund_them_within_supports_limit(world: World):
    booked = await world.buy_package()
    address, rights = f"/packages/{booked['package_id']}", await world.rights("payments")
    told = (await world.client.get(address, headers=rights)).json()["package"]
    assert (told["refundable_amount"], told["used_lessons"]) == (33600, 1)
    assert told["lessons"][0] == {"number": 1, "state": "booked", "booking_id": booked["id"]}
    assert "$420.00 × 1 ÷ 5" in told["why"]
    body = {"reason": "Moved away"}
    refused = await world.client.post(f"{address}/refund", json=body, headers=rights)
    assert problem(refused, 403)["detail"] == "Refunds above $200.00 need finance."
    problem(await world.client.post(f"{address}/refund", json={}, headers=rights), 422)
    problem(await world.client.post("/packages/99/refund", json=body, headers=rights), 404)
    assert world.money_calls("/refunds") == []
