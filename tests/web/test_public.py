"""POST /bookings over the real app: what is held, declined, repeated, raced, or not known yet."""

import asyncio
from datetime import timedelta

import httpx

from dashboard.app import create_app
from dashboard.bookings.tables import Booking, Student
from dashboard.payments.tables import Payment, Purchase
from dashboard.settings import Settings
from tests.world import World


def problem(answer: httpx.Response, status: int) -> dict[str, object]:
    """The body of an error, which must be a problem of that status."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    told: dict[str, object] = answer.json()
    assert told["status"] == status and told["title"] and told["type"]
    return told


async def test_a_single_lesson_is_held_and_not_charged(world: World):
    answer = await world.post_booking()
    assert answer.status_code == 201, answer.text
    told = answer.json()
    assert told["booking"]["status"] == "confirmed"
    assert told["booking"]["payment_status"] == told["payment"]["status"] == "authorized"
    assert told["booking"]["authorized_amount"] == 9600
    assert told["booking"]["captured_amount"] == 0
    assert told["payment"]["message"] == "$96.00 reserved • Charged after lesson"
    assert "client_secret" not in told["payment"]
    intent = world.intent(told["booking"]["stripe_intent_id"])
    assert (intent.status, intent.amount) == ("requires_capture", 9600)
    assert intent.metadata["booking_id"] == str(told["booking"]["id"])
    assert "Maya" not in intent.description


async def test_the_price_is_ours_in_every_currency(world: World):
    for currency, minutes, price in (("usd", 45, 7200), ("jpy", 50, 8000), ("kwd", 25, 4000)):
        teacher = getattr(world.catalog, currency)
        booked = await world.book(instructor_id=teacher, minutes=minutes)
        assert (booked["price"], booked["currency"]) == (price, currency)
        assert world.intent(booked["stripe_intent_id"]).amount == price


async def test_a_decline_holds_nothing_and_paying_again_reaches_stripe(world: World):
    declined = await world.post_booking(payment_method="pm_card_chargeDeclinedInsufficientFunds")
    told = problem(declined, 402)
    assert (
        told["detail"] == "Card not charged: Your card has insufficient funds. Nothing was taken."
    )
    booked = declined.json()["booking"]
    assert (booked["status"], booked["payment_status"]) == ("pending", "failed")
    again = await world.call(booked["id"], "pay")
    problem(again, 402)
    paid = await world.call(booked["id"], "pay", {"payment_method": "pm_card_visa"})
    assert paid.status_code == 200, paid.text
    assert paid.json()["booking"]["status"] == "confirmed"
    assert paid.json()["payment"]["status"] == "authorized"
    keys = [call["idempotency_key"] for call in world.money_calls("/payment_intents")]
    assert len(keys) == len(set(keys)) == 3
    problem(await world.call(booked["id"], "pay"), 409)
    assert len(world.money_calls("/payment_intents")) == 3


async def test_paying_again_under_one_key_is_one_attempt(world: World):
    declined = await world.post_booking(payment_method="pm_card_chargeDeclined")
    booking_id = declined.json()["booking"]["id"]
    card = {"payment_method": "pm_card_visa"}
    answers = [await world.call(booking_id, "pay", card, key="again") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert len(world.money_calls("/payment_intents")) == 2


async def test_the_same_key_books_once_and_answers_how_it_stands_now(world: World):
    body = world.order()
    headers = {"Idempotency-Key": "one"}
    first = await world.client.post("/bookings", json=body, headers=headers)
    # The same order in other words: spaces, another offset.
    again = body | {"student": body["student"] | {"email": body["student"]["email"].upper()}}
    second = await world.client.post("/bookings", json=again, headers=headers)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["booking"]["id"] == second.json()["booking"]["id"]
    assert len(world.money_calls("/payment_intents")) == 1
    await world.call(first.json()["booking"]["id"], "complete")
    third = await world.client.post("/bookings", json=body, headers=headers)
    assert third.json()["payment"]["status"] == "captured"


async def test_the_same_key_with_another_body_is_refused(world: World):
    body = world.order()
    headers = {"Idempotency-Key": "one"}
    await world.client.post("/bookings", json=body, headers=headers)
    other = await world.client.post("/bookings", json=body | {"minutes": 45}, headers=headers)
    assert "Idempotency-Key" in str(problem(other, 422)["detail"])
    assert await world.bookings() == 1


async def test_keys_of_two_students_never_meet(world: World):
    answers = [await world.post_booking(key="one") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert await world.bookings() == 2


async def test_one_key_used_twice_at_once_books_and_holds_once(world: World):
    body, headers = world.order(), {"Idempotency-Key": "one"}
    answers = await asyncio.gather(
        *(world.client.post("/bookings", json=body, headers=headers) for _ in range(5))
    )
    assert {answer.status_code for answer in answers} <= {201, 202}
    assert len({answer.json()["booking"]["id"] for answer in answers}) == 1
    assert await world.bookings() == 1
    assert len(world.money_calls("/payment_intents")) == 1


async def test_without_a_key_one_lesson_is_booked_once(world: World):
    body = world.order()
    answers = await asyncio.gather(*(world.client.post("/bookings", json=body) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]
    made = next(answer for answer in answers if answer.status_code == 201).json()["booking"]["id"]
    for answer in answers:
        if answer.status_code == 409:
            assert problem(answer, 409)["booking_id"] == made
    assert len(world.money_calls("/payment_intents")) == 1


async def test_a_cancelled_lesson_can_be_booked_anew(world: World):
    body = world.order()
    first = await world.client.post("/bookings", json=body)
    await world.call(first.json()["booking"]["id"], "cancel", {"by": "student"})
    second = await world.client.post("/bookings", json=body)
    assert second.status_code == 201, second.text
    assert second.json()["booking"]["id"] != first.json()["booking"]["id"]


async def test_a_lost_answer_is_202_and_the_same_key_asks_again(world: World):
    body, headers = world.order(), {"Idempotency-Key": "one"}
    world.sandbox.fault("after", "drop", "/v1/payment_intents")
    first = await world.client.post("/bookings", json=body, headers=headers)
    assert first.status_code == 202, first.text
    assert int(first.headers["Retry-After"]) > 0
    assert "We don't know yet" in first.json()["payment"]["message"]
    second = await world.client.post("/bookings", json=body, headers=headers)
    assert second.status_code == 201, second.text
    assert second.json()["booking"]["status"] == "confirmed"
    assert len(world.money_calls("/payment_intents")) == 1


async def test_with_stripe_out_of_reach_nothing_is_booked(world: World):
    world.sandbox.fault("before", "500", "/v1/customers", times=3)
    body = world.order()
    answer = await world.client.post("/bookings", json=body)
    problem(answer, 503)
    assert "Retry-After" in answer.headers
    assert await world.bookings() == 0
    world.sandbox.control("DELETE", "faults")
    renamed = body | {"student": body["student"] | {"name": "Maya C."}}
    assert (await world.client.post("/bookings", json=renamed)).status_code == 201


async def test_a_returning_student_keeps_one_customer_and_the_latest_name(world: World):
    first = await world.book(student={"email": "Maya@Example.test"})
    second = await world.book(
        timedelta(days=3), student={"email": "maya@example.test", "name": "Maya Q. Chen"}
    )
    assert second["student"]["id"] == first["student"]["id"]
    assert second["student"]["name"] == "Maya Q. Chen"
    assert len(world.money_calls("/customers")) == 1
    assert await Student.count() == 1


async def test_24_a_payment_the_bank_must_confirm_carries_its_secret(world: World):
    body = world.order(payment_method="pm_card_authenticationRequired")
    headers = {"Idempotency-Key": "one"}
    first = await world.client.post("/bookings", json=body, headers=headers)
    assert first.status_code == 201, first.text
    told = first.json()
    assert told["booking"]["status"] == "pending"
    assert told["payment"]["status"] == "pending"
    secret = told["payment"]["client_secret"]
    assert secret.startswith(told["booking"]["stripe_intent_id"])
    rows = [await table.select() for table in (Booking, Purchase, Payment)]
    assert secret not in str(rows)
    world.sandbox.authenticate(told["booking"]["stripe_intent_id"])
    await world.deliver()
    again = await world.client.post("/bookings", json=body, headers=headers)
    assert again.json()["booking"]["status"] == "confirmed"
    assert "client_secret" not in again.json()["payment"]


async def test_24_an_abandoned_confirmation_lets_the_booking_go(world: World):
    answer = await world.post_booking(payment_method="pm_card_authenticationRequired")
    booking_id = answer.json()["booking"]["id"]
    await world.tick()
    await world.advance(timedelta(minutes=29))
    await world.tick()
    assert (await world.look(booking_id))["status"] == "pending"
    await world.advance(timedelta(minutes=2))
    await world.tick()
    gone = await world.look(booking_id)
    assert (gone["status"], gone["clause"]) == ("cancelled", "never_paid")
    assert world.intent(gone["stripe_intent_id"]).status == "canceled"


async def test_too_many_orders_from_one_address_are_slowed_down(database: None, tmp_path):
    app = create_app(Settings(sandbox=False, var_dir=tmp_path))
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.test") as client:
        answers = [await client.post("/bookings", content=b"") for _ in range(121)]
        other = await client.get("/bookings/1")
    assert {answer.status_code for answer in answers[:-1]} == {422}
    problem(answers[-1], 429)
    assert other.status_code == 401


async def test_what_is_not_there_is_told_as_a_problem(world: World):
    rights = await world.rights()
    problem(await world.client.get("/bookings/999", headers=rights), 404)
    problem(await world.client.post("/bookings/999/complete", headers=rights), 404)
    problem(await world.client.get("/nowhere"), 404)
    problem(await world.client.put("/bookings"), 405)
