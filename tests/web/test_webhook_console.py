"""The messages from Stripe at the desk: found, read, rehearsed, and replayed by one at a time."""

import asyncio
import json
import uuid
from datetime import timedelta
from typing import Any

import pytest

from dashboard import clock, stripe_gateway
from dashboard.audit.record import Action
from dashboard.audit.tables import AuditEntry
from dashboard.bookings.tables import Booking
from dashboard.payments import inbox
from dashboard.payments.tables import PaymentEvent, StripeEvent
from dashboard.sandbox.signing import signature
from dashboard.stripe_gateway import StripeGateway
from jobs import nudges
from tests.web.desk import HTML, Person, hidden, sign_in, text
from tests.world import World

ERROR = "LookupError: a row that is gone"


async def _dead(world: World, state: str = "dead") -> tuple[dict[str, Any], str]:
    """A booking that was captured at Stripe, and the event of it that we have failed on."""
    booked = await world.book()
    world.sandbox.stripe().v1.payment_intents.capture(booked["stripe_intent_id"])
    held = [row for row in world.sandbox.deliveries("held") if row["type"] == "charge.captured"]
    await world.receive(held[-1]["body"].encode(), held[-1]["signature"])
    event_id = json.loads(held[-1]["body"])["id"]
    values = {"state": state, "due_at": None, "attempts": 3, "error": ERROR}
    await StripeEvent.update(values).where(StripeEvent.id == event_id)
    return booked, event_id


async def _press(person: Person, event_id: str, shown: int = 0) -> Any:
    given = {"_csrf": person.csrf, "shown": str(shown)}
    address = f"/webhooks/{event_id}/replay"
    return await person.browser.post(address, data=given, headers=person.headers)


async def _row(event_id: str) -> StripeEvent:
    row = await StripeEvent.objects().get(StripeEvent.id == event_id)
    assert row is not None
    return row


async def test_a_dead_letter_is_rehearsed_and_replayed_and_the_page_says_how_it_went(world: World):
    booked, event_id = await _dead(world)
    ana = await sign_in(world)
    listed = text(await ana.page("/webhooks"))
    assert "Stripe reached us under" not in listed and "ago; 1 is dead" in listed
    assert "Dead LookupError: a row that is gone" in listed
    page = text(await ana.page(f"/webhooks/{event_id}"))
    assert "charge.captured: dead after 3 tries" in page and f"#{booked['id']}" in page
    told = text(await ana.page(f"/webhooks/{event_id}/dry-run"))
    assert "A replay would change 8 columns and write 1 line into the story." in told
    assert "Captured $0.00 $96.00" in told and "Captured $96.00" in told
    assert await world.story(booked["id"]) == ["authorized"]
    world.sandbox.control("DELETE", "requests")
    answer = await _press(ana, event_id)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/webhooks/{event_id}")
    waiting = await ana.page(f"/webhooks/{event_id}")
    assert "Replayed by Ana" in text(waiting) and 'hx-trigger="every 2s"' in waiting.text
    await inbox.handle(event_id)
    # A replay reads. What was taken, was taken before.
    assert world.sandbox.requests() == []
    done = await ana.page(f"/webhooks/{event_id}")
    assert "Handled" in text(done) and "hx-trigger" not in done.text
    assert "Nothing: we have it all." in text(await ana.page(f"/webhooks/{event_id}/dry-run"))
    assert await world.story(booked["id"]) == ["authorized", "captured"]


async def test_a_replay_nudges_the_worker(world: World, monkeypatch: pytest.MonkeyPatch):
    _, event_id = await _dead(world)
    ana, put = await sign_in(world), []
    monkeypatch.setattr(nudges, "_put", lambda name, row: put.append((name, row)))
    await _press(ana, event_id)
    assert put == [("handle_at_once", event_id)]
    assert (await _press(ana, event_id, shown=5)).status_code == 409
    assert len(put) == 1


