"""The reconciliation at the desk: what differs, who may decide about it, and who was first."""

import asyncio
import uuid
from typing import Any

import httpx
import pytest

from dashboard.audit.tables import AuditEntry
from dashboard.payments.facts import State, Status, Verb
from dashboard.payments.reconcile import runs
from dashboard.payments.reconcile.tables import ReconcileDifference, ReconcileRun
from dashboard.payments.tables import Operation, Payment
from tests.web.desk import Person, sign_in, text
from tests.world import World


async def compare() -> None:
    await runs.ask("Ana")
    while await runs.unfinished():
        assert await runs.work(60.0) > 0


async def only() -> ReconcileDifference:
    (row,) = await ReconcileDifference.objects()
    return row


def make(world: World, **metadata: str) -> str:
    """A held payment that is made at Stripe without us."""
    client = world.sandbox.stripe().v1
    customer = client.customers.create({"name": "Somebody"})
    wanted: Any = {
        "amount": 9600,
        "currency": "usd",
        "customer": customer.id,
        "capture_method": "manual",
        "confirm": True,
        "payment_method": "pm_card_visa",
        "allowed_payment_method_types": ["card"],
        "metadata": metadata,
    }
    return str(client.payment_intents.create(wanted).id)


async def decide(
    person: Person, row: ReconcileDifference, verb: str = "acknowledge", **typed: str
) -> httpx.Response:
    given = {"_csrf": person.csrf, "version": str(row.version), "reason": "It is the school's."}
    path = f"/reconcile/{row.id}/{verb}"
    return await person.browser.post(path, data=given | typed, headers=person.headers)


async def orphan(world: World) -> tuple[int, str]:
    """A payment whose attempt was given up, and the intent that it had made after all."""
    booking = (await world.book())["id"]
    payment = await world.payment(booking)
    lost: Any = {"stripe_intent_id": None, "payment_status": "failed", "authorized_amount": 0}
    await Payment.update(lost).where(Payment.id == payment.id)
    await Operation.update({"state": State.GIVEN_UP}).where(Operation.payment == payment.id)
    return int(payment.id), str(payment.stripe_intent_id)


async def test_all_is_well_and_the_page_says_over_what(world: World):
    for _ in range(3):
        await world.book()
    ana = await sign_in(world, "viewer")
    assert "Nothing has been compared with Stripe yet" in text(await ana.page("/reconcile"))
    await compare()
    page = await ana.page("/reconcile")
    assert "We and Stripe agree on 3 payments" in text(page)
    assert "for Ana, in" in text(page) and "Compare now" not in text(page)


async def test_compare_now_asks_once_and_the_page_follows_it(world: World):
    await world.book()
    ana = await sign_in(world)
    for _ in range(2):
        answer = await ana.browser.post("/reconcile", data={"_csrf": ana.csrf})
        assert answer.headers["location"] == "/reconcile?watched=1"
    assert await ReconcileRun.count() == 1
    page = await ana.page("/reconcile?watched=1")
    assert "Waiting for the worker" in text(page) and 'hx-get="/reconcile?watched=1"' in page.text
    await compare()
    ana.headers |= {"HX-Request": "true"}
    page = await ana.page("/reconcile?watched=1")
    assert "Done: We and Stripe agree on 1 payment" in text(page)
    assert "hx-trigger" not in page.text


async def test_a_run_that_waits_for_stripe_says_so_and_can_be_tried_at_once(world: World):
    await world.book()
    ana = await sign_in(world)
    await ana.browser.post("/reconcile", data={"_csrf": ana.csrf})
    world.sandbox.fault("before", "429", method="GET", times=1)
    await runs.work(60.0)
    page = text(await ana.page("/reconcile"))
    assert "Stripe can't be read right now" in page and "Try again now" in page
    assert await runs.work(60.0) == 0
    await ana.browser.post("/reconcile", data={"_csrf": ana.csrf})
    await runs.work(60.0)
    assert "We and Stripe agree on 1 payment" in text(await ana.page("/reconcile"))


async def test_what_a_post_mended_is_reported_with_before_and_now(world: World):
    booked = await world.book()
    payment = await world.payment(booked["id"])
    world.sandbox.stripe().v1.payment_intents.capture(payment.stripe_intent_id)
    await compare()
    finn = await sign_in(world, "finance")
    page = text(await finn.page("/reconcile"))
    assert "We and Stripe agree on 1 payment" in page and "1 brought in line by itself" in page
    assert "Captured in Stripe's own dashboard, or by another program." in page
    assert "No webhook about this payment has arrived" in page
    assert "Captured $0.00 $96.00" in page and "Status authorized captured" in page
    assert "Held $96.00" not in page


