"""What an open page is told when it asks: nothing new, or all that it shows."""

import re
import uuid
from datetime import timedelta
from html import unescape

import httpx
import pytest

from dashboard import clock
from dashboard.payments import actions
from dashboard.payments.actions import Wish
from dashboard.payments.errors import OutcomeUnknown
from dashboard.payments.facts import Verb
from dashboard.staff import auth
from dashboard.staff.tables import StaffSession
from dashboard.support import notes, versions
from tests.web.desk import Person, sign_in, text
from tests.world import ANA, World

LOOK = {"HX-Request": "true", "X-Look": "1", "Accept": "text/html"}


async def look(ana: Person, path: str, tag: str) -> httpx.Response:
    return await ana.browser.get(path, headers=LOOK | {"If-None-Match": tag})


def tag_of(answer: httpx.Response) -> str:
    match = re.search(r'data-live="([^"]*)"', answer.text)
    assert match
    return unescape(match[1])


async def capture(world: World, booking: int) -> None:
    payment = await world.payment(booking)
    await actions.perform(Wish(Verb.CAPTURE, payment.purchase, str(uuid.uuid4()), ANA, payment.id))


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time stands, so that nothing changes by it."""
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now)


@pytest.mark.usefixtures("still")
@pytest.mark.parametrize("page", ["/holds", "/holds?view=all&q=maya", "/holds/{}", "/calendar"])
async def test_an_unchanged_page_is_answered_in_a_word_and_a_changed_one_wholly(
    world: World, page: str
):
    booked = await world.book()
    ana = await sign_in(world)
    path = page.format((await world.payment(booked["id"])).id)
    tag = tag_of(await ana.page(path))
    same = await look(ana, path, tag)
    assert (same.status_code, same.content) == (304, b"")
    assert same.headers["X-As-Of"] and same.headers["X-CSRF-Token"] == ana.csrf
    await capture(world, booked["id"])
    changed = await look(ana, path, tag)
    assert changed.status_code == 200 and "<html" not in changed.text
    assert tag_of(changed) != tag
    assert 'id="fresh"' in changed.text, "the header's ages are brought up to date as well"
    if "q=" in path:
        assert "$96.00 paid" in changed.text


@pytest.mark.usefixtures("still")
async def test_everything_that_a_hold_s_page_shows_changes_its_version(world: World):
    booked = await world.book()
    payment = await world.payment(booked["id"])
    seen = [await versions.of_payment(payment.id, clock.now())]

    async def changed() -> None:
        seen.append(await versions.of_payment(payment.id, clock.now()))
        assert seen[-1] != seen[-2]

    await notes.write(payment.purchase, payment.id, "She called.", ANA, "a")
    await changed()
    ana = await sign_in(world)
    ticket = {"_csrf": ana.csrf, "key": str(uuid.uuid4()), "subject": "Where is it?"}
    ticket |= {"body": "She asks.", "topic": "hold", "about": f"#{booked['id']}"}
    made = await ana.browser.post("/tickets/new", data=ticket, headers=ana.headers)
    assert made.status_code == 303, text(made)
    await changed()
    world.sandbox.fault("before", "drop", "/v1/payment_intents/*/capture")
    with pytest.raises(OutcomeUnknown):
        await capture(world, booked["id"])
    await changed()
    await world.tick()
    assert await versions.of_payment(payment.id + 1, clock.now()) != seen[-1]


@pytest.mark.usefixtures("still")
async def test_a_movement_under_way_is_seen_on_the_queue_by_everybody_without_money_buttons(
    world: World,
):
    booked = await world.book()
    ana = await sign_in(world)
    tag = tag_of(await ana.page("/holds"))
    world.sandbox.fault("before", "drop", "/v1/payment_intents/*/capture")
    with pytest.raises(OutcomeUnknown):
        await capture(world, booked["id"])
    changed = await look(ana, "/holds", tag)
    assert changed.status_code == 200
    assert "We don't know yet" in text(changed)
    assert f"/holds/{(await world.payment(booked['id'])).id}/capture" not in changed.text


async def test_a_minute_later_the_countdowns_are_told_anew(world: World):
    await world.book()
    ana = await sign_in(world)
    tag = tag_of(await ana.page("/holds"))
    await world.advance(timedelta(minutes=1))
    assert (await look(ana, "/holds", tag)).status_code == 200


@pytest.mark.usefixtures("still")
async def test_another_session_s_page_is_another_version(world: World):
    await world.book()
    tag = tag_of(await (await sign_in(world)).page("/holds"))
    vera = await sign_in(world, "viewer", "Vera")
    answer = await look(vera, "/holds", tag)
    assert answer.status_code == 200
    assert "Capture $96.00" not in text(answer)


async def test_an_open_page_keeps_nobody_signed_in(world: World):
    ana = await sign_in(world)
    ago = clock.wall() - auth.IDLE_LIMIT + timedelta(minutes=5)
    await StaffSession.update({"seen_at": ago}, force=True)
    assert (await look(ana, "/holds", "")).status_code == 200
    [session] = await StaffSession.objects()
    assert session.seen_at == ago
    assert (await ana.page("/holds")).status_code == 200
    [session] = await StaffSession.objects()
    assert session.seen_at > ago
    await StaffSession.update({"seen_at": clock.wall() - auth.IDLE_LIMIT}, force=True)
    assert (await look(ana, "/holds", "")).status_code == 401


async def test_a_look_never_leads_elsewhere_and_a_person_s_search_still_does(world: World):
    booked = await world.book()
    ana = await sign_in(world)
    path = f"/holds?q=%23{booked['id']}"
    assert (await ana.page(path)).status_code == 303
    assert (await look(ana, path, "")).status_code == 200


async def test_a_nonsense_tag_and_an_unknown_hold_are_answered(world: World):
    ana = await sign_in(world)
    for tag in ("*", '"', 'W/"x"', "x" * 5000):
        assert (await look(ana, "/holds", tag)).status_code == 200
    for number in ("999999", str(2**62), str(2**63), "9" * 40):
        assert (await look(ana, f"/holds/{number}", "")).status_code == 404
    assert (await ana.page("/holds")).status_code == 200
