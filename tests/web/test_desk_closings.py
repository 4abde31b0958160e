"""Finance's last word: giving up what stalled, keeping what could not be refunded."""

from datetime import timedelta

import pytest

from dashboard.payments.facts import State
from dashboard.payments.tables import Operation, Payment, Purchase
from tests.web.desk import Person, sign_in, text
from tests.world import World


async def stalled(world: World) -> int:
    """A refund that Stripe never answered and shows no trace of, a day later."""
    booking = await world.book()
    hold = int((await world.payment(booking["id"])).id)
    ana = await sign_in(world)
    await ana.move(hold, "capture")
    world.sandbox.fault("before", "drop", "/v1/refunds", times=9)
    await ana.move(hold, "refund", amount="40", reason="lesson_went_wrong")
    await Operation.update({"due_at": None}).where(Operation.verb == "refund")
    await world.advance(timedelta(hours=23, minutes=5))
    await world.tick()
    operation = await Operation.objects().get(Operation.verb == "refund")
    assert operation is not None
    assert operation.state == State.STALLED
    return hold


async def end(person: Person, hold: int, what: str, reason: str) -> int:
    given = {"_csrf": person.csrf, "reason": reason}
    answer = await person.browser.post(f"/holds/{hold}/{what}", data=given, headers=person.headers)
    return answer.status_code


async def test_4_finance_gives_up_a_stalled_refund_with_a_reason(world: World):
    hold = await stalled(world)
    fiona = await sign_in(world, "finance", "Fiona")
    page = await fiona.page(f"/holds/{hold}")
    assert "Give up the refund of $40.00" in text(page)
    assert "Refund $" not in text(page)
    assert await end(fiona, hold, "give-up", "  ") == 422
    assert await end(fiona, hold, "give-up", "Paid back in cash") == 303
    operation = await Operation.objects().get(Operation.verb == "refund")
    assert operation is not None
    assert (operation.state, operation.closed_by) == (State.GIVEN_UP, "Fiona")
    assert await end(fiona, hold, "give-up", "again") == 409


@pytest.mark.parametrize("role", ["viewer", "support"])
async def test_nobody_below_finance_gives_up_or_keeps(world: World, role: str):
    hold = await stalled(world)
    person = await sign_in(world, role, "Sam")
    assert "Give up the refund" not in text(await person.page(f"/holds/{hold}"))
    assert await end(person, hold, "give-up", "because") == 403
    assert await end(person, hold, "keep", "because") == 403


async def test_a_refund_that_failed_is_withdrawn_and_what_is_kept_is_owed(world: World):
    booking = await world.book(payment_method="pm_card_refundFail")
    hold = int((await world.payment(booking["id"])).id)
    ana = await sign_in(world)
    await ana.move(hold, "capture")
    await ana.move(hold, "refund", amount="40", reason="lesson_went_wrong")
    await world.advance(timedelta(minutes=5))
    await world.deliver()
    row = await Payment.objects().get(Payment.id == hold)
    assert row is not None
    assert row.refund_trouble
    fiona = await sign_in(world, "finance", "Fiona")
    assert "Keep $96.00" in text(await fiona.page(f"/holds/{hold}"))
    assert await end(fiona, hold, "keep", "Paid back in cash") == 303
    purchase = await Purchase.objects().get(Purchase.id == row.purchase)
    assert purchase is not None
    assert (purchase.owed, purchase.decided_by) == (9600, "Fiona")
    assert await end(fiona, hold, "keep", "again") == 409
