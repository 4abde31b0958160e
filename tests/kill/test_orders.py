"""Every order in which the six events of a lifecycle can arrive leads to one final state.

The answer to our own create was lost, and the rest was done in Stripe's dashboard: all that we know
comes from the events. `make kill` plays all 720 orders, and each once more with an event repeated.
"""

import itertools
import json
import os
import random
from dataclasses import dataclass
from typing import Any

from dashboard.payments import inbox
from dashboard.payments.facts import State, Status
from dashboard.payments.tables import Operation, Payment, PaymentEvent, Purchase, StripeEvent
from tests.payments.conftest import Desk

LIFE = (
    "charge.succeeded",
    "payment_intent.amount_capturable_updated",
    "charge.captured",
    "payment_intent.succeeded",
    "refund.created",
    "charge.refunded",
)
EVERY = "KILLS" in os.environ
FEW = 8


@dataclass
class Life:
    """One purchase of which only Stripe knows how it went, and its events by type."""

    purchase: int
    notices: dict[str, inbox.Notice]


class Lives:
    """Makes one life after the other on one desk."""

    def __init__(self, desk: Desk) -> None:
        self._desk, self._seen = desk, 0

    async def live(self) -> Life:
        desk, api = self._desk, self._desk.stripe()
        # Neither the answer nor the reads that would find out come through.
        desk.sandbox.fault("after", "drop", "/v1/payment_intents")
        purchase = await desk.buy()
        (operation,) = await desk.operations(purchase)
        assert operation.state == State.UNKNOWN
        fresh = desk.sandbox.deliveries("held", after=self._seen)
        (made,) = [one for one in fresh if one["type"] == "payment_intent.created"]
        intent = json.loads(made["body"])["data"]["object"]["id"]
        api.payment_intents.capture(intent, {"amount_to_capture": 6000})
        api.refunds.create({"payment_intent": intent, "amount": 2000})
        events = desk.sandbox.deliveries("held", after=self._seen)
        self._seen = events[-1]["id"]
        notices = {one["type"]: inbox.notice(json.loads(one["body"])) for one in events}
        return Life(purchase, {name: notices[name] for name in LIFE})


async def arrive(notice: inbox.Notice) -> None:
    """What the webhook's address and the nudge after it do."""
    await inbox.keep(notice)
    await inbox.handle(notice.id)


async def at_rest() -> None:
    """What the minute's sweep does with the events that waited for others."""
    for _ in range(2):
        for event in await inbox.due_events(100):
            await inbox.handle(event)


async def final(life: Life) -> dict[str, Any]:
    """Everything that our books say at the end, without the names that differ from life to life."""
    (payment,) = await Payment.select().where(Payment.purchase == life.purchase)
    (purchase,) = await Purchase.select().where(Purchase.id == life.purchase)
    (operation,) = await Operation.select().where(Operation.purchase == life.purchase)
    story = await PaymentEvent.select().where(PaymentEvent.purchase == life.purchase)
    ids = [notice.id for notice in life.notices.values()]
    events = await StripeEvent.select().where(StripeEvent.id.is_in(ids))
    amounts = ("authorized_amount", "captured_amount", "refunded_amount", "refund_pending_amount")
    return {
        "status": payment["payment_status"],
        "amounts": [payment[name] for name in amounts],
        "end": payment["end_reason"],
        "current": payment["current"],
        "owed": purchase["owed"],
        "attention": purchase["attention"],
        "operation": (operation["state"], operation["open_for"]),
        "story": sorted(
            (row["kind"], row["amount"], row["given_back"], row["actor"], row["cause"])
            for row in story
        ),
        "events": sorted({row["state"] for row in events}),
    }


async def test_each_order_of_six_events_with_and_without_a_repeat_has_one_final_state(
    desk: Desk,
) -> None:
    chance = random.Random(720)
    orders = list(itertools.permutations(LIFE))
    if not EVERY:
        orders = [LIFE, LIFE[::-1], *chance.sample(orders, FEW - 2)]
    lives, seen = Lives(desk), []
    for order in orders:
        repeated = list(order)
        repeated.insert(chance.randint(1, 6), chance.choice(order))
        for names in (list(order), repeated):
            life = await lives.live()
            for name in names:
                await arrive(life.notices[name])
            await at_rest()
            seen.append(await final(life))
            if seen[-1] != seen[0]:
                raise AssertionError(f"{names} ends as {seen[-1]}, others as {seen[0]}")
    assert seen[0]["status"] == Status.CAPTURED
    assert seen[0]["amounts"] == [9600, 6000, 2000, 0]
    assert [row[0] for row in seen[0]["story"] if not row[0].startswith("operation")] == [
        "authorized",
        "captured",
        "refund_succeeded",
    ]
    assert seen[0]["operation"] == (State.SUCCEEDED, None)
    assert seen[0]["events"] == ["handled"]
    assert len(seen) == 2 * len(orders)
