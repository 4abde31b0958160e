"""POST /webhooks/stripe: what is kept, what is refused, and that an event counts once."""

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from dashboard import stripe_gateway
from dashboard.payments import inbox
from dashboard.payments.tables import PaymentEvent, RefusedDelivery, StripeEvent
from dashboard.sandbox.signing import signature
from tests.sandbox.server import WEBHOOK_SECRET
from tests.world import World


def event(intent: str = "pi_foreign", kind: str = "payment_intent.succeeded") -> dict[str, Any]:
    """A small event such as Stripe sends."""
    return {
        "id": f"evt_{intent}_{kind}",
        "object": "event",
        "type": kind,
        "created": int(time.time()),
        "api_version": "2026-10-28.endive",
        "livemode": False,
        "data": {"object": {"id": intent, "object": "payment_intent", "metadata": {}}},
    }


def sign(body: bytes, secret: str = WEBHOOK_SECRET, age: int = 0) -> str:
    if not age:
        return signature(secret, body)
    at = int(time.time()) - age
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


BODY = json.dumps(event()).encode()


@pytest.mark.parametrize(
    ("body", "header", "reason"),
    [
        (BODY, lambda: None, "unsigned"),
        (BODY, lambda: "", "unsigned"),
        (BODY, lambda: "t=1,v1=0", "signature"),
        (BODY, lambda: "nonsense", "signature"),
        (BODY, lambda: "t=x,v1=é", "signature"),
        (BODY, lambda: sign(BODY, "whsec_other"), "signature"),
        (BODY.replace(b"succeeded", b"canceled_"), lambda: sign(BODY), "signature"),
        (BODY + b" ", lambda: sign(BODY), "signature"),
        (BODY, lambda: sign(BODY, age=301), "stale"),
        (b"\xff\xfe", lambda: sign(BODY), "signature"),
        (b"", lambda: sign(BODY), "signature"),
    ],
    ids=range(11),
)
async def test_20_what_stripe_did_not_sign_now_is_refused_and_not_kept(
    world: World, body: bytes, header: Callable[[], str | None], reason: str
):
    # Signed only now: what is signed when the tests are gathered is stale some minutes later.
    signed = header()
    headers = [] if signed is None else [(b"Stripe-Signature", signed.encode())]
    answer = await world.client.post("/webhooks/stripe", content=body, headers=headers)
    assert answer.status_code == 400, answer.text
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert await StripeEvent.count() == 0
    assert [row.reason for row in await RefusedDelivery.objects()] == [reason]


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b"{}", b'{"id": 1}', b"\xff", b"[" * 100_000]
)
async def test_20_a_signed_body_that_is_no_event_is_refused(world: World, body: bytes):
    assert (await world.receive(body, sign(body))).status_code == 400
    assert await StripeEvent.count() == 0


@pytest.mark.parametrize("announced", [True, False])
async def test_20_a_body_above_256_kb_is_refused_unread(world: World, announced: bool):
    body = json.dumps(event() | {"padding": "x" * 256 * 1024}).encode()

    async def pieces() -> Any:
        for start in range(0, len(body), 65_536):
            yield body[start : start + 65_536]

    headers = {"Stripe-Signature": sign(body), "Content-Type": "application/json"}
    content = body if announced else pieces()
    answer = await world.client.post("/webhooks/stripe", content=content, headers=headers)
    assert answer.status_code == 413
    assert await StripeEvent.count() == 0


async def test_a_large_event_below_the_limit_is_kept(world: World):
    body = json.dumps(event() | {"padding": "x" * 250 * 1024}).encode()
    assert (await world.receive(body, sign(body))).status_code == 200
    assert await StripeEvent.count() == 1


@pytest.mark.parametrize("secret", ["whsec_old", "whsec_new"])
async def test_both_secrets_hold_while_one_replaces_the_other(world: World, secret: str):
    stripe_gateway.gateway()._secrets = ("whsec_old", "whsec_new")
    assert (await world.receive(BODY, sign(BODY, secret))).status_code == 200