async def test_the_second_of_two_people_is_told_who_and_when(world: World):
    _, event_id = await _dead(world)
    ana, ben = await sign_in(world), await sign_in(world, "finance", "Ben")
    assert (await _press(ana, event_id)).status_code == 303
    refused = await _press(ben, event_id)
    assert refused.status_code == 409
    assert "Ana replayed this" in text(refused) and "it is being handled" in text(refused)
    await inbox.handle(event_id)
    refused = await _press(ben, event_id)
    assert refused.status_code == 409
    assert "Ana replayed this" in text(refused) and "Look how it stands" in text(refused)
    assert (await _row(event_id)).replays == 1
    # Having looked, Ben may.
    assert (await _press(ben, event_id, shown=1)).status_code == 303
    assert ((await _row(event_id)).replays, (await _row(event_id)).replayed_by) == (2, "Ben")


async def test_a_double_click_is_one_replay(world: World):
    _, event_id = await _dead(world)
    ana = await sign_in(world)
    answers = await asyncio.gather(*(_press(ana, event_id) for _ in range(4)))
    assert [answer.status_code for answer in answers] == [303] * 4
    assert (await _row(event_id)).replays == 1
    assert await AuditEntry.count().where(AuditEntry.action == Action.REPLAY) == 1


@pytest.mark.parametrize(("state", "said"), [("waiting", "Next try"), ("ignored", "aren’t read")])
async def test_what_can_not_be_replayed_has_no_button_and_says_why(
    world: World, state: str, said: str
):
    _, event_id = await _dead(world, state)
    ana = await sign_in(world)
    assert "Replay this event" not in text(await ana.page(f"/webhooks/{event_id}"))
    refused = await _press(ana, event_id)
    assert (refused.status_code, said in text(refused)) == (409, True)


async def test_only_who_may_replay_sees_how(world: World):
    _, event_id = await _dead(world)
    for role in ("viewer", "support", "finance", "admin"):
        person = await sign_in(world, role, role)
        page = text(await person.page(f"/webhooks/{event_id}"))
        dead = text(await person.page("/webhooks?view=dead"))
        may = role != "viewer"
        assert ("Replay this event" in page) == ("Do a dry run" in page) == may
        assert ("Replay all dead" in dead) == may
    viewer = await sign_in(world, "viewer", "Vic")
    assert (await _press(viewer, event_id)).status_code == 403
    assert (await viewer.page(f"/webhooks/{event_id}/dry-run")).status_code == 403
    assert (await _row(event_id)).replays == 0


async def test_who_replayed_what_is_in_the_audit(world: World):
    _, event_id = await _dead(world)
    ana, finn = await sign_in(world), await sign_in(world, "finance", "Finn")
    await _press(ana, event_id)
    (entry,) = await AuditEntry.objects().where(AuditEntry.action == Action.REPLAY)
    assert (entry.actor, entry.subject) == ("Ana", f"/webhooks/{event_id}")
    assert json.loads(entry.detail) == {"was": "dead", "error": ERROR}
    page = await finn.page("/audit?what=decisions")
    assert "Replayed a message from Stripe" in text(page)
    assert f'href="/webhooks/{event_id}"' in page.text


