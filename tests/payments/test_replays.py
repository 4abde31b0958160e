"""An event is replayed by one person at a time, counts once, and is never charged for."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest

from dashboard import clock, db
from dashboard.payments import deliveries, inbox, ledger, replaying
from dashboard.payments.actors import Actor
from dashboard.payments.facts import Status
from dashboard.payments.replaying import NotNow
from dashboard.payments.tables import Operation, Payment, PaymentEvent, StripeEvent
from dashboard.stripe_gateway import StripeGateway
from tests.payments.conftest import ANA, Desk

BEN = Actor("Ben", "staff", 2)
MINUTE = timedelta(minutes=1)


async def _captured(desk: Desk, state: str = "dead") -> tuple[int, str]:
    """A purchase that was captured at Stripe, and the event of it, which we have failed on."""
    purchase = await desk.buy()
    payment = await desk.payment(purchase)
    desk.stripe().payment_intents.capture(str(payment.stripe_intent_id))
    held = [row for row in desk.sandbox.deliveries("held") if row["type"] == "charge.captured"]
    notice = inbox.notice(json.loads(held[-1]["body"]))
    await inbox.keep(notice)
    values = {"state": state, "due_at": None, "attempts": 3, "error": "LookupError: 7"}
    await StripeEvent.update(values).where(StripeEvent.id == notice.id)
    return purchase, notice.id


async def _replay(event_id: str, shown: int = 0, by: Actor = ANA) -> StripeEvent | NotNow:
    try:
        async with db.transaction():
            return await replaying.replay(event_id, shown, by)
    except NotNow as error:
        return error


async def _event(event_id: str) -> StripeEvent:
    row = await deliveries.event(event_id)
    assert row is not None
    return row


@pytest.mark.parametrize("state", ["dead", "orphan", "handled"])
async def test_a_replay_has_an_event_handled_once_more_and_sends_no_money(desk: Desk, state: str):
    purchase, event_id = await _captured(desk, state)
    asked = len(desk.sandbox.requests())
    before = await _replay(event_id)
    assert isinstance(before, StripeEvent) and (before.state, before.error) == (
        state,
        "LookupError: 7",
    )
    row = await _event(event_id)
    assert (row.state, row.attempts, row.error, row.replays) == ("waiting", 0, "", 1)
    assert (row.replayed_by, row.replayed_at is not None) == ("Ana", True)
    assert event_id in await inbox.due_events(10)
    assert await inbox.handle(event_id) == purchase
    assert ((await _event(event_id)).state, (await _event(event_id)).attempts) == ("handled", 1)
    assert (await desk.payment(purchase)).captured_amount == 9600
    # Handled again, it counts once.
    count = await PaymentEvent.count()
    assert isinstance(await _replay(event_id, shown=1, by=BEN), StripeEvent)
    await inbox.handle(event_id)
    assert await PaymentEvent.count() == count
    assert (await _event(event_id)).replays == 2
    assert len(desk.sandbox.requests()) == asked


async def test_of_two_replays_at_once_one_is_told_who_was_first(desk: Desk):
    for _ in range(5):
        _, event_id = await _captured(desk)
        answers = await asyncio.gather(_replay(event_id, by=ANA), _replay(event_id, by=BEN))
        (refused,) = [one for one in answers if isinstance(one, NotNow)]
        assert refused.event is not None
        loser = "Ben" if isinstance(answers[0], StripeEvent) else "Ana"
        assert {refused.event.replayed_by, loser} == {"Ana", "Ben"}
        assert (await _event(event_id)).replays == 1


async def test_a_page_that_was_made_before_somebodys_replay_can_not_replay(desk: Desk):
    _, event_id = await _captured(desk)
    await _replay(event_id, by=BEN)
    await inbox.handle(event_id)
    refused = await _replay(event_id, shown=0)
    assert isinstance(refused, NotNow) and refused.event is not None
    assert (refused.event.state, refused.event.replayed_by) == ("handled", "Ben")


@pytest.mark.parametrize("state", ["waiting", "ignored"])
async def test_what_waits_or_is_not_read_is_not_replayed(desk: Desk, state: str):
    _, event_id = await _captured(desk, state)
    refused = await _replay(event_id)
    assert isinstance(refused, NotNow) and refused.event is not None
    assert (await _event(event_id)).replays == 0


async def test_an_event_that_never_came_is_not_replayed(desk: Desk):
    for event_id in ("evt_nothing", "", "evt_\x00", "evt_\ud800"):
        refused = await _replay(event_id)
        assert isinstance(refused, NotNow) and refused.event is None


@pytest.fixture
def on_fetch(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Functions to be called once each, when Stripe has been read and before that is used."""
    real, wanted = StripeGateway.fetch, []

    async def fetch(self: StripeGateway, intent_id: str) -> Any:
        seen = await real(self, intent_id)
        if wanted:
            await wanted.pop(0)()
        return seen

    monkeypatch.setattr(StripeGateway, "fetch", fetch)
    return wanted