async def test_21_an_event_of_an_unknown_intent_is_kept_as_an_orphan(world: World):
    bare = event("pi_bare")
    del bare["data"]["object"]["metadata"]
    for body in (BODY, json.dumps(bare).encode()):
        assert (await world.receive(body, sign(body))).status_code == 200
    await world.tick()
    states = await StripeEvent.select(StripeEvent.state, StripeEvent.intent_id)
    assert {row["intent_id"]: row["state"] for row in states} == {
        "pi_foreign": "orphan",
        "pi_bare": "orphan",
    }


async def test_an_event_that_does_not_concern_us_is_kept_and_left_alone(world: World):
    body = json.dumps(event("pi_1", "customer.created")).encode()
    assert (await world.receive(body, sign(body))).status_code == 200
    await world.tick()
    kept = await StripeEvent.objects().first()
    assert kept is not None
    assert (kept.state, kept.attempts) == ("ignored", 0)


async def test_13_one_event_delivered_five_times_at_once_counts_once(world: World):
    booked = await world.book()
    intent = booked["stripe_intent_id"]
    world.sandbox.stripe().v1.payment_intents.capture(intent)
    held = world.sandbox.deliveries("held")
    captured = next(row for row in held if json.loads(row["body"])["type"] == "charge.captured")
    body, header = captured["body"].encode(), captured["signature"]
    answers = await asyncio.gather(*(world.receive(body, header) for _ in range(5)))
    assert [answer.status_code for answer in answers] == [200] * 5
    assert sum(answer.json()["new"] for answer in answers) == 1
    name = json.loads(body)["id"]
    await asyncio.gather(*(inbox.handle(name) for _ in range(5)))
    assert await StripeEvent.count() == 1
    assert (await world.look(booked["id"]))["captured_amount"] == 9600
    assert await PaymentEvent.count().where(PaymentEvent.kind == "captured") == 1


@pytest.mark.parametrize("order", ["created", "reverse"])
async def test_12_events_in_any_order_lead_to_the_same_books(world: World, order: str):
    booked = await world.book()
    await world.call(booked["id"], "capture-payment", {"amount": 6000})
    before = await world.look(booked["id"])
    answers = await world.deliver(order, times=2)
    assert {answer.status_code for answer in answers} == {200}
    assert await world.look(booked["id"]) == before
    assert await world.story(booked["id"]) == ["authorized", "captured"]


async def test_11_a_charge_that_only_reserved_is_not_taken_for_money(world: World):
    booked = await world.book()
    types = [json.loads(row["body"])["type"] for row in world.sandbox.deliveries("held")]
    assert "charge.succeeded" in types
    await world.deliver()
    told = await world.look(booked["id"])
    assert (told["payment_status"], told["captured_amount"]) == ("authorized", 0)


async def test_16_17_what_was_done_in_stripes_own_dashboard_arrives(world: World):
    booked = await world.book()
    sdk = world.sandbox.stripe().v1
    sdk.payment_intents.capture(booked["stripe_intent_id"], {"amount_to_capture": 6000})
    sdk.refunds.create({"payment_intent": booked["stripe_intent_id"], "amount": 1000})
    await world.deliver()
    told = await world.look(booked["id"])
    assert (told["captured_amount"], told["refunded_amount"]) == (6000, 1000)


async def test_14_an_event_that_was_kept_and_not_handled_is_handled_later(world: World):
    booked = await world.book(timedelta(days=6))
    await world.advance(timedelta(days=7, seconds=1))
    for row in world.sandbox.deliveries("held"):
        await world.receive(row["body"].encode(), row["signature"])
    # The process ends here: nothing was handled yet.
    assert (await world.look(booked["id"]))["payment_status"] == "authorized"
    await world.tick()
    told = await world.look(booked["id"])
    assert told["payment_status"] == "released"
    assert await StripeEvent.count().where(StripeEvent.state == "waiting") == 0
