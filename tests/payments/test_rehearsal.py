"""A dry run says exactly what handling the event then changes: every situation is played twice."""

import json
import uuid
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from dashboard import clock
from dashboard.payments import cards, deliveries, inbox
from dashboard.payments.actors import SWEEP
from dashboard.payments.belonging import Foreign
from dashboard.payments.facts import State, Status, Verb
from dashboard.payments.rehearsal import BOOKKEEPING, Rehearsal, rehearse
from dashboard.payments.tables import Operation, Payment, PaymentEvent, Purchase
from dashboard.stripe_gateway import NotThere, Unreachable
from tests.payments.banking import dispute, paid
from tests.payments.conftest import Desk
from tests.payments.planting import lost_refund_of

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
CREATE, CAPTURE, REFUND = "/v1/payment_intents", "/v1/payment_intents/*/capture", "/v1/refunds"
Json = dict[str, Any]
# Prepares a situation; answers the type of the event to handle, and words that must be in the keys
# or columns which the dry run names. Nothing named: nothing would change.
Situation = Callable[[Desk], Awaitable[tuple[str, str]]]


async def _keep(desk: Desk, kind: str, **changes: Any) -> str:
    """The newest held event of this type, kept and not handled; its id."""
    held = [row for row in desk.sandbox.deliveries("held") if row["type"] == kind]
    body: Json = json.loads(held[-1]["body"])
    body["data"]["object"] |= changes
    # Parts of it may have come before.
    body["id"] = f"evt_{uuid.uuid4().hex}"
    notice = inbox.notice(body)
    await inbox.keep(notice)
    return notice.id


async def _rows() -> dict[tuple[str, Any], Json]:
    """Every row of the money path, but for the columns that tell when we looked."""
    found: dict[tuple[str, Any], Json] = {}
    for table in (Payment, Purchase, Operation, PaymentEvent):
        for row in await table.select():
            kept = {name: value for name, value in row.items() if name not in BOOKKEEPING}
            found[table._meta.tablename, row["id"]] = kept
    return found


Pictures = dict[tuple[str, Any], Json]


def _changed(before: Pictures, after: Pictures, name: str) -> dict[tuple[int, str], Any]:
    return {
        (key[1], column): after[key][column]
        for key, row in before.items()
        if key[0] == name
        for column, value in row.items()
        if after[key][column] != value
    }


def _predicted(seen: Rehearsal, of: str) -> dict[tuple[int, str], Any]:
    return {(one.id, one.column): one.theirs for one in seen.changes if one.of == of}


async def _event(event_id: str) -> Any:
    row = await deliveries.event(event_id)
    assert row is not None
    return row


async def _played(desk: Desk, event_id: str) -> Rehearsal:
    """Rehearse, handle, and compare the two to the last column."""
    before, asked = await _rows(), len(desk.sandbox.requests())
    seen = await rehearse(await _event(event_id))
    assert await _rows() == before
    assert (await _event(event_id)).state == "waiting"
    await inbox.handle(event_id)
    after = await _rows()
    for of in ("payment", "purchase"):
        assert _predicted(seen, of) == _changed(before, after, of), of
    new = [row["key"] for key, row in after.items() if key not in before]
    assert seen.keys == sorted(new)
    states = _changed(before, after, "operation")
    assert {(row.id, "state"): str(state) for row, state in seen.closings} == {
        key: value for key, value in states.items() if key[1] == "state"
    }
    # Neither of the two has sent anything that could move money.
    assert len(desk.sandbox.requests()) == asked
    return seen


def _intent(payment: Payment) -> str:
    return str(payment.stripe_intent_id)


async def captured_elsewhere(desk: Desk) -> tuple[str, str]:
    purchase = await desk.buy()
    desk.stripe().payment_intents.capture(_intent(await desk.payment(purchase)))
    return "charge.captured", "end: captured_amount"


async def captured_in_part_elsewhere(desk: Desk) -> tuple[str, str]:
    purchase = await desk.buy()
    intent = _intent(await desk.payment(purchase))
    desk.stripe().payment_intents.capture(intent, {"amount_to_capture": 6000})
    return "charge.captured", "end: captured_amount"


async def released_elsewhere(desk: Desk) -> tuple[str, str]:
    purchase = await desk.buy()
    desk.stripe().payment_intents.cancel(_intent(await desk.payment(purchase)))
    return "payment_intent.canceled", "end: payment_status end_reason"


async def expired(desk: Desk) -> tuple[str, str]:
    await desk.buy(due_in=30 * DAY)
    await desk.advance(8 * DAY)
    return "payment_intent.canceled", "end: payment_status"


