"""The queue: order, views, filters, search, paging, and words for when there is nothing."""

import re
from datetime import timedelta
from typing import Any

import pytest

from dashboard import clock
from dashboard.bookings import queue
from dashboard.payments.tables import Payment, Purchase
from tests.web.desk import Person, sign_in, text
from tests.world import World

HOUR = timedelta(hours=1)


async def hold_for(world: World, life: timedelta, name: str = "Maya Chen", **more: Any) -> int:
    world.sandbox.next_authorization(life.total_seconds())
    starts = more.pop("starts_in", HOUR) + timedelta(minutes=await world.bookings())
    email = f"{name.split()[0].lower()}@example.test"
    booking = await world.book(student={"name": name, "email": email}, starts_in=starts, **more)
    return int((await world.payment(booking["id"])).id)


def rows(page: str) -> list[int]:
    return [int(found) for found in re.findall(r'id="hold-(\d+)"', page)]


async def ids(person: Person, query: str = "") -> list[int]:
    answer = await person.page(f"/holds{query}")
    assert answer.status_code == 200
    return rows(answer.text)


async def test_1_the_next_to_expire_comes_first(world: World):
    late = await hold_for(world, 90 * HOUR)
    soon = await hold_for(world, 1.5 * HOUR, starts_in=timedelta(minutes=1))
    day = await hold_for(world, 20 * HOUR, starts_in=HOUR)
    ana = await sign_in(world, "viewer")
    answer = await ana.page("/holds")
    assert rows(answer.text) == [soon, day, late]
    assert 'class="countdown critical">1 h 29 min<' in answer.text
    assert 'class="countdown urgent">19 h 59 min<' in answer.text
    assert 'class="countdown calm">3 d 17 h<' in answer.text
    assert re.search(r"<time[^>]*>[A-Z][a-z]{2} \d+ [A-Z][a-z]{2} \d\d:\d\d UTC", answer.text)


async def test_2_heading_counts_and_rows_agree(world: World):
    await hold_for(world, 5 * HOUR, starts_in=HOUR)
    await hold_for(world, 6 * HOUR, starts_in=HOUR, instructor_id=world.catalog.jpy)
    await hold_for(world, 90 * HOUR)
    await world.post_booking(payment_method="pm_card_chargeDeclined")
    ana = await sign_in(world)
    said = text(await ana.page("/holds"))
    assert "2 holds worth $96.00 and ¥9,600 expire in the next 24 hours" in said
    for words in ("Expiring 2", "Needs a person 0", "All open 3", "Failed 1", "Everything 4"):
        assert words in said
    assert len(await ids(ana, "?view=expiring")) == 2
    assert len(await ids(ana, "?view=open")) == 3
    assert len(await ids(ana, "?view=failed")) == 1
    assert len(await ids(ana, "?view=all")) == 4
    assert len(await ids(ana, "?status=failed")) == 1
    assert len(await ids(ana, "?expires=24h")) == 2


async def test_an_hour_of_the_strip_leads_to_its_rows(world: World):
    wanted = await hold_for(world, 5 * HOUR, starts_in=HOUR)
    await hold_for(world, 9 * HOUR, starts_in=HOUR)
    ana = await sign_in(world)
    page = (await ana.page("/holds")).text
    link = re.search(r'href="(/holds\?view=expiring&amp;expires=[^"]+)"', page)
    assert link
    assert rows((await ana.page(link[1].replace("&amp;", "&"))).text) == [wanted]


async def test_money_at_risk_is_said(world: World):
    risky = await hold_for(world, 5 * HOUR, starts_in=HOUR)
    await hold_for(world, 6 * HOUR, starts_in=HOUR)
    books = (await queue.listed(queue.filters({"view": "open"}), clock.now())).payment_ids
    assert books[0] == risky
    await Purchase.update({"attention": "keeps_failing", "attention_since": clock.now()}).where(
        Purchase.id == 1
    )
    ana = await sign_in(world)
    said = text(await ana.page("/holds"))
    assert "$96.00 is at risk: 1 of them needs a person." in said
    assert await ids(ana, "?view=person") == [risky]
    assert "Keeps failing" in text(await ana.page("/holds?view=person"))


async def test_10_an_exact_number_mail_or_intent_opens_the_hold(world: World):
    booking = await world.book(student={"name": "Maya Chen", "email": "maya@example.test"})
    payment = await world.payment(booking["id"])
    ana = await sign_in(world)
    for q in (
        f"{booking['id']}",
        f"%23{booking['id']}",
        "maya@example.test",
        "MAYA@example.test",
        payment.stripe_intent_id,
    ):
        answer = await ana.page(f"/holds?q={q}")
        assert (answer.status_code, answer.headers["location"]) == (303, f"/holds/{payment.id}")
    again = await world.book(
        starts_in=50 * HOUR, student={"name": "Maya Chen", "email": "maya@example.test"}
    )
    second = await world.payment(again["id"])
    assert await ids(ana, "?q=maya@example.test") == [second.id, payment.id]


