"""Unused lessons given back: races, failures, disputes, and what staff did by hand before."""

import asyncio
import json
import uuid
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard import money
from dashboard.bookings import package_refunds, policy
from dashboard.bookings.errors import Conflict
from dashboard.bookings.package_sheet import sheet
from dashboard.bookings.tables import Redemption
from dashboard.payments import actions, ledger
from dashboard.payments.actions import Wish
from dashboard.payments.actors import Actor
from dashboard.payments.errors import Busy, NotAllowed
from dashboard.payments.facts import Status, Verb
from dashboard.payments.tables import Payment, PaymentEvent
from tests.bookings.test_packages import MAYA, redeem, refund, seats
from tests.world import ANA, World

FINN = Actor("Finn", "staff", 2)


async def purchase_of(world: World, booking_id: int) -> Any:
    return (await world.books(booking_id)).purchase


async def states(package_id: int) -> list[str]:
    return [lesson.state for lesson in (await sheet(package_id)).lessons]


async def by_hand(world: World, booking_id: int, amount: int) -> None:
    purchase = await purchase_of(world, booking_id)
    operation = f"00000000-0000-4000-8000-{amount:012d}"
    await actions.perform(Wish(Verb.REFUND, purchase.id, operation, ANA, amount=amount))


async def settled(answers: list[Any]) -> tuple[list[Any], list[BaseException]]:
    good = [one for one in answers if not isinstance(one, BaseException)]
    return good, [one for one in answers if isinstance(one, BaseException)]


async def test_two_refunds_at_once_are_one(world: World):
    booked = await world.buy_package(student=MAYA)
    answers = await asyncio.gather(
        *(refund(booked["package_id"]) for _ in range(3)), return_exceptions=True
    )
    good, bad = await settled(answers)
    assert good == [33600] and all(isinstance(one, Conflict) for one in bad)
    assert (await world.look(booked["id"]))["refunded_amount"] == 33600
    assert len(world.money_calls("/refunds")) == 1


async def test_the_same_form_again_answers_the_same_and_refunds_nothing_more(world: World):
    booked = await world.buy_package(student=MAYA)
    answers = await asyncio.gather(*(refund(booked["package_id"], key="a form") for _ in range(3)))
    assert answers == [33600] * 3
    assert await refund(booked["package_id"], key="a form") == 33600
    assert len(world.money_calls("/refunds")) == 1
    assert (await world.story(booked["id"])).count("lessons_refunded") == 1


async def test_two_that_take_the_last_lesson_get_it_once(world: World):
    booked = await world.buy_package(student=MAYA)
    for days in (3, 4, 5):
        assert (await redeem(world, booked["package_id"], days)).status_code == 201
    answers = await asyncio.gather(
        *(redeem(world, booked["package_id"], days) for days in (6, 7, 8))
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409]
    assert await seats(booked["package_id"]) == [(number, "lesson") for number in range(1, 6)]


async def test_a_lesson_taken_after_the_amount_was_shown_makes_the_form_stale(world: World):
    booked = await world.buy_package(student=MAYA)
    shown = (await sheet(booked["package_id"])).worth.unused
    assert (await redeem(world, booked["package_id"], 3)).status_code == 201
    with pytest.raises(NotAllowed, match="stale"):
        await refund(booked["package_id"], agreed=shown)
    assert await states(booked["package_id"]) == ["booked", "booked", "free", "free", "free"]
    assert world.money_calls("/refunds") == []


async def test_reserved_lessons_stay_reserved_until_finance_withdraws_the_refund(world: World):
    booked = await world.buy_package(student=MAYA)
    world.sandbox.fault("before", "429", "/v1/refunds", times=99)
    assert await refund(booked["package_id"]) == 33600
    assert await states(booked["package_id"]) == ["booked"] + ["reserved"] * 4
    assert (await redeem(world, booked["package_id"], 3)).status_code == 409
    purchase = await purchase_of(world, booked["id"])
    assert purchase.owed == 8400
    with pytest.raises(Busy):
        # Asked and not answered: nobody knows yet whether it has gone.
        await package_refunds.withdraw(purchase.id, FINN, "She stays after all")
    assert await states(booked["package_id"]) == ["booked"] + ["reserved"] * 4


async def failed(world: World) -> Any:
    """A package whose refund the bank has sent back."""
    booked = await world.buy_package(student=MAYA, payment_method="pm_card_refundFail")
    assert await refund(booked["package_id"]) == 33600
    await world.advance(timedelta(minutes=5))
    await world.deliver()
    return booked