async def known_already(desk: Desk) -> tuple[str, str]:
    purchase = await desk.buy()
    await desk.ask(Verb.CAPTURE, purchase, 6000)
    return "charge.captured", ""


async def an_older_event(desk: Desk) -> tuple[str, str]:
    purchase = await desk.buy()
    await desk.ask(Verb.CAPTURE, purchase)
    await desk.ask(Verb.REFUND, purchase, 1000)
    return "payment_intent.created", ""


async def captured_without_an_answer(desk: Desk) -> tuple[str, str]:
    purchase = await desk.buy()
    desk.sandbox.fault("after", "drop", CAPTURE)
    desk.sandbox.fault("before", "500", "/v1/payment_intents/*", method="GET", times=3)
    await desk.ask(Verb.CAPTURE, purchase, 6000)
    await Purchase.update({"refused_count": 2}).where(Purchase.id == purchase)
    return "charge.captured", "end: captured_amount refused_count"


async def released_without_an_answer(desk: Desk) -> tuple[str, str]:
    purchase = await desk.buy()
    desk.sandbox.fault("after", "drop", "/v1/payment_intents/*/cancel")
    desk.sandbox.fault("before", "500", "/v1/payment_intents/*", method="GET", times=3)
    await desk.ask(Verb.RELEASE, purchase, reason="other")
    return "payment_intent.canceled", "end: payment_status"


async def held_without_an_answer(desk: Desk) -> tuple[str, str]:
    desk.sandbox.fault("after", "drop", CREATE)
    await desk.buy()
    return "payment_intent.amount_capturable_updated", "hold: stripe_intent_id authorized_amount"


async def declined_without_an_answer(desk: Desk) -> tuple[str, str]:
    desk.sandbox.fault("after", "drop", CREATE)
    await desk.buy(card="pm_card_chargeDeclined")
    return "payment_intent.payment_failed", "declined: operation: refusal_code"


async def a_hold_of_ours_declined_without_an_answer(desk: Desk) -> tuple[str, str]:
    kind, named = await declined_without_an_answer(desk)
    # As a renewal's operation would be: what is refused by itself is counted.
    await Operation.update({"cause": SWEEP.cause}, force=True)
    return kind, f"{named} attempts_refused"


async def refunded_elsewhere(desk: Desk) -> tuple[str, str]:
    purchase = await paid(desk)
    await desk.decide(purchase, 9600, due_now=False)
    intent = _intent(await desk.payment(purchase))
    desk.stripe().refunds.create({"payment_intent": intent, "amount": 2500})
    return "charge.refunded", "refund: refunded_amount owed"


async def refunded_whole_elsewhere(desk: Desk) -> tuple[str, str]:
    purchase = await paid(desk)
    desk.stripe().refunds.create({"payment_intent": _intent(await desk.payment(purchase))})
    return "charge.refunded", "refund: payment_status owed"


async def refund_on_its_way_elsewhere(desk: Desk) -> tuple[str, str]:
    purchase = await paid(desk, "pm_card_pendingRefund")
    intent = _intent(await desk.payment(purchase))
    desk.stripe().refunds.create({"payment_intent": intent, "amount": 2500})
    return "refund.created", ":pending refund_pending_amount refund_pending_since owed"


async def refund_has_arrived(desk: Desk) -> tuple[str, str]:
    purchase = await paid(desk, "pm_card_pendingRefund")
    await desk.ask(Verb.REFUND, purchase, 2500)
    refund = desk.stripe().refunds.list({}).data[0].id
    desk.sandbox.control("POST", f"refunds/{refund}", {"status": "succeeded"})
    return "refund.updated", ":succeeded refunded_amount"


async def refund_came_back(desk: Desk) -> tuple[str, str]:
    purchase = await paid(desk, "pm_card_pendingRefund")
    await desk.ask(Verb.REFUND, purchase, 2500)
    refund = desk.stripe().refunds.list({}).data[0].id
    desk.sandbox.control("POST", f"refunds/{refund}", {"status": "failed"})
    return "refund.failed", ":failed refund_trouble"


async def refund_without_an_answer(desk: Desk) -> tuple[str, str]:
    purchase = await paid(desk)
    await lost_refund_of(desk, purchase, 2500)
    return "charge.refunded", "refund: refunded_amount"


async def refund_that_was_given_up_had_worked(desk: Desk) -> tuple[str, str]:
    kind, _ = await refund_without_an_answer(desk)
    await Operation.update({"state": State.GIVEN_UP, "open_for": None, "due_at": None}).where(
        Operation.verb == Verb.REFUND
    )
    return kind, "refund: operation: refunded_amount"


