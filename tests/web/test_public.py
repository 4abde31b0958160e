"""POST /bookings and its neighbours, over the real app."""

import asyncio
from datetime import timedelta

from tests.world import World


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