async def test_a_refund_that_fails_is_a_persons_and_keeps_the_lessons(world: World):
    booked = await failed(world)
    purchase = await purchase_of(world, booked["id"])
    assert (purchase.attention, purchase.owed) == ("refund_failed", 8400)
    assert await states(booked["package_id"]) == ["booked"] + ["reserved"] * 4
    with pytest.raises(Conflict, match="failed"):
        await refund(booked["package_id"])
    assert (await redeem(world, booked["package_id"], 3)).status_code == 409


async def test_a_withdrawn_refund_frees_its_lessons_and_raises_what_is_owed(world: World):
    booked = await failed(world)
    purchase = await purchase_of(world, booked["id"])
    assert await package_refunds.withdraw(purchase.id, FINN, "She stays after all") == 33600
    purchase = await purchase_of(world, booked["id"])
    assert (purchase.owed, purchase.attention) == (42000, None)
    assert await states(booked["package_id"]) == ["booked"] + ["free"] * 4
    assert (await redeem(world, booked["package_id"], 3)).status_code == 201
    with pytest.raises(Conflict, match="No refund is waiting"):
        await package_refunds.withdraw(purchase.id, FINN, "Again")
    assert (await world.story(booked["id"]))[-1] == "refund_withdrawn"


async def test_a_refund_that_has_gone_can_not_be_withdrawn(world: World):
    booked = await world.buy_package(student=MAYA)
    await refund(booked["package_id"])
    purchase = await purchase_of(world, booked["id"])
    with pytest.raises(Conflict, match="has gone back"):
        await package_refunds.withdraw(purchase.id, FINN, "Too late")
    assert await states(booked["package_id"]) == ["booked"] + ["refunded"] * 4


async def test_a_withdrawal_frees_only_the_lessons_of_the_refund_that_has_not_gone(world: World):
    booked = await world.buy_package(student=MAYA)
    assert await refund(booked["package_id"]) == 33600
    await world.call(booked["id"], "cancel", {"by": "instructor"})
    world.sandbox.fault("before", "402", "/v1/refunds", times=9)
    assert await refund(booked["package_id"]) == 8400
    assert await states(booked["package_id"]) == ["reserved"] + ["refunded"] * 4
    purchase = await purchase_of(world, booked["id"])
    assert await package_refunds.withdraw(purchase.id, FINN, "She stays after all") == 8400
    assert await states(booked["package_id"]) == ["free"] + ["refunded"] * 4
    assert (await purchase_of(world, booked["id"])).owed == 8400
    assert (await redeem(world, booked["package_id"], 3)).status_code == 201


async def test_keeping_a_duplicates_refund_frees_no_lesson_whose_own_refund_goes_out(world: World):
    booked = await charged_twice(world)
    purchase = await purchase_of(world, booked["id"])
    assert await refund(booked["package_id"]) == 33600
    # A refund that failed comes first: nothing goes out before a person has seen to it.
    assert (await world.look(booked["id"]))["refunded_amount"] == 0
    duplicate = next(one for one in (await world.books(booked["id"])).payments if not one.current)
    why = "Paid back by bank transfer"
    assert await package_refunds.withdraw(purchase.id, FINN, why, duplicate.id) == 0
    await world.tick()
    assert await states(booked["package_id"]) == ["booked"] + ["refunded"] * 4
    told = await world.look(booked["id"])
    assert (told["refunded_amount"], told["owed"]) == (33600, 8400)
    assert (await redeem(world, booked["package_id"], 3)).status_code == 409
    word = await PaymentEvent.objects().get(PaymentEvent.kind == package_refunds.WITHDRAWN)
    assert word is not None and (word.amount, json.loads(word.detail)) == (0, {"lessons": []})


async def test_keeping_the_packages_refund_leaves_the_duplicates_to_a_person(world: World):
    """What the button on the package's page says is what is kept."""
    booked = await charged_twice(world)
    purchase = await purchase_of(world, booked["id"])
    assert await refund(booked["package_id"]) == 33600
    assert await package_refunds.withdraw(purchase.id, FINN, "She stays after all") == 33600
    for _ in range(2):
        await world.tick()
    told = await world.look(booked["id"])
    assert (told["refunded_amount"], told["owed"]) == (0, 42000)
    assert await states(booked["package_id"]) == ["booked"] + ["free"] * 4
    after = await world.books(booked["id"])
    assert after.purchase.attention == "refund_failed"
    assert [bool(one.refund_trouble) for one in after.payments if not one.current] == [True]