async def disputed(desk: Desk) -> tuple[str, str]:
    await dispute(desk, await paid(desk), told=False)
    return "charge.dispute.created", "dispute: funds: disputed_amount"


async def lost_in_a_dispute(desk: Desk) -> tuple[str, str]:
    opened = await dispute(desk, await paid(desk))
    desk.sandbox.control("POST", f"disputes/{opened['id']}", {"status": "lost"})
    return "charge.dispute.closed", "dispute: lost_amount"


async def confirmed_with_the_bank(desk: Desk) -> tuple[str, str]:
    purchase = await desk.buy(card="pm_card_authenticationRequired")
    desk.sandbox.authenticate(_intent(await desk.payment(purchase)))
    return "payment_intent.amount_capturable_updated", "hold: payment_status"


async def not_confirmed_with_the_bank(desk: Desk) -> tuple[str, str]:
    purchase = await desk.buy(card="pm_card_authenticationRequired")
    desk.sandbox.authenticate(_intent(await desk.payment(purchase)), success=False)
    return "payment_intent.payment_failed", "declined: refusal_code"


async def an_old_attempt_comes_through(desk: Desk) -> tuple[str, str]:
    """Of two attempts the first is confirmed late: another payment becomes the current one."""
    purchase = await desk.buy(card="pm_card_authenticationRequired")
    first = await desk.payment(purchase)
    desk.sandbox.authenticate(_intent(first), success=False)
    await desk.deliver()
    await desk.attempt(purchase, Verb.AUTHORIZE)
    second = await desk.payment(purchase)
    assert second.id != first.id
    desk.stripe().payment_intents.confirm(_intent(first), {"payment_method": "pm_card_visa"})
    return "payment_intent.amount_capturable_updated", "hold: current"


async def _card(desk: Desk, card: str) -> str:
    """A far lesson's card is being saved; its SetupIntent."""
    customer = desk.stripe().customers.create({"name": "Maya"}).id
    purchase = Purchase(
        currency="usd",
        price=9600,
        customer=customer,
        payment_method=card,
        description="Piano",
        saves_card=True,
        created_at=clock.now(),
    )
    await purchase.save()
    await Payment(purchase=purchase.id, currency="usd", created_at=clock.now()).save()
    await cards.want(purchase.id)
    await cards.save(purchase.id)
    row = await Purchase.objects().get(Purchase.id == purchase.id)
    assert row is not None
    return str(row.setup_intent_id)


async def _confirmed(desk: Desk, result: str) -> None:
    setup = await _card(desk, "pm_card_authenticationRequiredOnSetup")
    answer = {"result": result}
    desk.sandbox.control("POST", f"setup_intents/{setup}/authenticate", answer)


async def card_confirmed(desk: Desk) -> tuple[str, str]:
    await _confirmed(desk, "success")
    return "setup_intent.succeeded", "card_saved: card_state"


async def card_not_confirmed(desk: Desk) -> tuple[str, str]:
    await _confirmed(desk, "failure")
    return "setup_intent.setup_failed", "card_refused: card_state payment_status"


async def card_still_waits(desk: Desk) -> tuple[str, str]:
    await _card(desk, "pm_card_authenticationRequiredOnSetup")
    return "setup_intent.created", ""


async def card_saved_already(desk: Desk) -> tuple[str, str]:
    await _card(desk, "pm_card_visa")
    return "setup_intent.succeeded", ""


async def card_of_a_booking_that_is_over(desk: Desk) -> tuple[str, str]:
    await _confirmed(desk, "success")
    await Purchase.update({"owed": 0}, force=True)
    return "setup_intent.succeeded", ""


SITUATIONS: list[Situation] = [
    captured_elsewhere,
    captured_in_part_elsewhere,
    released_elsewhere,
    expired,
    known_already,
    an_older_event,
    captured_without_an_answer,
    released_without_an_answer,
    held_without_an_answer,
    declined_without_an_answer,
    a_hold_of_ours_declined_without_an_answer,
    refunded_elsewhere,
    refunded_whole_elsewhere,
    refund_on_its_way_elsewhere,
    refund_has_arrived,
    refund_came_back,
    refund_without_an_answer,
    refund_that_was_given_up_had_worked,
    disputed,
    lost_in_a_dispute,
    confirmed_with_the_bank,
    not_confirmed_with_the_bank,
    an_old_attempt_comes_through,
    card_confirmed,
    card_not_confirmed,
    card_still_waits,
    card_saved_already,
    card_of_a_booking_that_is_over,
]


