"""Pausing the automatic capture and choosing what happens at a hold's end, from the hold's page."""

from datetime import timedelta

import httpx

from dashboard import clock
from dashboard.payments.tables import PaymentEvent, Purchase
from tests.web.desk import Person, sign_in, text
from tests.world import World

DAY = timedelta(days=1)


def local(days: float) -> str:
    """A time as the form's field gives it; the desk's zone is UTC here."""
    return (clock.now() + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M")


async def held(world: World) -> tuple[Person, int]:
    world.sandbox.next_authorization(6 * 24 * 3600)
    booking = await world.book(DAY)
    return await sign_in(world), int((await world.payment(booking["id"])).id)


async def post(ana: Person, payment_id: int, deed: str, **given: str) -> httpx.Response:
    fields = await ana.form(payment_id, "automation")
    return await ana.browser.post(
        f"/holds/{payment_id}/{deed}", data={"_csrf": fields["_csrf"], **given}, headers=ana.headers
    )


async def row() -> Purchase:
    found = await Purchase.objects().first()
    assert found is not None
    return found


async def test_a_pause_is_set_shown_and_ended_with_its_reasons(world: World):
    ana, payment_id = await held(world)
    answer = await post(ana, payment_id, "pause", until=local(3), reason="She <b>complains</b>")
    assert answer.status_code == 303
    shown = text(await ana.page(f"/holds/{payment_id}"))
    assert "Automatic capture is paused until" in shown and "She <b>complains</b>" in shown
    assert "Paused until" in text(await ana.page(f"/holds/{payment_id}/automation"))
    assert (await post(ana, payment_id, "unpause", reason="cleared up")).status_code == 303
    assert (await row()).paused_until is None
    told = await PaymentEvent.objects().where(PaymentEvent.kind.like("%paused"))
    assert [(one.kind, one.actor) for one in told] == [("paused", "Ana"), ("unpaused", "Ana")]


async def test_a_pause_beyond_the_holds_end_needs_a_policy_and_keeps_what_was_typed(world: World):
    ana, payment_id = await held(world)
    until = local(9)
    answer = await post(ana, payment_id, "pause", until=until, reason="a long story")
    assert (answer.status_code, (await row()).paused_until) == (409, None)
    assert "Choose what happens then" in text(answer)
    assert until in answer.text and "a long story" in answer.text
    answer = await post(ana, payment_id, "pause", until=until, reason="x", policy="release")
    assert (answer.status_code, (await row()).policy_override) == (303, "release")


async def test_a_refused_pause_chooses_no_policy_either(world: World):
    ana, payment_id = await held(world)
    answer = await post(ana, payment_id, "pause", until=local(-1), reason="x", policy="release")
    assert (answer.status_code, (await row()).policy_override) == (409, None)


async def test_bad_input_is_named_and_changes_nothing(world: World):
    ana, payment_id = await held(world)
    for given, said in (
        ({"until": "soon", "reason": "x"}, "Give a date and a time."),
        ({"until": local(2) + "+01:00", "reason": "x"}, "the desk's own zone"),
        ({"until": local(2), "reason": " "}, "Say in a sentence why"),
        ({"until": local(2), "reason": "x" * 401}, "Keep it under 400"),
    ):
        answer = await post(ana, payment_id, "pause", **given)
        assert (answer.status_code, said in text(answer)) == (422, True), said
    assert (await row()).paused_until is None


async def test_a_policy_is_chosen_for_one_hold_and_refused_where_it_can_not_be(world: World):
    ana, payment_id = await held(world)
    answer = await post(ana, payment_id, "policy", policy="alert", reason="asked by phone")
    assert (answer.status_code, (await row()).policy_override) == (303, "alert")
    answer = await post(ana, payment_id, "policy", policy="renew", reason="x")
    assert answer.status_code == 409 and "not saved with the booking" in text(answer)
    answer = await post(ana, payment_id, "policy", policy="nonsense", reason="x")
    assert answer.status_code == 409
    assert (await row()).policy_override == "alert"


async def test_what_is_over_can_not_be_paused(world: World):
    ana, payment_id = await held(world)
    form = await ana.form(payment_id, "automation")
    booking = (await world.client.get("/bookings/1", headers=await world.rights())).json()
    await world.call(booking["booking"]["id"], "cancel", {"by": "student", "reason": "ill"})
    answer = await ana.browser.post(
        f"/holds/{payment_id}/pause",
        data={"_csrf": form["_csrf"], "until": local(2), "reason": "x"},
        headers=ana.headers,
    )
    assert answer.status_code == 409