async def test_an_intent_of_nobody_is_acknowledged_and_stays_so(world: World):
    await world.book()
    intent = make(world)
    await compare()
    finn = await sign_in(world, "finance", "Finn")
    page = await finn.page("/reconcile")
    assert "1 payment differs from Stripe" in text(page) and intent in text(page)
    assert "formaction" not in page.text
    answer = await decide(finn, await only())
    assert answer.status_code == 303
    page = text(await finn.page(answer.headers["location"]))
    assert "Finn acknowledged it" in page and "It is the school's." in page
    assert "We and Stripe agree on 1 payment" in page
    (entry,) = await AuditEntry.objects().where(AuditEntry.action == "reconcile")
    assert entry.actor == "Finn" and "It is the school's." in entry.detail
    assert "about a difference from Stripe" in text(await finn.page("/audit"))

    await compare()
    assert (await only()).state == "acknowledged"
    # What was acknowledged is that hold: captured, it is another matter.
    world.sandbox.stripe().v1.payment_intents.capture(intent)
    await compare()
    assert (await only()).state == "open"
    assert "Finn acknowledged it" in text(await finn.page("/reconcile"))


async def test_an_orphan_of_ours_is_adopted_and_its_payment_stands(world: World):
    payment_id, intent = await orphan(world)
    await compare()
    finn = await sign_in(world, "finance", "Finn")
    assert "Adopt for #1" in text(await finn.page("/reconcile"))
    answer = await decide(finn, await only(), "adopt", reason="The student was charged for it.")
    assert answer.status_code == 303
    row = await Payment.objects().get(Payment.id == payment_id)
    assert row is not None
    assert (row.stripe_intent_id, row.payment_status) == (intent, Status.AUTHORIZED)
    assert (await only()).state == "adopted"
    (entry,) = await AuditEntry.objects().where(AuditEntry.action == "reconcile")
    assert entry.payment == payment_id
    await compare()
    assert (await only()).state == "adopted"


async def test_nobody_adopts_what_stripe_does_not_show_as_ours(world: World):
    payment_id, intent = await orphan(world)
    await compare()
    changed = {"operation_id": str(uuid.uuid4())}
    world.sandbox.stripe().v1.payment_intents.update(intent, {"metadata": changed})
    finn = await sign_in(world, "finance")
    answer = await decide(finn, await only(), "adopt")
    assert answer.status_code == 409 and "Stripe does not show" in text(answer)
    assert "It is the school's." in text(answer)
    row = await Payment.objects().get(Payment.id == payment_id)
    assert row is not None and row.stripe_intent_id is None
    assert (await only()).state == "open"


async def test_of_two_who_decide_the_second_is_told_by_whom(world: World):
    await orphan(world)
    await compare()
    finn, bea = await sign_in(world, "finance", "Finn"), await sign_in(world, "admin", "Bea")
    row = await only()
    assert (await decide(finn, row, reason="Known since Monday.")).status_code == 303
    for verb in ("acknowledge", "adopt"):
        answer = await decide(bea, row, verb, reason="Mine!")
        assert answer.status_code == 409
        assert "Finn acknowledged this" in text(answer) and "Known since Monday." in text(answer)
        assert "You had typed: “Mine!”" in text(answer)
    row = await only()
    assert (row.decided_by, row.reason) == ("Finn", "Known since Monday.")
    assert await AuditEntry.count().where(AuditEntry.action == "reconcile") == 1


async def test_what_was_only_acknowledged_can_be_adopted_after_all(world: World):
    payment_id, intent = await orphan(world)
    await compare()
    finn = await sign_in(world, "finance", "Finn")
    await decide(finn, await only())
    page = await finn.page("/reconcile")
    assert "Adopt after all" in text(page) and "Acknowledge " not in text(page)
    answer = await decide(finn, await only(), "adopt", reason="It is hers.")
    assert answer.status_code == 303
    row = await Payment.objects().get(Payment.id == payment_id)
    assert row is not None and row.stripe_intent_id == intent
    assert ((await only()).state, (await only()).reason) == ("adopted", "It is hers.")


async def test_two_who_adopt_at_once_adopt_once(world: World):
    await orphan(world)
    await compare()
    finn, bea = await sign_in(world, "finance", "Finn"), await sign_in(world, "finance", "Bea")
    row = await only()
    answers = await asyncio.gather(
        *(decide(one, row, "adopt") for one in (finn, bea)), decide(bea, row)
    )
    assert sorted(answer.status_code for answer in answers) == [303, 409, 409]
    assert await AuditEntry.count().where(AuditEntry.action == "reconcile") == 1