async def test_a_replay_that_the_audit_can_not_hold_has_not_happened(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    from dashboard.audit import record

    async def full(*_: Any, **__: Any) -> None:
        raise RuntimeError("no room")

    _, event_id = await _dead(world)
    ana = await sign_in(world)
    monkeypatch.setattr(record, "write", full)
    assert (await _press(ana, event_id)).status_code == 500
    assert ((await _row(event_id)).state, (await _row(event_id)).replays) == ("dead", 0)


BAD = ["evt_nothing", "%00", "evt_%00", "%ED%A0%80", "%FF", "x" * 3000, "..%2f..", "1%27--", "%20"]


@pytest.mark.parametrize("bad", BAD, ids=range(len(BAD)))
async def test_an_id_of_no_event_is_not_found_on_any_page(world: World, bad: str):
    ana = await sign_in(world)
    for path in (f"/webhooks/{bad}", f"/webhooks/{bad}/dry-run"):
        assert (await ana.page(path)).status_code == 404, path
    assert (await _press(ana, bad)).status_code == 404


@pytest.mark.parametrize("shown", ["", "-1", "x", "9" * 400, "²"])
async def test_a_form_that_no_page_of_ours_made_replays_nothing(world: World, shown: str):
    _, event_id = await _dead(world)
    ana = await sign_in(world)
    given = {"_csrf": ana.csrf, "shown": shown}
    answer = await ana.browser.post(f"/webhooks/{event_id}/replay", data=given, headers=HTML)
    assert answer.status_code == 409
    assert (await _row(event_id)).replays == 0


async def test_with_stripe_away_the_page_stays_readable(world: World):
    booked, event_id = await _dead(world)
    ana = await sign_in(world)
    world.sandbox.fault("before", "500", "/v1/payment_intents/*", method="GET", times=3)
    away = await ana.page(f"/webhooks/{event_id}/dry-run")
    assert away.status_code == 503
    assert "Stripe can’t be reached right now. Nothing was moved by asking" in text(away)
    assert "dead after 3 tries" in text(away) and f"#{booked['id']}" in text(away)
    await StripeEvent.update({"intent_id": "pi_gone"}).where(StripeEvent.id == event_id)
    payment = await world.payment(booked["id"])
    payment.stripe_intent_id = "pi_gone"
    await payment.save()
    gone = await ana.page(f"/webhooks/{event_id}/dry-run")
    assert (gone.status_code, "Stripe knows no such object" in text(gone)) == (200, True)


async def test_an_orphan_says_what_stripe_knows_of_it(world: World):
    made = world.sandbox.stripe().v1.payment_intents.create(
        {"amount": 5000, "currency": "usd", "metadata": {"operation_id": str(uuid.uuid4())}}
    )
    await world.deliver()
    row = await StripeEvent.objects().get(StripeEvent.intent_id == made.id)
    assert row is not None and row.state == "orphan"
    ana = await sign_in(world)
    assert "Orphan: unknown intent" in text(await ana.page("/webhooks?view=orphan"))
    told = text(await ana.page(f"/webhooks/{row.id}/dry-run"))
    assert "which is none of ours" in told and "A replay would leave it an orphan" in told
    assert f"Stripe now: {made.id} of $50.00, requires payment method." in told


async def _email(booking_id: int) -> str:
    row = await Booking.select(Booking.student.email.as_alias("email")).where(
        Booking.id == booking_id
    )
    return str(row[0]["email"])


async def test_events_are_found_by_all_that_names_them(world: World):
    booked, event_id = await _dead(world)
    other = await world.book()
    await world.deliver()
    ana = await sign_in(world)
    row = await _row(event_id)
    operation = (await world.operations(booked["id"]))[0].id
    mine = {
        one.id for one in await StripeEvent.objects() if one.intent_id == booked["stripe_intent_id"]
    }
    assert len(mine) > 2
    email = await _email(booked["id"])
    for q, found in (
        (event_id, {event_id}),
        (booked["stripe_intent_id"], mine),
        (f"#{booked['id']}", mine),
        (email, mine),
        (operation, mine),
    ):
        page = await ana.page("/webhooks", params={"q": q})
        assert {one for one in mine if one in page.text} == found, q
        assert other["stripe_intent_id"] not in page.text, q
    assert event_id in (await ana.page("/webhooks", params={"q": row.object_id})).text
    for nothing in ("evt_nothing", "%", "<b>", "x" * 5000, "#0", "@", "\ufffd"):
        page = await ana.page("/webhooks", params={"q": nothing, "after": nothing, "view": "x"})
        assert page.status_code == 200, nothing
    assert "No event matches “&lt;b&gt;”" in (await ana.page("/webhooks?q=<b>")).text
    hold = await ana.page(f"/holds/{(await world.payment(booked['id'])).id}")
    assert f'href="/webhooks?q={booked["stripe_intent_id"]}"' in hold.text


async def test_all_that_is_dead_is_replayed_once_after_a_review(world: World):
    dead = [(await _dead(world))[1] for _ in range(3)]
    ana = await sign_in(world)
    ben = await sign_in(world, "finance", "Ben")
    page = await ana.page("/webhooks/replay-dead")
    assert "3 dead events would be handled once more" in text(page)
    assert [one in page.text for one in dead] == [True] * 3
    assert [(await _row(one)).replays for one in dead] == [0, 0, 0]
    given = {"_csrf": hidden(page, "_csrf"), "event": [f"0:{one}" for one in dead]}
    await _press(ben, dead[1])
    world.sandbox.control("DELETE", "requests")
    for replayed, missed in ((2, 1), (0, 3)):
        answer = await ana.browser.post("/webhooks/replay-dead", data=given, headers=HTML)
        where = f"/webhooks?view=dead&replayed={replayed}&missed={missed}"
        assert (answer.status_code, answer.headers["Location"]) == (303, where)
    rows = [await _row(one) for one in dead]
    assert [(row.replays, row.replayed_by) for row in rows] == [(1, "Ana"), (1, "Ben"), (1, "Ana")]
    assert await AuditEntry.count().where(AuditEntry.action == Action.REPLAY) == 3
    told = text(await ana.page("/webhooks?view=dead&replayed=2&missed=1"))
    assert "2 events are handled once more. 1 had been replayed by somebody else." in told
    for one in dead:
        await inbox.handle(one)
    assert await PaymentEvent.count().where(PaymentEvent.kind == "captured") == 3
    assert world.sandbox.requests() == []
    assert "No event is dead" in text(await ana.page("/webhooks/replay-dead"))


async def test_no_more_than_a_hundred_are_replayed_at_a_time(world: World):
    for number in range(103):
        notice = inbox.Notice(f"evt_{number:03d}", "charge.captured", 1, "", None, None, False, "")
        await inbox.keep(notice)
    await StripeEvent.update({"state": "dead"}, force=True)
    ana = await sign_in(world)
    page = await ana.page("/webhooks/replay-dead")
    assert "103 are dead; these came first" in text(page)
    assert page.text.count('name="event"') == 100
    every = [f"0:evt_{number:03d}" for number in range(103)] + ["nonsense"]
    given = {"_csrf": ana.csrf, "event": every}
    answer = await ana.browser.post("/webhooks/replay-dead", data=given, headers=HTML)
    assert answer.headers["Location"] == "/webhooks?view=dead&replayed=100&missed=0"
    nonsense = {"_csrf": ana.csrf, "event": ["0:evt_\ufffd", "nonsense", "", "-1:evt_102"]}
    answer = await ana.browser.post("/webhooks/replay-dead", data=nonsense, headers=HTML)
    assert answer.headers["Location"] == "/webhooks?view=dead&replayed=0&missed=4"


async def test_an_event_tells_which_secret_it_was_signed_with_and_how_often_it_came(world: World):
    gateway: StripeGateway = stripe_gateway.gateway()
    body = json.dumps(
        {
            "id": "evt_twice",
            "type": "customer.created",
            "created": int(clock.now().timestamp()) - 90,
            "data": {"object": {"id": "cus_1", "object": "customer"}},
        }
    ).encode()
    gateway._secrets = ("whsec_old", "whsec_new")
    for new in (True, False):
        answer = await world.receive(body, signature("whsec_new", body))
        assert answer.json() == {"received": True, "new": new}
    assert ((await _row("evt_twice")).signed_with, (await _row("evt_twice")).deliveries) == (2, 2)
    ana = await sign_in(world)
    page = text(await ana.page("/webhooks/evt_twice"))
    assert "1 min later" in page and "2 deliveries of it in all" in page
    assert "Ignored: a type we don’t read" in page and "Do a dry run" not in page
    assert "came 2 times" in text(await ana.page("/webhooks"))
    assert "aren’t read" in text(await ana.page("/webhooks/evt_twice/dry-run"))


async def test_the_heading_tells_what_is_not_done(world: World):
    ana = await sign_in(world)
    assert "Stripe has not reached us yet" in text(await ana.page("/webhooks"))
    await _dead(world, "handled")
    await world.advance(timedelta(seconds=40))
    assert "Stripe reached us 40 s ago; nothing waits" in text(await ana.page("/webhooks"))
    await _dead(world)
    _, event_id = await _dead(world, "waiting")
    due = clock.now() + timedelta(hours=1)
    await StripeEvent.update({"due_at": due}).where(StripeEvent.id == event_id)
    page = text(await ana.page("/webhooks"))
    assert "ago; 1 event waits, 1 is dead" in page and "Waiting, next try" in page
    # One that was backed off for an hour is not looked at every two seconds.
    assert "hx-trigger" not in (await ana.page(f"/webhooks/{event_id}")).text
