"""Saved views: a list under a name, for one person or for everybody, with a number that lives."""

import json
import re
from datetime import timedelta
from html import unescape
from typing import Any

import httpx
import pytest

from dashboard.audit.tables import AuditEntry
from dashboard.staff import views
from dashboard.staff.tables import SavedView, Staff
from tests.web.desk import HTML, Person, sign_in, text
from tests.world import World

HOUR = timedelta(hours=1)
STATE = "view=open&expires=24h&currency=usd"


async def save(person: Person, name: str, state: str = STATE, **more: str) -> httpx.Response:
    """Press "+ Save view", type, send."""
    page = await person.page(f"/holds/views/new?{state}")
    assert page.status_code == 200
    holds = re.search(r'name="holds" value="([^"]*)"', page.text)
    assert holds
    form = {"_csrf": person.csrf, "name": name, "holds": unescape(holds[1]), **more}
    return await person.browser.post("/holds/views", data=form, headers=person.headers)


async def send(person: Person, path: str, **form: Any) -> httpx.Response:
    data = {"_csrf": person.csrf, **form}
    return await person.browser.post(path, data=data, headers=person.headers)


async def hold(world: World, hours: float) -> int:
    world.sandbox.next_authorization(hours * 3600)
    starts = HOUR + timedelta(minutes=await world.bookings())
    booking = await world.book(starts_in=starts)
    return int((await world.payment(booking["id"])).id)


def tab(page: httpx.Response, name: str) -> tuple[str, str]:
    """Where a view's link leads, and the number beside it."""
    link = re.search(
        rf'<a href="([^"]*)"[^>]*>{name}(?:<span.*?</span>)? <span class="count">([^<]*)</span>',
        page.text,
    )
    assert link, page.text
    return unescape(link[1]), link[2]


def rows(page: httpx.Response) -> list[int]:
    return [int(found) for found in re.findall(r'id="hold-(\d+)"', page.text)]


async def test_11_a_view_keeps_the_whole_list_and_its_number_lives(world: World):
    soon = await hold(world, 5)
    await hold(world, 90)
    ana = await sign_in(world)
    answer = await save(ana, "Dollars of today")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/holds?{STATE}")
    href, count = tab(await ana.page("/holds"), "Dollars of today")
    shown = await ana.page(href)
    assert (count, rows(shown)) == ("1", [soon])
    assert '<option value="24h" selected>' in shown.text
    assert re.search(
        rf'href="/holds\?{re.escape(STATE).replace("&", "&amp;")}" aria-current', shown.text
    )
    assert await ana.move(soon, "capture")
    assert tab(await ana.page("/holds"), "Dollars of today")[1] == "0"
    again = await hold(world, 6)
    assert rows(await ana.page(href)) == [again]
    assert tab(await ana.page(href), "Dollars of today")[1] == "1"


async def test_11_one_capture_brings_the_saved_number_in_line_without_a_reload(world: World):
    soon = await hold(world, 5)
    ana = await sign_in(world)
    await save(ana, "Soon", "view=expiring")
    assert tab(await ana.page("/holds"), "Soon")[1] == "1"
    given = await ana.form(soon, "capture")
    htmx = {"HX-Request": "true", "HX-Current-URL": "http://shop.test/holds?view=expiring"}
    answer = await ana.send(soon, "capture", given, **htmx)
    assert answer.status_code == 200 and 'hx-swap-oob="true"' in answer.text
    assert tab(answer, "Soon")[1] == tab(answer, "Expiring")[1] == "0"
    assert "Nothing is held." in text(answer) and rows(answer) == []


async def test_11_a_personal_view_is_seen_by_nobody_else(world: World):
    ana, leo = await sign_in(world), await sign_in(world, "admin", "Leo")
    await save(ana, "Mine")
    await save(ana, "For all", "view=failed", sharing="all")
    assert "Mine" in text(await ana.page("/holds"))
    seen = text(await leo.page("/holds"))
    assert "Mine" not in seen and "For all" in seen
    mine = await SavedView.objects().get(SavedView.name == "Mine")
    for path in (f"/holds/views/{mine.id}", f"/holds/views/{mine.id}/delete"):
        assert (await send(leo, path, name="Taken")).status_code == 404
    assert (await leo.page(f"/holds/views/{mine.id}")).status_code == 404
    # An address is not a secret: a colleague sees the same list by it.
    assert (await leo.page(f"/holds?{STATE}")).status_code == 200


async def test_11_support_shares_viewers_only_keep(world: World):
    vera = await sign_in(world, "viewer", "Vera")
    assert "Everybody at the desk" not in text(await vera.page("/holds/views/new"))
    assert (await save(vera, "Hers")).status_code == 303
    assert (await save(vera, "For all", sharing="all")).status_code == 403
    assert await SavedView.count() == 1


async def test_whoever_may_share_no_more_changes_nothing_that_everybody_sees(world: World):
    ana = await sign_in(world)
    assert (await save(ana, "Soon", sharing="all")).status_code == 303
    (found,) = await SavedView.objects()
    await Staff.update({"role": "viewer"}).where(Staff.id == found.owner)
    for path in (f"/holds/views/{found.id}", f"/holds/views/{found.id}/delete"):
        assert (await send(ana, path, name="Ours no more")).status_code == 404
    (left,) = await SavedView.objects()
    assert left.name == "Soon"


