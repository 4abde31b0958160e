"""The calendar: each number leads to as many rows; the feed is a secret that can be taken away."""

import html
import re
from datetime import datetime, timedelta

import httpx
import msgspec
import pytest
import time_machine

from dashboard import clock, settings
from dashboard.audit.tables import AuditEntry
from dashboard.payments.tables import Payment, Purchase
from dashboard.staff import auth
from dashboard.staff.tables import CalendarFeed
from tests.web.desk import Person, hidden, sign_in, text
from tests.web.test_desk_queue import HOUR, hold_for, rows
from tests.world import World

LINK = re.compile(r'<a href="(/holds\?[^"]*)"[^>]*>(.*?)</a>', re.DOTALL)
COUNT = re.compile(r"(\d+)(?:</?[^>]*>|\s)*holds?")


async def ends(payment_id: int, at: datetime) -> None:
    await Payment.update({"authorization_expires_at": at}).where(Payment.id == payment_id)


def in_zone(world: World, zone: str) -> settings.Settings:
    return msgspec.structs.replace(world.settings, time_zone=zone)


async def filled(world: World) -> list[int]:
    """Holds on full hours, in several currencies, one of them for a person, over many days."""
    start = clock.now().replace(minute=0, second=0, microsecond=0)
    found = []
    for number, after in enumerate((3, 3, 4, 27, 50, 50, 51, 99, 140)):
        teacher = world.catalog.jpy if number % 3 == 1 else world.catalog.usd
        found.append(await hold_for(world, 90 * HOUR, starts_in=HOUR, instructor_id=teacher))
        await ends(found[-1], start + after * HOUR)
    await Purchase.update({"attention": "keeps_failing", "attention_since": clock.now()}).where(
        Purchase.id == 3
    )
    return found


async def follow_all(person: Person, page: httpx.Response) -> int:
    """Every link of the page to holds that names a number leads to as many rows."""
    checked = 0
    for link, said in LINK.findall(page.text):
        wanted = COUNT.search(said)
        if wanted:
            found = rows((await person.page(html.unescape(link))).text)
            assert len(found) == int(wanted[1]), (link, said)
            checked += 1
    return checked


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Kolkata"])
async def test_every_number_leads_to_as_many_rows(world: World, zone: str):
    await filled(world)
    settings.use(in_zone(world, zone))
    vera = await sign_in(world, "viewer", "Vera")
    for query in ("", "?currency=usd", "?currency=jpy"):
        page = await vera.page(f"/calendar{query}")
        assert page.status_code == 200
        assert await follow_all(vera, page) > 8


async def test_the_heading_says_how_much_and_currencies_are_never_added(world: World):
    await filled(world)
    vera = await sign_in(world, "viewer", "Vera")
    said = text(await vera.page("/calendar"))
    heading = r"9 holds worth \$576\.00 and ¥28,800 expire by the end of \w{3} \d+ \w{3}"
    assert re.search(heading, said)
    assert "All currencies 9" in said and "JPY 3" in said and "USD 6" in said
    assert "$96.00 is at risk: 1 of them needs a person." in said
    alone = text(await vera.page("/calendar?currency=jpy"))
    assert "3 holds worth ¥28,800 expire" in alone and "$" not in alone.split("In your own")[0]


async def test_an_empty_week_says_when_the_next_hold_ends(world: World):
    vera = await sign_in(world, "viewer", "Vera")
    assert "Nothing expires by the end of" in text(await vera.page("/calendar"))
    held = await hold_for(world, 90 * HOUR)
    await ends(held, clock.now() + timedelta(days=20))
    said = text(await vera.page("/calendar?currency=usd"))
    assert "Nothing expires by the end of" in said and "Next:" in said
    assert (await vera.page("/calendar?currency=nonsense&currency=%00")).status_code == 422


async def test_a_day_on_which_the_clock_changes_says_so(world: World):
    settings.use(in_zone(world, "America/New_York"))
    with time_machine.travel("2027-03-13T15:00:00Z", tick=True):
        vera = await sign_in(world, "viewer", "Vera")
        said = text(await vera.page("/calendar"))
        assert "Sun 14 Mar: the clock is put forward, there is no 02:00." in said
    with time_machine.travel("2027-11-05T15:00:00Z", tick=True):
        vera = await sign_in(world, "viewer", "Vee")
        said = text(await vera.page("/calendar"))
        assert "Sun 7 Nov: the clock changes, the hour from 01:00 is 120 minutes long." in said


