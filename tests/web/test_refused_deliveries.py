"""What was refused at the webhooks' door is counted, by reason, and costs a flood nothing."""

import json
import time
from typing import Any

import pytest

from dashboard import db
from dashboard.payments import refused_deliveries
from dashboard.payments.refused_deliveries import RefusedDeliveries
from dashboard.payments.tables import RefusedDelivery, StripeEvent
from dashboard.sandbox.signing import signature
from tests.sandbox.server import WEBHOOK_SECRET
from tests.web.desk import sign_in, text
from tests.web.test_webhook import BODY, sign
from tests.world import World

# Signed when it is sent: what is signed when the tests are gathered is stale some minutes later.
NOW = "now"
LARGE = json.dumps({"padding": "x" * 257 * 1024}).encode()


def _counts(world: World) -> RefusedDeliveries:
    found: RefusedDeliveries = world.client._transport.app.state.refused_deliveries  # type: ignore[attr-defined]
    return found


@pytest.mark.parametrize(
    ("body", "header", "reason", "said"),
    [
        (BODY, None, "unsigned", "without a signature"),
        (BODY, "", "unsigned", "without a signature"),
        (BODY, "t=1,v1=0", "signature", "signed with a secret that is none of ours"),
        (BODY, sign(BODY, "whsec_other"), "signature", "signed with a secret that is none of ours"),
        (BODY, sign(BODY, age=301), "stale", "signed with our secret, more than 5 minutes before"),
        (b"{}", NOW, "malformed", "signed, and no event"),
        (LARGE, NOW, "too_large", "larger than 256 KB"),
    ],
    ids=range(7),
)
async def test_a_refused_delivery_is_counted_with_its_reason_and_not_kept(
    world: World, body: bytes, header: str | None, reason: str, said: str
):
    if header == NOW:
        header = signature(WEBHOOK_SECRET, body)
    headers = [] if header is None else [(b"Stripe-Signature", header.encode())]
    answer = await world.client.post("/webhooks/stripe", content=body, headers=headers)
    assert answer.status_code == (413 if reason == "too_large" else 400)
    assert await StripeEvent.count() == 0
    (row,) = await RefusedDelivery.objects()
    assert (row.reason, row.number) == (reason, 1)
    page = text(await (await sign_in(world)).page("/webhooks"))
    assert f"1 {said}" in page and "Stripe has not reached us yet" in page


async def test_a_flood_is_one_row_and_few_writes(world: World, monkeypatch: pytest.MonkeyPatch):
    writes, add = [], refused_deliveries._add

    async def watched(reason: str, count: int, *more: Any) -> None:
        writes.append(count)
        await add(reason, count, *more)

    monkeypatch.setattr(refused_deliveries, "_add", watched)
    for _ in range(300):
        await world.receive(BODY, "t=1,v1=0")
    assert writes == [1]
    # The page counts what this process has not written yet.
    assert "300 signed with a secret" in text(await (await sign_in(world)).page("/webhooks"))
    later = time.monotonic() + refused_deliveries.WRITE_EVERY
    monkeypatch.setattr(refused_deliveries, "monotonic", lambda: later)
    await world.receive(BODY, "t=1,v1=0")
    assert writes == [1, 300]
    (row,) = await RefusedDelivery.objects()
    assert row.number == 301
    assert [one.count for one in await _counts(world).lately()] == [301]


async def test_two_processes_count_into_one_row(world: World):
    one, two = RefusedDeliveries(), RefusedDeliveries()
    for process in (one, two, one, two, two):
        await process.note("stale")
    assert [(row.reason, row.number) for row in await RefusedDelivery.objects()] == [("stale", 2)]
    assert [count.count for count in await one.lately()] == [3]
    assert [count.count for count in await two.lately()] == [4]


async def test_with_the_database_away_a_forged_delivery_is_refused_all_the_same(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    async def away(*_: Any) -> None:
        raise db.DatabaseUnreachable("gone")

    monkeypatch.setattr(refused_deliveries, "_add", away)
    assert (await world.receive(BODY, "t=1,v1=0")).status_code == 400
    monkeypatch.undo()
    later = time.monotonic() + refused_deliveries.WRITE_EVERY
    monkeypatch.setattr(refused_deliveries, "monotonic", lambda: later)
    assert (await world.receive(BODY, "t=1,v1=0")).status_code == 400
    (row,) = await RefusedDelivery.objects()
    assert row.number == 2
