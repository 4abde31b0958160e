"""A ticket lets the automatic capture wait: from its form, from its page, and from a program."""

from datetime import timedelta
from typing import Any

import httpx

from dashboard import clock
from dashboard.payments.tables import PaymentEvent, Purchase
from dashboard.support.tables import Ticket, TicketNote
from tests.web.desk import Person, fields, sign_in, text
from tests.web.test_automation_page import local
from tests.web.test_public import problem
from tests.web.test_tickets import blank, opened, send, work
from tests.world import World

DAY = timedelta(days=1)
WHY = "The student disputes the time."


async def held(world: World) -> tuple[Person, int]:
    world.sandbox.next_authorization(6 * 24 * 3600)
    booking = await world.book(DAY)
    return await sign_in(world), int((await world.payment(booking["id"])).id)


async def paused() -> tuple[bool, str, str]:
    row = await Purchase.objects().first()
    assert row is not None
    return row.paused_until is not None, row.pause_reason, row.paused_by


async def test_a_ticket_that_is_opened_with_a_pause_lets_the_capture_wait(world: World):
    ana, payment_id = await held(world)
    path = await opened(ana, payment_id, until=local(2), reason=WHY)
    assert await paused() == (True, WHY, "Ana")
    page = text(await ana.page(path))
    assert "Paused the capture until" in page and "Capture paused until" in page
    hold = text(await ana.page(f"/holds/{payment_id}"))
    assert "is paused until" in hold and "by Ana: The student disputes the time." in hold
    story = await PaymentEvent.objects().where(PaymentEvent.kind == "paused")
    assert [(one.actor, one.reason) for one in story] == [("Ana", WHY)]
    assert hold.count("paused the capture") == 0


async def test_a_pause_without_a_reason_of_its_own_has_the_tickets_subject(world: World):
    ana, payment_id = await held(world)
    await opened(ana, payment_id, until=local(2))
    assert await paused() == (True, "Charged twice?", "Ana")


async def test_a_ticket_whose_pause_can_not_be_had_is_not_opened_either(world: World):
    ana, payment_id = await held(world)
    form = await blank(ana, payment_id) | {"subject": "Why?", "body": "What I typed"}
    for given, status, said in (
        ({"until": local(9)}, 409, "Choose what happens then"),
        ({"until": local(-1)}, 409, "Choose a time in the future"),
        ({"until": "soon"}, 422, "Give a date and a time."),
        ({"until": local(2), "reason": "x" * 401}, 422, "Keep it under 400"),
        ({"until": local(2), "policy": "burn"}, 409, "Choose one of: capture"),
        ({"until": local(2), "policy": "renew"}, 409, "card was not saved"),
    ):
        answer = await send(ana, "/tickets/new", form | given)
        assert (answer.status_code, said in text(answer)) == (status, True), said
        assert "What I typed" in answer.text and given["until"] in answer.text
    assert (await Ticket.count(), await TicketNote.count()) == (0, 0)
    assert await paused() == (False, "", "")


async def test_a_tickets_page_pauses_and_moves_the_pause_once_per_press(world: World):
    ana, payment_id = await held(world)
    path = await opened(ana, payment_id)
    given = fields(await ana.page(path)) | {"until": local(2), "reason": WHY}
    for _ in range(2):
        assert (await send(ana, f"{path}/pause", given)).status_code == 303
    assert await paused() == (True, WHY, "Ana")
    assert await PaymentEvent.count().where(PaymentEvent.kind == "paused") == 1
    later = local(3)
    assert (await work(ana, path, "", "pause", until=later, reason="more")).status_code == 303
    row = await Purchase.objects().first()
    assert row is not None and row.paused_until.strftime("%Y-%m-%dT%H:%M") == later
    answer = await work(ana, path, "", "pause", until=local(-1), reason="kept words")
    assert (answer.status_code, "kept words" in answer.text) == (409, True)


async def test_a_ticket_about_nothing_held_offers_no_pause_and_refuses_one(world: World):
    ana, payment_id = await held(world)
    path = await opened(ana, payment_id)
    await Ticket.update({Ticket.payment: None}, force=True)
    assert "Let the capture wait" not in text(await ana.page(path))
    answer = await work(ana, path, "", "pause", until=local(2), reason=WHY)
    assert answer.status_code == 422
    assert await paused() == (False, "", "")


async def post(world: World, **changes: Any) -> httpx.Response:
    body = {"topic": "hold", "subject": "Still held?", "body": "Why?"} | changes
    headers = await world.rights() | {"Idempotency-Key": "k1"}
    return await world.client.post("/tickets", json=body, headers=headers)


async def test_a_program_opens_a_ticket_with_a_pause_once(world: World):
    _, payment_id = await held(world)
    until = clock.now() + 2 * DAY
    pause = {"until": until.isoformat(), "reason": WHY}
    for _ in range(2):
        answer = await post(world, payment_id=payment_id, pause=pause)
        assert answer.status_code == 201, answer.text
    assert await paused() == (True, WHY, "the shop")
    assert await PaymentEvent.count().where(PaymentEvent.kind == "paused") == 1


async def test_a_programs_pause_that_can_not_be_had_is_told_and_opens_nothing(world: World):
    _, payment_id = await held(world)
    row = await Purchase.objects().first()
    assert row is not None
    far, soon = (clock.now() + days * DAY for days in (9, 2))
    problem(await post(world, payment_id=payment_id, pause=asked(far)), 409)
    problem(await post(world, student_email="maya@example.test", pause=asked(soon)), 422)
    for wrong in (
        {"until": "2027-01-01T10:00:00", "reason": WHY},
        {"until": soon.isoformat(), "reason": " "},
        {"until": soon.isoformat()},
        asked(soon) | {"policy": "burn"},
    ):
        problem(await post(world, payment_id=payment_id, pause=wrong), 422)
    assert (await Ticket.count(), (await paused())[0]) == (0, False)


def asked(until: Any) -> dict[str, str]:
    return {"until": until.isoformat(), "reason": WHY}