# The feed.


async def make(person: Person) -> str:
    """The path of the person's new address."""
    answer = await person.browser.post(
        "/calendar", data={"_csrf": person.csrf}, headers=person.headers
    )
    assert answer.status_code == 200
    shown = re.search(r'id="address" readonly value="([^"]+)"', answer.text)
    assert shown, text(answer)
    base = settings.current().base_url
    assert shown[1].startswith(f"{base}/calendar/feeds/") and shown[1].endswith(".ics")
    return shown[1].removeprefix(base)


async def test_a_feed_tells_number_amount_and_time_and_no_name(world: World):
    found = await hold_for(world, 50 * HOUR, "Maya Chen")
    row = await Payment.objects().get(Payment.id == found)
    assert row is not None
    vera = await sign_in(world, "viewer", "Vera")
    answer = await world.client.get(await make(vera))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    body = answer.content.decode()
    assert "SUMMARY:#1 $96.00 expires" in body and "Maya" not in body and "@example" not in body
    assert f"DTEND:{row.authorization_expires_at:%Y%m%dT%H%M%SZ}\r\n" in body
    assert f"/holds/{found}\r\n" in body
    assert body.startswith("BEGIN:VCALENDAR\r\n") and body.endswith("END:VCALENDAR\r\n")


async def test_the_same_holds_are_the_same_bytes_and_cost_no_second_reading(world: World):
    found = await hold_for(world, 50 * HOUR)
    vera = await sign_in(world, "viewer", "Vera")
    path = await make(vera)
    first = await world.client.get(path)
    await world.advance(timedelta(minutes=5))
    tag = {"If-None-Match": first.headers["etag"]}
    again = await world.client.get(path, headers=tag)
    assert (again.status_code, again.content) == (304, b"")
    sam = await sign_in(world)
    await sam.move(found, "capture")
    after = await world.client.get(path, headers=tag)
    assert after.status_code == 200 and "VEVENT" not in after.text


async def test_an_address_is_shown_once_kept_as_a_hash_renewed_and_revoked(world: World):
    vera = await sign_in(world, "viewer", "Vera")
    first = await make(vera)
    token = first.rsplit("/", 1)[1].removesuffix(".ics")
    page = await vera.page("/calendar")
    assert token not in page.text and "You have a secret address since" in text(page)
    (kept,) = await CalendarFeed.objects()
    assert kept.token_hash == auth.digest(token)
    second = await make(vera)
    assert (await world.client.get(first)).status_code == 404
    assert (await world.client.get(second)).status_code == 200
    assert "last read" in text(await vera.page("/calendar"))
    gone = await vera.browser.post(
        "/calendar/revoke", data={"_csrf": vera.csrf}, headers=vera.headers
    )
    assert gone.status_code == 303
    assert (await world.client.get(second)).status_code == 404
    entries = await AuditEntry.objects().where(AuditEntry.action == "feed").order_by(AuditEntry.id)
    assert [entry.outcome for entry in entries] == ["made", "renewed", "revoked"]
    assert not any(token in entry.detail for entry in entries)


async def test_whoever_is_shut_out_reads_no_calendar_and_others_go_on(world: World):
    vera, sam = await sign_in(world, "viewer", "Vera"), await sign_in(world)
    hers, his = await make(vera), await make(sam)
    assert hidden(await sam.page("/calendar"), "_csrf")
    await auth.deactivate((await auth.person(vera.email)).id)
    assert (await world.client.get(hers)).status_code == 404
    assert (await world.client.get(his)).status_code == 200


@pytest.mark.parametrize("token", ["x", "%00", ".ics", "a" * 5000, "..%2f", "' OR 1=1"])
async def test_a_guessed_address_is_answered_as_an_unknown_one(world: World, token: str):
    vera = await sign_in(world, "viewer", "Vera")
    await make(vera)
    answer = await world.client.get(f"/calendar/feeds/{token}")
    assert answer.status_code in (400, 404)
