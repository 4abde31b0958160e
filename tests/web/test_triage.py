"""Triage: one payment a screen, snoozes that end in time, and a sentence about the sitting."""

import re
import uuid
from datetime import datetime, timedelta
from html import unescape

import httpx
import pytest

from dashboard import clock
from dashboard.audit.tables import AuditEntry
from dashboard.payments import settle
from dashboard.payments.tables import Payment, Purchase
from dashboard.support import snoozes, triage
from dashboard.support.tables import Snooze
from tests.web.desk import Person, hidden, sign_in, text
from tests.web.test_desk_disputes import captured, dispute, move
from tests.world import World

HOUR = timedelta(hours=1)
WHY = "She calls back at noon."


async def needs(world: World, hours: float, code: str = "keeps_failing", **more: object) -> int:
    """A hold that ends in so many hours and needs a person; its payment's id."""
    world.sandbox.next_authorization(hours * 3600)
    booked = await world.book(**more)
    payment = await world.payment(booked["id"])
    await Purchase.update({"attention": code, "attention_since": clock.now()}).where(
        Purchase.id == payment.purchase
    )
    return int(payment.id)


async def snooze(
    ana: Person, payment_id: int, end: datetime, reason: str = WHY, **more: str
) -> httpx.Response:
    given = {"_csrf": ana.csrf, "key": str(uuid.uuid4()), "choice": end.isoformat()}
    given |= {"reason": reason} | more
    path = f"/holds/{payment_id}/snoozes"
    return await ana.browser.post(path, data=given, headers=ana.headers)


async def start(ana: Person) -> httpx.Response:
    answer = await ana.page("/triage")
    assert answer.status_code == 303, text(answer)
    return await ana.page(answer.headers["location"])


def next_of(answer: httpx.Response) -> str:
    match = re.search(r'id="next" href="([^"]*)"', answer.text)
    assert match, text(answer)
    return unescape(match[1])


def shown(answer: httpx.Response) -> int:
    match = re.search(r'class="number" href="/holds/(\d+)"', answer.text)
    assert match, text(answer)
    return int(match[1])


async def test_the_payments_that_need_a_person_come_one_by_one_in_order_of_expiry(world: World):
    late = await needs(world, 30)
    soon = await needs(world, 5, student={"name": "Leo", "email": "leo@example.test"})
    calm = await world.book(student={"name": "Ada", "email": "ada@example.test"})
    ana = await sign_in(world)
    first = await start(ana)
    assert shown(first) == soon
    assert "1 of 2 that need a person" in text(first)
    assert "Why is this still held?" in text(first) and 'class="fuse' in first.text
    assert "Reserved" in text(first), "the last of what happened"
    second = await ana.page(next_of(first))
    assert shown(second) == late
    assert "2 of 2 that need a person" in text(second)
    end = await ana.page(next_of(second))
    assert "You moved nothing and snoozed nothing; 2 are left, the first due" in text(end)
    assert f"/holds/{(await world.payment(calm['id'])).id}" not in end.text


async def test_all_of_it_works_without_scripts_and_the_last_screen_adds_up_the_rows(world: World):
    names = [{"name": name, "email": f"{name}@example.test"} for name in ("a", "b", "c", "d")]
    first, second, third, fourth = [
        await needs(world, 5 + number, student=name) for number, name in enumerate(names)
    ]
    ana = await sign_in(world)
    page = await start(ana)
    for payment_id, verb, more in (
        (first, "capture", {}),
        (second, "release", {"reason": "requested_by_customer"}),
    ):
        assert shown(page) == payment_id
        link = re.search(rf'id="{verb}-\d+" href="([^"]*)"', page.text)
        assert link
        form = await ana.page(unescape(link[1]))
        given = {name: hidden(form, name) for name in ("_csrf", "operation", "most", "agreed")}
        given |= {name: hidden(form, name) for name in ("authorized", "captured", "refunded")}
        given |= {"back": hidden(form, "back"), "scope": "all"} | more
        sent = await ana.send(payment_id, verb, given)
        assert sent.status_code == 303
        back = await ana.page(sent.headers["location"])
        assert shown(back) == payment_id and "This needs nobody any more." in text(back)
        # What the nudge does a moment later.
        await settle.settle((await Payment.objects().get(Payment.id == payment_id)).purchase)
        page = await ana.page(next_of(back))
    assert shown(page) == third
    left = await snooze(ana, third, clock.now() + HOUR, back=next_of(page))
    assert left.status_code == 303
    page = await ana.page(left.headers["location"])
    assert shown(page) == fourth
    end = await ana.page(next_of(page))
    did = r"You captured 1 \(\$96\.00\), released 1, snoozed 1; "
    left_over = r"1 is left, due \w{3} \d+ \w{3} \d\d:\d\d\."
    assert re.search(did + left_over, text(end)), text(end)
    for payment_id in (first, second, third):
        assert f'href="/holds/{payment_id}"' in end.text
    vera = await sign_in(world, "support", "Ben")
    other = await vera.page("/triage/done?since=" + str(int((clock.now() - HOUR).timestamp())))
    assert "You moved nothing and snoozed nothing; 1 is left" in text(other)