@pytest.mark.parametrize("situation", SITUATIONS, ids=[one.__name__ for one in SITUATIONS])
async def test_what_is_foretold_is_what_is_changed(desk: Desk, situation: Situation):
    kind, named = await situation(desk)
    seen = await _played(desk, await _keep(desk, kind))
    told = " ".join([*seen.keys, *(one.column for one in seen.changes)])
    assert [word for word in named.split() if word not in told] == []
    assert seen.nothing == (named == "")
    # Handled once more, nothing is left to change.
    again = await _played(desk, await _keep(desk, kind))
    assert again.nothing and again.foreign is None


async def _foreign(desk: Desk, **metadata: str) -> str:
    """An intent at Stripe that no row of ours knows; its id."""
    made = desk.stripe().payment_intents.create(
        {
            "amount": 5000,
            "currency": "usd",
            "payment_method": "pm_card_visa",
            "capture_method": "manual",
            "confirm": True,
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
            "metadata": metadata,
        }
    )
    return str(made.id)


async def test_an_orphan_that_names_nothing_of_ours_stays_one_and_says_what_stripe_knows(
    desk: Desk,
):
    intent = await _foreign(desk)
    event_id = await _keep(desk, "payment_intent.created")
    seen = await _played(desk, event_id)
    assert (seen.foreign, seen.nothing) == (Foreign.UNNAMED, True)
    assert seen.intent is not None and (seen.intent.id, seen.intent.amount) == (intent, 5000)
    assert (await _event(event_id)).state == "orphan"


async def test_an_orphan_of_another_shop_is_told_apart_from_ours(desk: Desk):
    await _foreign(desk, operation_id=str(uuid.uuid4()))
    seen = await _played(desk, await _keep(desk, "payment_intent.created"))
    assert (seen.foreign, seen.operation) == (Foreign.NOT_OURS, None)


async def test_an_orphan_whose_operation_has_another_intent_is_not_attached(desk: Desk):
    purchase = await desk.buy()
    (operation,) = await desk.operations(purchase)
    await _foreign(desk, operation_id=operation.id)
    seen = await _played(desk, await _keep(desk, "payment_intent.created"))
    assert seen.foreign is Foreign.TAKEN
    assert seen.operation is not None and seen.operation.id == operation.id


async def test_an_orphan_that_stripe_does_not_know_is_none_of_ours(desk: Desk):
    desk.sandbox.fault("before", "drop", CREATE)
    purchase = await desk.buy()
    (operation,) = await desk.operations(purchase)
    await _foreign(desk)
    named = {"id": "pi_elsewhere", "metadata": {"operation_id": operation.id}}
    seen = await _played(desk, await _keep(desk, "payment_intent.created", **named))
    assert (seen.foreign, seen.intent) == (Foreign.NOT_THERE, None)


async def test_an_event_without_an_intent_has_nothing_to_change(desk: Desk):
    await _foreign(desk)
    gone = {"object": "charge", "payment_intent": None}
    seen = await _played(desk, await _keep(desk, "payment_intent.created", **gone))
    assert (seen.foreign, seen.intent) == (Foreign.NO_INTENT, None)


async def test_what_stripe_would_not_tell_the_handling_it_does_not_tell_the_dry_run(desk: Desk):
    purchase = await desk.buy()
    event_id = await _keep(desk, "payment_intent.created")
    desk.sandbox.fault("before", "500", "/v1/payment_intents/*", method="GET", times=3)
    with pytest.raises(Unreachable):
        await rehearse(await _event(event_id))
    await Payment.update({"stripe_intent_id": "pi_gone"}).where(Payment.purchase == purchase)
    gone = await _keep(desk, "payment_intent.created", id="pi_gone")
    with pytest.raises(NotThere):
        await rehearse(await _event(gone))


async def test_a_dry_run_that_a_post_overtakes_reads_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    """Between its reading of Stripe and of our rows somebody else writes the capture down."""
    from dashboard.payments import ledger
    from dashboard.stripe_gateway import StripeGateway

    purchase = await desk.buy()
    payment = await desk.payment(purchase)
    event_id = await _keep(desk, "payment_intent.created")
    real, reads = StripeGateway.fetch, 0

    async def slow(self: StripeGateway, intent_id: str) -> Any:
        nonlocal reads
        reads += 1
        seen = await real(self, intent_id)
        if reads == 1:
            desk.stripe().payment_intents.capture(intent_id)
            await ledger.post(payment.id)
        return seen

    monkeypatch.setattr(StripeGateway, "fetch", slow)
    seen = await rehearse(await _event(event_id))
    # The picture of before the capture is not taken for news: nothing would be undone.
    assert seen.nothing and reads == 3
    assert (await desk.payment(purchase)).payment_status == Status.CAPTURED