async def test_a_decision_upon_other_fields_than_now_is_stale(world: World):
    intent = make(world)
    await compare()
    finn, row = await sign_in(world, "finance"), await only()
    world.sandbox.stripe().v1.payment_intents.cancel(intent)
    await compare()
    answer = await decide(finn, row)
    assert answer.status_code == 409 and "has changed since you saw it" in text(answer)
    # What was typed stands in the form, which shows the fields as they are now.
    assert "It is the school's." in text(answer) and "canceled" in text(answer)
    assert (await only()).state == "open"


async def test_what_is_resolved_is_neither_open_nor_decided_about(world: World):
    payment_id, intent = await orphan(world)
    await compare()
    finn, row = await sign_in(world, "finance"), await only()
    await Payment.update({"stripe_intent_id": intent}).where(Payment.id == payment_id)
    await compare()
    page = text(await finn.page("/reconcile"))
    assert "Resolved since" in page and "differs from Stripe" not in page
    answer = await decide(finn, row)
    assert answer.status_code == 409 and "resolved itself" in text(answer)


async def test_a_reason_is_needed_and_what_was_typed_stays(world: World):
    make(world)
    await compare()
    finn, row = await sign_in(world, "finance"), await only()
    for reason in ("", "   ", "x" * 501):
        answer = await decide(finn, row, reason=reason)
        assert answer.status_code == 422 and "Say why in a sentence" in text(answer)
    assert "x" * 501 in answer.text
    assert (await only()).state == "open"


@pytest.mark.parametrize("nonsense", ["", "-1", "٣", "²", "1e3", "9" * 30, "x" * 2000])
async def test_nonsense_decides_nothing(world: World, nonsense: str):
    make(world)
    await compare()
    finn, row = await sign_in(world, "finance"), await only()
    assert (await decide(finn, row, version=nonsense)).status_code == 409
    for name in ("after", "watched", "done"):
        answer = await finn.page("/reconcile", params={name: nonsense})
        assert answer.status_code == 200
    for number in ("0", "999999", "9" * 25):
        path = f"/reconcile/{number}/acknowledge"
        answer = await finn.browser.post(path, data={"_csrf": finn.csrf, "reason": "x"})
        assert answer.status_code == 404
    assert (await only()).state == "open"


async def test_stripe_away_means_that_nothing_is_adopted(world: World):
    await orphan(world)
    await compare()
    finn, row = await sign_in(world, "finance"), await only()
    world.sandbox.fault("before", "500", method="GET", times=20)
    answer = await decide(finn, row, "adopt")
    assert answer.status_code == 503 and "Nothing was changed" in text(answer)
    assert (await only()).state == "open"


async def test_support_reads_and_compares_and_decides_nothing(world: World):
    make(world)
    await compare()
    ana, row = await sign_in(world), await only()
    page = await ana.page("/reconcile")
    assert "Compare now" in text(page) and "Decide" not in text(page)
    assert (await decide(ana, row)).status_code == 403
    assert (await only()).state == "open"


# One payment, from its page.


async def ask(person: Person, payment_id: int) -> httpx.Response:
    given = {"_csrf": person.csrf}
    path = f"/holds/{payment_id}/compare"
    return await person.browser.post(path, data=given, headers=person.headers)


async def test_one_payment_is_compared_from_its_page(world: World):
    booked = await world.book()
    payment = await world.payment(booked["id"])
    ana = await sign_in(world)
    answer = await ask(ana, payment.id)
    assert answer.status_code == 200 and "We and Stripe agree, asked " in text(answer)

    world.sandbox.stripe().v1.payment_intents.cancel(payment.stripe_intent_id)
    said = text(await ask(ana, payment.id))
    assert "Cancelled in Stripe's own dashboard" in said and "Status authorized released" in said
    assert (await world.payment(booked["id"])).payment_status == Status.RELEASED
    assert (await only()).state == "converged"
    assert "We and Stripe agree" in text(await ask(ana, payment.id))


async def test_one_payment_that_stripe_does_not_answer_for_is_left_as_it_is(world: World):
    payment = await world.payment((await world.book())["id"])
    ana = await sign_in(world)
    world.sandbox.fault("before", "500", method="GET", times=3)
    answer = await ask(ana, payment.id)
    assert answer.status_code == 503 and "can’t be reached" in text(answer).replace("'", "’")
    assert await ReconcileDifference.count() == 0


async def test_a_movement_under_way_is_no_difference(world: World):
    payment = await world.payment((await world.book())["id"])
    ana = await sign_in(world)
    world.sandbox.stripe().v1.payment_intents.capture(payment.stripe_intent_id)
    await Operation.update({"state": State.PLANNED, "open_for": payment.purchase}).where(
        (Operation.payment == payment.id) & (Operation.verb == Verb.AUTHORIZE)
    )
    assert "moving at this moment" in text(await ask(ana, payment.id))
    await compare()
    (run,) = await ReconcileRun.objects()
    assert run.under_way > 0 and await ReconcileDifference.count() == 0