async def test_11_the_owner_or_an_administrator_renames_and_deletes(world: World):
    ana, sam = await sign_in(world), await sign_in(world, "support", "Sam")
    boss = await sign_in(world, "admin", "Ida")
    await save(ana, "Shared", sharing="all")
    row = await SavedView.objects().first()
    path = f"/holds/views/{row.id}"
    assert (await send(sam, path, name="Sam’s")).status_code == 404
    assert (await send(sam, f"{path}/delete")).status_code == 404
    assert "Rename or delete" not in text(await sam.page(f"/holds?{STATE}"))
    for person, name in ((ana, "Today"), (boss, "Today’s dollars")):
        assert f'href="{path}"' in (await person.page(f"/holds?{STATE}")).text
        answer = await send(person, path, name=name)
        assert (answer.status_code, answer.headers["location"]) == (303, f"/holds?{STATE}")
        assert name in text(await sam.page("/holds"))
    assert (await send(boss, f"{path}/delete")).status_code == 303
    assert "Today’s dollars" not in text(await sam.page("/holds"))
    assert (await ana.page(path)).status_code == 404


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "Give the view a name."),
        ("   ", "Give the view a name."),
        ("x" * 61, "Use 60 characters or fewer."),
        ("turned \u202e round", "Leave out what can’t be seen."),
        ("Today", "There is a view called “Today” already."),
        (" tODAY ", "There is a view called “tODAY” already."),
    ],
)
async def test_18_what_was_typed_is_kept_beside_what_is_wrong(world: World, name: str, said: str):
    ana = await sign_in(world)
    await save(ana, "Today", sharing="all")
    await save(ana, "Other", sharing="all")
    answer = await save(ana, name, "view=failed&q=Maya Ch", sharing="all")
    assert answer.status_code == 422 and said in text(answer)
    assert f'value="{name}"' in unescape(answer.text)
    assert 'aria-describedby="name-fault"' in answer.text
    assert 'value="view=failed&amp;q=Maya+Ch"' in answer.text
    assert 'value="all" checked' in answer.text
    other = await SavedView.objects().get(SavedView.name == "Other")
    answer = await send(ana, f"/holds/views/{other.id}", name=name)
    assert answer.status_code == 422 and said in text(answer)
    assert f'value="{name}"' in unescape(answer.text)
    assert await SavedView.count() == 2


async def test_each_may_call_a_view_what_another_person_calls_theirs(world: World):
    ana, leo = await sign_in(world), await sign_in(world, "support", "Leo")
    assert [(await save(one, "Today")).status_code for one in (ana, leo)] == [303, 303]
    other = await SavedView.objects().get(SavedView.owner == 1)
    assert (await send(ana, f"/holds/views/{other.id}", name="today")).status_code == 303


async def test_nobody_has_more_views_than_fit(world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(views, "MOST", 2)
    ana = await sign_in(world)
    for name in ("One", "Two"):
        assert (await save(ana, name)).status_code == 303
    answer = await save(ana, "Three")
    assert answer.status_code == 422 and 'value="Three"' in answer.text
    assert "You have 2 views already. Delete one first." in text(answer)
    assert (await save(ana, "Three", sharing="all")).status_code == 303


async def test_the_audit_tells_who_named_renamed_and_deleted(world: World):
    ana = await sign_in(world)
    await save(ana, "Today", sharing="all")
    (row,) = await SavedView.objects()
    await send(ana, f"/holds/views/{row.id}", name="Dollars")
    await send(ana, f"/holds/views/{row.id}", name="")
    await send(ana, f"/holds/views/{row.id}/delete")
    entries = await AuditEntry.objects().where(AuditEntry.action == "view").order_by(AuditEntry.id)
    assert [(one.outcome, json.loads(one.detail)) for one in entries] == [
        ("named", {"name": "Today", "for": "everybody", "holds": STATE}),
        ("renamed", {"name": "Dollars", "before": "Today"}),
        ("deleted", {"name": "Dollars", "holds": STATE}),
    ]
    finance = await sign_in(world, "finance", "Fay")
    assert "Saved view: renamed" in text(await finance.page("/audit"))


@pytest.mark.parametrize("view_id", ["99", "9" * 18, "9" * 40, "0"])
async def test_a_view_that_is_not_there_is_said_so(world: World, view_id: str):
    ana = await sign_in(world)
    assert (await ana.page(f"/holds/views/{view_id}")).status_code == 404
    assert (await send(ana, f"/holds/views/{view_id}/delete")).status_code == 404


async def test_a_state_that_makes_no_sense_is_kept_as_the_list_that_was_shown(world: World):
    ana = await sign_in(world)
    form = {"name": "Odd", "holds": "view=x&status=y&expires=z&after=_3&more=1&q=%00"}
    answer = await send(ana, "/holds/views", **form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/holds?view=open")
    double = (
        b"_csrf=" + ana.csrf.encode() + b"&name=A&name=B&holds=q%3Da&holds=&sharing=all&sharing=x"
    )
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await ana.browser.post("/holds/views", content=double, headers=HTML | kind)
    assert answer.status_code in (303, 422)


async def test_names_are_shown_as_they_were_typed(world: World):
    ana = await sign_in(world)
    await save(ana, "<b>Tom & “Maya”</b>")
    page = await ana.page("/holds")
    assert "&lt;b&gt;Tom &amp; “Maya”&lt;/b&gt;" in page.text and "<b>Tom" not in page.text


async def test_an_open_page_hears_of_a_new_view(world: World):
    ana, leo = await sign_in(world), await sign_in(world, "support", "Leo")
    before = re.search(r'data-live="([^"]*)"', (await ana.page("/holds")).text)
    await save(leo, "For all", sharing="all")
    after = re.search(r'data-live="([^"]*)"', (await ana.page("/holds")).text)
    assert before and after and before[1] != after[1]