async def test_a_snoozed_hold_is_left_out_of_triage_only(world: World):
    hold = await needs(world, 20)
    ana = await sign_in(world)
    until = clock.now() + 4 * HOUR
    assert (await snooze(ana, hold, until)).status_code == 303
    assert await triage.waiting(clock.now()) == []
    end = await ana.page((await ana.page("/triage")).headers["location"])
    assert "nothing is left." in text(end)
    queue = await ana.page("/holds?view=person")
    assert f'id="hold-{hold}"' in queue.text
    assert re.search(rf"Snoozed until .* by Ana: {WHY}", text(queue))
    page = await ana.page(f"/holds/{hold}")
    assert text(page).count(WHY) == 2, "above its actions, and in its story"
    assert f"/holds/{hold}/capture" in page.text
    [row] = await Snooze.objects()
    assert (row.author, row.payment, row.reason) == ("Ana", hold, WHY)
    decisions = AuditEntry.objects().where(AuditEntry.subject == f"/holds/{hold}/snoozes")
    assert [one.actor for one in await decisions] == ["Ana"]


async def test_a_snooze_ends_by_itself_and_with_every_change_of_what_it_was_for(world: World):
    hold = await needs(world, 20)
    ana = await sign_in(world)
    await snooze(ana, hold, clock.now() + 4 * HOUR)
    assert await snoozes.standing([hold], clock.now())
    assert await snoozes.standing([hold], clock.now() + 4 * HOUR) == {}
    payment = await Payment.objects().get(Payment.id == hold)
    its = Purchase.id == payment.purchase
    await Purchase.update({"attention": "disputed"}).where(its)
    assert [one.payment_id for one in await triage.waiting(clock.now())] == [hold]
    await Purchase.update({"attention": "keeps_failing"}).where(its)
    assert await triage.waiting(clock.now()) == []
    await Payment.update({"payment_status": "released"}).where(Payment.id == hold)
    await Purchase.update({"owed": 9600}).where(its)
    assert [one.payment_id for one in await triage.waiting(clock.now())] == [hold]


async def test_a_snooze_says_nothing_about_the_same_trouble_when_it_comes_anew(world: World):
    hold = await needs(world, 20)
    ana = await sign_in(world)
    await snooze(ana, hold, clock.now() + 4 * HOUR)
    assert await triage.waiting(clock.now()) == []
    payment = await Payment.objects().get(Payment.id == hold)
    its = Purchase.id == payment.purchase
    await Purchase.update({"attention": None, "attention_since": None}).where(its)
    await world.advance(HOUR / 4)
    again = {"attention": "keeps_failing", "attention_since": clock.now()}
    await Purchase.update(again).where(its)
    assert [one.payment_id for one in await triage.waiting(clock.now())] == [hold]


async def test_a_bank_that_takes_what_it_only_asked_about_wakes_a_snoozed_payment(world: World):
    paid = await captured(world)
    opened = await dispute(world, paid, inquiry=True)
    await world.tick()
    ana = await sign_in(world)
    assert (await snooze(ana, paid, clock.now() + 4 * HOUR)).status_code == 303
    await world.advance(HOUR / 4)
    await world.tick()
    assert await triage.waiting(clock.now()) == []
    await move(world, opened, "needs_response")
    await world.tick()
    assert [one.payment_id for one in await triage.waiting(clock.now())] == [paid]
    # It can be left for later again, knowing that.
    assert (await snooze(ana, paid, clock.now() + 4 * HOUR)).status_code == 303
    assert await triage.waiting(clock.now()) == []


async def test_no_snooze_reaches_into_the_last_two_hours_of_a_hold(world: World):
    hold = await needs(world, 5)
    ana = await sign_in(world)
    expires = (await Payment.objects().get(Payment.id == hold)).authorization_expires_at
    late = await snooze(ana, hold, expires - 2 * HOUR + timedelta(seconds=1))
    assert late.status_code == 422
    assert re.search(r"Choose \w{3} .* or earlier\.", text(late))
    assert WHY in text(late), "what was typed is kept"
    assert await Snooze.count() == 0
    assert (await snooze(ana, hold, expires - 2 * HOUR)).status_code == 303
    # An end that has come nearer since wakes it in time as well.
    await Payment.update({"authorization_expires_at": clock.now() + 2 * HOUR}).where(
        Payment.id == hold
    )
    assert [one.payment_id for one in await triage.waiting(clock.now())] == [hold]
    again = await snooze(ana, hold, clock.now() + timedelta(minutes=5))
    assert again.status_code == 422
    assert "It ends too soon to be left for later. Decide it now." in text(again)
    form = await ana.page(f"/holds/{hold}/snooze")
    assert (form.status_code, "Decide it now." in text(form)) == (200, True)
    assert 'id="movement-form"' not in form.text