async def test_keeping_a_duplicates_refund_gives_no_lesson_of_a_refunded_package_away(world: World):
    """The bank sends it back when the package itself has gone back long since."""
    booked = await world.buy_package(student=MAYA)
    first = await world.payment(booked["id"])
    await Payment.update({"payment_status": Status.FAILED}).where(Payment.id == first.id)
    world.sandbox.advance(5)
    again = Wish(Verb.CHARGE, first.purchase, str(uuid.uuid4()), Actor("Maya", "student"))
    await actions.perform(again)
    await ledger.post(first.id)
    await world.tick()
    rows = (await world.books(booked["id"])).payments
    (duplicate,) = [one for one in rows if not one.current]
    assert duplicate.refunded_amount == duplicate.captured_amount
    await world.call(booked["id"], "cancel", {"by": "instructor"})
    await refund(booked["package_id"])
    await world.tick()
    made = world.sandbox.stripe().v1.refunds.list({"payment_intent": duplicate.stripe_intent_id})
    world.sandbox.control("POST", f"refunds/{made.data[0].id}", {"status": "failed"})
    await ledger.post(duplicate.id)
    await world.tick()
    purchase = await purchase_of(world, booked["id"])
    assert purchase.attention == "refund_failed"
    why = "Paid back by bank transfer"
    assert await package_refunds.withdraw(purchase.id, FINN, why, duplicate.id) == 0
    await world.tick()
    assert (await purchase_of(world, booked["id"])).owed == 0
    assert await states(booked["package_id"]) == ["refunded"] * 5


async def charged_twice(world: World) -> Any:
    """A package whose second charge, a duplicate, could not be refunded by itself."""
    booked = await world.buy_package(student=MAYA)
    first = await world.payment(booked["id"])
    # The answer to the first attempt is forgotten, so that a second one may come through as well.
    await Payment.update({"payment_status": Status.FAILED}).where(Payment.id == first.id)
    again = Wish(Verb.CHARGE, first.purchase, str(uuid.uuid4()), Actor("Maya", "student"))
    await actions.perform(again)
    await ledger.post(first.id)
    await world.tick()
    rows = (await world.books(booked["id"])).payments
    other = next(row for row in rows if not row.current)
    made = world.sandbox.stripe().v1.refunds.list({"payment_intent": other.stripe_intent_id}).data
    world.sandbox.control("POST", f"refunds/{made[0].id}", {"status": "failed"})
    await ledger.post(other.id)
    await world.tick()
    assert (await purchase_of(world, booked["id"])).attention == "refund_failed"
    return booked


async def test_a_refused_refund_is_a_persons_who_refunds_again_by_hand(world: World):
    booked = await world.buy_package(student=MAYA)
    world.sandbox.fault("before", "402", "/v1/refunds", times=1)
    assert await refund(booked["package_id"]) == 33600
    assert await states(booked["package_id"]) == ["booked"] + ["reserved"] * 4
    assert (await purchase_of(world, booked["id"])).attention == "refund_failed"
    await by_hand(world, booked["id"], 33600)
    assert await states(booked["package_id"]) == ["booked"] + ["refunded"] * 4
    assert (await world.look(booked["id"]))["refunded_amount"] == 33600


async def test_a_lesson_that_comes_back_after_the_refund_waits_for_a_second_decision(world: World):
    booked = await world.buy_package(student=MAYA)
    await refund(booked["package_id"])
    await world.call(booked["id"], "cancel", {"by": "instructor"})
    found = await sheet(booked["package_id"])
    assert ([lesson.state for lesson in found.lessons], found.worth.unused) == (
        ["free"] + ["refunded"] * 4,
        8400,
    )
    # Nothing moves by itself: it can be taken again as well.
    assert (await world.look(booked["id"]))["refunded_amount"] == 33600
    assert (await redeem(world, booked["package_id"], 3)).status_code == 201


