"""POST /tickets: programs open tickets, once, about something that is there."""

from typing import Any

import httpx
import pytest

from dashboard.support import queries
from dashboard.support.tables import Ticket
from dashboard.web import limits
from tests.web.desk import sign_in
from tests.web.test_public import problem
from tests.world import World

GOOD = {"topic": "hold", "subject": "Still held?", "body": "Why?\nA & B <i>"}


async def post(world: World, key: str | None = None, **changes: Any) -> httpx.Response:
    headers = await world.rights() | ({"Idempotency-Key": key} if key else {})
    body = {name: value for name, value in (GOOD | changes).items() if value is not None}
    return await world.client.post("/tickets", json=body, headers=headers)


async def test_a_program_opens_a_ticket_about_a_booking_a_payment_or_a_student(world: World):
    booked = await world.book(student={"email": "maya@example.test"})
    student, payment = booked["student"]["id"], booked["payment_id"]
    for about, linked in (
        ({"booking_id": booked["id"]}, (student, booked["id"], payment)),
        ({"payment_id": payment}, (student, booked["id"], payment)),
        ({"student_email": "Maya@Example.test"}, (student, None, None)),
    ):
        answer = await post(world, **about)
        assert answer.status_code == 201, answer.text
        told = answer.json()["ticket"]
        assert (told["student_id"], told["booking_id"], told["payment_id"]) == linked
        assert (told["status"], told["topic"], told["opened_by"]) == ("open", "hold", "the shop")
        entry = (await queries.entries([told["id"]]))[0]
        assert (entry.kind, entry.body) == ("opened", GOOD["body"])


async def test_the_same_key_opens_one_ticket_and_another_body_is_refused(world: World):
    booked = await world.book()
    first = await post(world, "k1", booking_id=booked["id"])
    again = await post(world, "k1", booking_id=booked["id"])
    assert first.status_code == again.status_code == 201 and first.json() == again.json()
    problem(await post(world, "k1", booking_id=booked["id"], subject="Another"), 422)
    assert await Ticket.count() == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({}, "body"),
        ({"booking_id": 1, "payment_id": 1}, "body"),
        ({"booking_id": 99}, "booking_id"),
        ({"payment_id": 99}, "payment_id"),
        ({"payment_id": 2**63}, "payment_id"),
        ({"student_email": "nobody@example.test"}, "student_email"),
        ({"booking_id": 1, "topic": "money"}, "topic"),
        ({"booking_id": 1, "subject": " "}, "subject"),
        ({"booking_id": 1, "subject": "two\nlines"}, "subject"),
        ({"booking_id": 1, "body": "x" * 10_001}, "body"),
        ({"booking_id": 1, "body": "a\x00"}, "body"),
        ({"booking_id": 1, "urgent": True}, "urgent"),
    ],
)
async def test_bad_input_is_a_problem_and_stores_nothing(
    world: World, changes: dict[str, Any], field: str
):
    await world.book()
    told = problem(await post(world, **changes), 422)
    assert told["errors"][0]["field"] == field  # type: ignore[index]
    assert await Ticket.count() == 0


async def test_support_may_as_well_and_a_program_of_another_scope_may_not(world: World):
    booked = await world.book()
    body = GOOD | {"booking_id": booked["id"]}
    for scope, status in (("payments", 403), ("bookings", 403), ("tickets", 201)):
        rights = await world.rights(scope)
        answer = await world.client.post("/tickets", json=body, headers=rights)
        assert answer.status_code == status
    ana = await sign_in(world)
    answer = await ana.browser.post("/tickets", json=body, headers={"X-CSRF-Token": ana.csrf})
    assert (answer.status_code, answer.json()["ticket"]["opened_by"]) == (201, "Ana")
    assert (await ana.browser.post("/tickets", json=body)).status_code == 403
    vera = await sign_in(world, "viewer", "Vera")
    answer = await vera.browser.post("/tickets", json=body, headers={"X-CSRF-Token": vera.csrf})
    assert answer.status_code == 403


async def test_too_many_from_one_address_are_refused(world: World):
    app: Any = world.client._transport.app  # type: ignore[attr-defined]
    app.state.limits.rates[limits.TICKETS] = limits.Rate(3, 60)
    answers = [await post(world) for _ in range(4)]
    assert {answer.status_code for answer in answers[:-1]} == {422}
    assert answers[-1].headers["Retry-After"]
    problem(answers[-1], 429)