async def test_what_holds_nothing_can_wait_a_week_at_most_and_an_answer_until_a_day_before(
    world: World,
):
    hold = await needs(world, 30, "refund_failed")
    ana = await sign_in(world)
    its = Payment.id == hold
    await Payment.update({"payment_status": "captured"}).where(its)
    assert (await snooze(ana, hold, clock.now() + timedelta(days=7, minutes=1))).status_code == 422
    assert (await snooze(ana, hold, clock.now() + timedelta(days=6))).status_code == 303
    answer = {"disputed_amount": 9600, "dispute_due_at": clock.now() + 30 * HOUR}
    await Payment.update(answer).where(its)
    assert (await snooze(ana, hold, clock.now() + 7 * HOUR)).status_code == 422
    assert (await snooze(ana, hold, clock.now() + 5 * HOUR)).status_code == 303


async def test_the_same_form_snoozes_once_and_a_later_one_takes_its_place(world: World):
    hold = await needs(world, 20)
    ana = await sign_in(world)
    key, until = str(uuid.uuid4()), clock.now() + 4 * HOUR
    for _ in range(2):
        assert (await snooze(ana, hold, until, key=key)).status_code == 303
    assert await Snooze.count() == 1
    other = await snooze(ana, hold, until, "Another reason", key=key)
    assert (other.status_code, "This form snoozed it before" in text(other)) == (422, True)
    await snooze(ana, hold, clock.now() + HOUR, "Sooner, then.")
    [standing] = (await snoozes.standing([hold], clock.now())).values()
    assert standing.reason == "Sooner, then."


@pytest.mark.parametrize(
    "given",
    [
        {"choice": ""},
        {"choice": "other"},
        {"choice": "other", "until": "yesterday"},
        {"choice": "other", "until": "2020-01-01T10:00"},
        {"choice": "other", "until": "9999-12-31T23:59"},
        {"choice": "0001-01-01T00:00:00+14:00"},
        {"choice": "9999-12-31T23:59:59-14:00"},
        {"choice": "2027-01-01T00:00:00"},
        {"choice": "nonsense\ud800".encode("utf-8", "replace").decode()},
        {"reason": " "},
        {"reason": "x" * 401},
        {"reason": "a\u202eb"},
    ],
)
async def test_bad_input_is_answered_at_its_field_and_kept(world: World, given: dict[str, str]):
    hold = await needs(world, 20)
    ana = await sign_in(world)
    until = given.pop("choice", (clock.now() + HOUR).isoformat())
    answer = await snooze(ana, hold, clock.now(), choice=until, **given)
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.text
    assert unescape(given.get("reason", WHY)).strip() in unescape(answer.text)
    assert await Snooze.count() == 0


async def test_nonsense_in_the_address_begins_anew_or_is_not_found(world: World):
    hold = await needs(world, 20)
    ana = await sign_in(world)
    for path in ("?since=x", "?since=" + "9" * 40, "?since=-1", "?since=0", "?since=1&since=2"):
        assert (await ana.page(f"/triage{path}")).status_code == 303
        assert (await ana.page(f"/triage/done{path}")).status_code == 200
        assert (await ana.page(f"/triage{path}&hold={hold}")).status_code == 200
    for number in ("999999", "x", "-1", "9" * 40, "²"):
        assert (await ana.page(f"/triage?hold={number}")).status_code == 404
    for back in ("https://evil.test/", "//evil.test", "/triage?x=\r\nSet-Cookie: a", "/holds"):
        sent = await snooze(ana, hold, clock.now() + HOUR, back=back)
        assert sent.headers["location"] == f"/holds/{hold}"


async def test_a_payment_that_somebody_else_is_moving_shows_so_and_offers_no_money(world: World):
    hold = await needs(world, 20)
    ana, ben = await sign_in(world), await sign_in(world, "support", "Ben")
    page = await start(ana)
    world.sandbox.fault("before", "drop", "/v1/payment_intents/*/capture")
    assert (await ben.move(hold, "capture")).status_code == 202
    again = await ana.page(f"/triage?hold={hold}")
    assert "We don't know yet" in text(again)
    for verb in ("capture", "release", "snooze"):
        assert f"/holds/{hold}/{verb}" in page.text
        assert f"/holds/{hold}/{verb}" not in again.text


async def test_a_viewer_goes_through_it_without_a_button_that_moves_anything(world: World):
    hold = await needs(world, 20)
    vera = await sign_in(world, "viewer", "Vera")
    page = await start(vera)
    assert shown(page) == hold
    for verb in ("capture", "release", "snooze"):
        assert f"/holds/{hold}/{verb}" not in page.text
    assert (await snooze(vera, hold, clock.now() + HOUR)).status_code == 403


async def test_what_needs_nobody_can_t_be_snoozed(world: World):
    booked = await world.book()
    ana = await sign_in(world)
    payment = (await world.payment(booked["id"])).id
    answer = await snooze(ana, payment, clock.now() + HOUR)
    assert answer.status_code == 422
    assert "This needs nobody any more" in text(answer)