@pytest.mark.parametrize("q", ["Chen", "maya ch", "96.00", "$96", "example.test"])
async def test_a_search_finds_by_name_mail_and_amount(world: World, q: str):
    booking = await world.book()
    await world.book(student={"name": "Leo"}, minutes=30, starts_in=9 * HOUR)
    ana = await sign_in(world)
    found = await ids(ana, f"?q={q}")
    assert (await world.payment(booking["id"])).id in found


@pytest.mark.parametrize(
    "q", ["%", "_", "\\", "'", '"; DROP TABLE payment', "9" * 40, "$", "<b>", "#", "½"]
)
async def test_a_strange_search_is_only_a_search(world: World, q: str):
    await world.book()
    ana = await sign_in(world)
    answer = await ana.page("/holds", params={"q": q})
    assert answer.status_code == 200
    assert "<b>" not in answer.text.replace("<b data", "").replace("<b class", "") or q != "<b>"


async def test_the_address_holds_the_whole_state(world: World):
    await hold_for(world, 5 * HOUR, starts_in=HOUR)
    ana = await sign_in(world)
    answer = await ana.page("/holds?status=authorized&expires=7d&q=Maya Ch")
    assert 'value="Maya Ch"' in answer.text
    assert '<option value="authorized" selected>' in answer.text
    assert '<option value="7d" selected>' in answer.text
    assert len(rows(answer.text)) == 1


@pytest.mark.parametrize(
    "query",
    [
        "?view=nonsense",
        "?status=x&expires=y",
        "?after=_",
        "?after=zzz_1",
        "?after=_²",
        "?after=2026_999999999999999",
        "?after=2026-01-01T00:00:00_1",
        "?expires=2026-99-99T99:99Z",
    ],
)
async def test_a_broken_address_shows_the_list(world: World, query: str):
    held = await hold_for(world, 5 * HOUR, starts_in=HOUR)
    ana = await sign_in(world)
    assert await ids(ana, query) == [held]


async def test_pages_follow_each_other_without_gap_or_repeat(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(queue, "PAGE", 3)
    for number in range(8):
        # Two at a time end at the same moment.
        await hold_for(world, (30 + number // 2) * HOUR, f"Student{number} X", starts_in=HOUR)
    ana = await sign_in(world)
    for view in ("open", "all"):
        seen: list[int] = []
        link = f"/holds?view={view}"
        while link:
            page = (await ana.page(link)).text
            seen += rows(page)
            found = re.search(r'href="(/holds\?[^"]*after=[^"]+)">Next', page)
            link = found[1].replace("&amp;", "&") if found else ""
        assert len(seen) == len(set(seen)) == 8


async def test_16_nothing_no_match_and_nothing_due_have_their_own_words(world: World):
    ana = await sign_in(world)
    said = text(await ana.page("/holds"))
    assert "Nothing is held." in said and "appears here as soon as a lesson is booked" in said
    held = await Payment.objects().get(Payment.id == await hold_for(world, 90 * HOUR))
    assert held is not None
    said = text(await ana.page("/holds?view=expiring"))
    due = held.authorization_expires_at.strftime("%a %H:%M")
    assert f"Nothing expires in the next 24 hours. Next: {due}" in said
    assert "No holds match “nobody”. Clear it" in text(await ana.page("/holds?q=nobody"))
    assert "No holds match. Clear “Expires: next 2 h”?" in text(await ana.page("/holds?expires=2h"))


async def test_a_package_is_listed_by_its_own_number(world: World):
    await world.buy_package(student={"name": "Priya Nair", "email": "priya@example.test"})
    ana = await sign_in(world)
    said = text(await ana.page("/holds?view=all"))
    assert "P1 Priya Nair" in said and "$420.00" in said
    assert (await ana.page("/holds?q=P1")).status_code == 303


async def test_27_currencies_have_their_own_decimals_and_are_never_summed(world: World):
    for teacher in (world.catalog.usd, world.catalog.jpy, world.catalog.kwd):
        await hold_for(world, 5 * HOUR, starts_in=HOUR, instructor_id=teacher)
    ana = await sign_in(world)
    said = text(await ana.page("/holds")).replace("\xa0", " ")
    assert "3 holds worth $96.00, ¥9,600 and KWD 9.600 expire" in said