@pytest.mark.parametrize(("hand", "amount"), [(10000, 23600), (33600, 0), (40000, 0)])
async def test_what_staff_gave_back_by_hand_is_not_given_back_twice(
    world: World, hand: int, amount: int
):
    booked = await world.buy_package(student=MAYA)
    await by_hand(world, booked["id"], hand)
    assert (await sheet(booked["package_id"])).worth.unused == amount
    if amount:
        assert await refund(booked["package_id"]) == amount
    else:
        with pytest.raises(Conflict, match="given back already"):
            await refund(booked["package_id"])
    told = await world.look(booked["id"])
    assert told["refunded_amount"] == hand + amount


async def test_a_package_given_back_whole_by_hand_gives_no_lessons(world: World):
    booked = await world.buy_package(student=MAYA, payment_method="pm_card_pendingRefund")
    await by_hand(world, booked["id"], 42000)
    assert (await redeem(world, booked["package_id"], 3)).status_code == 409
    await world.advance(timedelta(days=1))
    await world.deliver()
    assert (await redeem(world, booked["package_id"], 3)).status_code == 409


async def test_a_disputed_package_is_not_refunded_and_gives_no_lessons(world: World):
    booked = await world.buy_package(student=MAYA)
    charge = (await world.payment(booked["id"])).stripe_charge_id
    world.sandbox.control("POST", f"charges/{charge}/dispute", {})
    await world.deliver()
    with pytest.raises(Conflict, match="disputes"):
        await refund(booked["package_id"])
    assert (await redeem(world, booked["package_id"], 3)).status_code == 409
    assert await states(booked["package_id"]) == ["booked"] + ["free"] * 4
    assert world.money_calls("/refunds") == []


async def test_late_cancellations_and_no_shows_are_used_lessons_of_the_formula(world: World):
    booked = await world.buy_package(student=MAYA, starts_in=timedelta(hours=5))
    await world.call(booked["id"], "cancel", {"by": "student"})
    second = await redeem(world, booked["package_id"], 1)
    await world.advance(timedelta(days=1, minutes=5))
    await world.call(second.json()["booking"]["id"], "no-show", {"who": "student"})
    assert await states(booked["package_id"]) == ["used", "used", "free", "free", "free"]
    assert await refund(booked["package_id"]) == 25200
    assert await Redemption.count().where(Redemption.kind == "refund") == 3


@pytest.mark.parametrize("unlimited", [False, True])
async def test_above_supports_limit_only_finance_gives_lessons_back(world: World, unlimited: bool):
    booked = await world.buy_package(student=MAYA)
    wanted = package_refunds.Wanted(ANA, "Moved away", unlimited=unlimited)
    if unlimited:
        assert await package_refunds.refund_unused(booked["package_id"], wanted) == 33600
        return
    with pytest.raises(NotAllowed, match="limit"):
        await package_refunds.refund_unused(booked["package_id"], wanted)
    assert await states(booked["package_id"]) == ["booked"] + ["free"] * 4


# What holds for every package.

USES = st.lists(st.sampled_from(["use", "refund"]), max_size=12)


@given(
    st.sampled_from(["usd", "jpy", "kwd", "eur"]),
    st.integers(1, 10_000_000),
    st.integers(1, 24),
    USES,
)
def test_whatever_the_order_of_use_no_more_is_refunded_than_was_captured(
    currency: str, steps: int, count: int, order: list[str]
):
    captured, used, refunded = steps * money.step(currency), 0, 0
    for what in order:
        if what == "use" and used < count:
            used += 1
        elif what == "refund":
            refunded += policy.package_refund(captured, used, count, refunded, 0, currency)
            assert refunded % money.step(currency) == 0
        kept = captured - refunded
        assert 0 <= refunded <= captured
        # Nobody keeps less than the used lessons are worth, unless they were used after a refund.
        assert kept >= 0
    if "use" not in order and "refund" in order:
        assert refunded == captured


@pytest.mark.parametrize(
    ("currency", "captured", "count", "gives"),
    [
        # A step per lesson is lost or won to rounding, never in the sum.
        ("usd", 10000, 3, [10000, 6667, 3333, 0]),
        ("jpy", 1000, 3, [1000, 667, 333, 0]),
        ("kwd", 10000, 3, [10000, 6670, 3330, 0]),
        ("kwd", 10010, 2, [10010, 5000, 0]),
    ],
)
def test_the_rounding_is_half_up_in_the_used_lessons_favour(
    currency: str, captured: int, count: int, gives: list[int]
):
    told = [
        policy.package_refund(captured, used, count, 0, 0, currency) for used in range(count + 1)
    ]
    assert told == gives