async def test_an_event_that_is_being_handled_is_not_replayed(desk: Desk, on_fetch: list[Any]):
    _, event_id = await _captured(desk)
    await _replay(event_id, by=BEN)
    answers = []

    async def meanwhile() -> None:
        answers.append(await _replay(event_id, shown=1))

    on_fetch.append(meanwhile)
    await inbox.handle(event_id)
    (refused,) = answers
    assert isinstance(refused, NotNow) and refused.event is not None
    assert (refused.event.state, refused.event.replayed_by) == ("waiting", "Ben")
    assert (await _event(event_id)).state == "handled"


@pytest.mark.parametrize("end", ["well", "in trouble"])
async def test_who_was_overtaken_by_a_replay_ends_nothing(
    desk: Desk, on_fetch: list[Any], end: str
):
    """A worker stands still for over a minute; meanwhile another one handles the event, and Ana
    replays it. What the first one has read is older than her replay."""
    _, event_id = await _captured(desk)
    await _replay(event_id)

    async def meanwhile() -> None:
        await desk.advance(MINUTE + timedelta(seconds=1))
        await inbox.handle(event_id)
        assert (await _event(event_id)).state == "handled"
        assert isinstance(await _replay(event_id, shown=1), StripeEvent)
        if end == "in trouble":
            raise LookupError("what it wanted is gone")

    on_fetch.append(meanwhile)
    await inbox.handle(event_id)
    row = await _event(event_id)
    assert (row.state, row.attempts, row.error) == ("waiting", 0, "")
    await inbox.handle(event_id)
    assert (await _event(event_id)).state == "handled"


async def test_a_replay_whose_worker_is_killed_is_taken_up_again_and_counts_once(
    desk: Desk, on_fetch: list[Any]
):
    purchase, event_id = await _captured(desk)
    await _replay(event_id)

    async def killed() -> None:
        raise asyncio.CancelledError

    on_fetch.append(killed)
    with pytest.raises(asyncio.CancelledError):
        await inbox.handle(event_id)
    assert await inbox.due_events(10) == []
    assert (await desk.payment(purchase)).payment_status == Status.AUTHORIZED
    await desk.advance(MINUTE + timedelta(seconds=1))
    assert await inbox.due_events(10) == [event_id]
    assert await inbox.handle(event_id) == purchase
    assert (await desk.payment(purchase)).captured_amount == 9600
    assert await PaymentEvent.count().where(PaymentEvent.kind == "captured") == 1


async def test_a_dead_letter_whose_reason_is_gone_comes_alive(desk: Desk):
    purchase, event_id = await _captured(desk, "waiting")
    await StripeEvent.update({"attempts": 0, "due_at": clock.now()}, force=True)
    row = await desk.payment(purchase)
    intent = str(row.stripe_intent_id)
    # Another account's key: Stripe knows no such intent.
    await StripeEvent.update({"intent_id": "pi_gone"}, force=True)
    await Payment.update({"stripe_intent_id": "pi_gone"}).where(Payment.id == row.id)
    for _ in range(inbox.PERMANENT_ATTEMPTS):
        await inbox.handle(event_id)
        await desk.advance(timedelta(hours=1))
    dead = await _event(event_id)
    assert (dead.state, dead.attempts) == ("dead", 3) and dead.error.startswith("NotThere")
    assert [row.id for row in await replaying.dead()] == [event_id]
    await StripeEvent.update({"intent_id": intent}, force=True)
    await Payment.update({"stripe_intent_id": intent}).where(Payment.id == row.id)
    await _replay(event_id)
    assert await inbox.handle(event_id) == purchase
    assert (await desk.payment(purchase)).captured_amount == 9600


async def test_an_orphan_is_attached_by_a_replay_once_its_operation_is_known(desk: Desk):
    desk.sandbox.fault("after", "drop", "/v1/payment_intents")
    purchase = await desk.buy()
    (operation,) = await desk.operations(purchase)
    kind = "payment_intent.amount_capturable_updated"
    held = next(row for row in desk.sandbox.deliveries("held") if row["type"] == kind)
    body = json.loads(held["body"])
    body["data"]["object"]["metadata"] = {}
    notice = inbox.notice(body)
    await inbox.keep(notice)
    await inbox.handle(notice.id)
    assert (await _event(notice.id)).state == "orphan"
    await ledger.attach(operation.payment, body["data"]["object"]["id"])
    # The attaching has woken it; a person would have been too late.
    assert isinstance(await _replay(notice.id), NotNow)
    await inbox.handle(notice.id)
    assert (await desk.payment(purchase)).payment_status == Status.AUTHORIZED
    assert [row.state for row in await Operation.objects()] == ["succeeded"]


async def test_a_repeated_delivery_is_counted_and_changes_nothing(desk: Desk):
    purchase, event_id = await _captured(desk, "waiting")
    await StripeEvent.update({"attempts": 0, "due_at": clock.now()}, force=True)
    assert (await _event(event_id)).deliveries == 1
    await inbox.handle(event_id)
    before = (await _event(event_id)).to_dict()
    held = next(r for r in desk.sandbox.deliveries("held") if r["type"] == "charge.captured")
    again = inbox.notice(json.loads(held["body"]))
    answers = await asyncio.gather(*(inbox.keep(again) for _ in range(4)))
    assert answers == [False] * 4
    after = (await _event(event_id)).to_dict()
    assert (after.pop("deliveries"), before.pop("deliveries")) == (5, 1)
    assert (after.pop("repeated_at") is not None, before.pop("repeated_at")) == (True, None)
    assert after == before
    assert await StripeEvent.count() == 1
    assert (await desk.payment(purchase)).captured_amount == 9600


async def test_of_first_deliveries_at_once_one_is_new(desk: Desk):
    await desk.buy()
    held = desk.sandbox.deliveries("held")[-1]
    notice = inbox.notice(json.loads(held["body"]))
    answers = await asyncio.gather(*(inbox.keep(notice) for _ in range(5)))
    assert sorted(answers) == [False] * 4 + [True]
    assert (await _event(notice.id)).deliveries == 5


HOSTILE = ["evt_\x00", "evt_\ud800", "evt_\n", "x" * 256, 7, None]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
async def test_what_no_database_can_hold_is_no_event(desk: Desk, text: Any):
    body: dict[str, Any] = {
        "id": "evt_1",
        "type": "charge.captured",
        "created": 1,
        "data": {"object": {"id": "ch_1", "object": "charge", "payment_intent": "pi_1"}},
    }
    subject = body["data"]["object"]
    for broken in (
        {**body, "id": text},
        {**body, "type": text},
        {**body, "data": {"object": {**subject, "id": text or "x" * 256}}},
        {**body, "data": {"object": {**subject, "payment_intent": text or [1]}}},
        {**body, "created": 10**30},
    ):
        with pytest.raises(inbox.Malformed):
            inbox.notice(broken)
    # Whoever made the object wrote its metadata: what can't be one of ours is left out.
    named = {**subject, "metadata": {"operation_id": text}}
    notice = inbox.notice({**body, "data": {"object": named}})
    assert await inbox.keep(notice)
    assert (await _event("evt_1")).operation_id == {7: "7", "x" * 256: "x" * 255}.get(text)
