"""CSV at the desk: what the screen shows, for those who may take it away, with an entry for it."""

import csv
import io
import json
import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from dashboard import clock
from dashboard.audit.tables import AuditEntry
from dashboard.exports import making
from dashboard.exports.tables import Export
from dashboard.metrics import queries
from dashboard.metrics.facts import Metric
from dashboard.payments.reconcile.tables import ReconcileDifference
from jobs import exports
from jobs.metrics import keep_metrics
from tests.web.desk import Person, sign_in, text
from tests.web.test_desk_queue import hold_for, rows
from tests.web.test_reconcile_page import compare, make
from tests.world import World

HOUR = timedelta(hours=1)


async def export(person: Person, what: str, query: str = "") -> httpx.Response:
    given = {"_csrf": person.csrf, "what": what, "query": query}
    return await person.browser.post("/exports", data=given, headers=person.headers)


def table(answer: httpx.Response) -> list[dict[str, str]]:
    assert answer.status_code == 200, text(answer)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    body = answer.content.decode("utf-8-sig")
    remark, _, rest = body.partition("\r\n")
    assert remark.startswith("# Holdfast: ")
    return list(csv.DictReader(io.StringIO(rest, newline="")))


async def entries() -> list[AuditEntry]:
    found = await AuditEntry.objects().where(AuditEntry.action == "export").order_by(AuditEntry.id)
    return list(found)


async def test_the_file_says_what_the_queue_says(world: World):
    await hold_for(world, 5 * HOUR, starts_in=HOUR)
    await hold_for(world, 6 * HOUR, starts_in=HOUR, instructor_id=world.catalog.jpy)
    await hold_for(world, 7 * HOUR, starts_in=HOUR, minutes=30)
    await hold_for(world, 90 * HOUR)
    fay = await sign_in(world, "finance")
    screen = await fay.page("/holds?view=expiring")
    found = table(await export(fay, "holds", "view=expiring"))
    assert {int(one["payment"]) for one in found} == set(rows(screen.text))
    sums: dict[str, int] = {}
    for one in found:
        sums[one["currency"]] = sums.get(one["currency"], 0) + int(one["held_minor"])
    assert sums == {"USD": 14400, "JPY": 9600}
    assert "3 holds worth $144.00 and ¥9,600 expire" in text(screen)
    assert {one["held"] for one in found} == {"96.00", "9600", "48.00"}


async def test_the_filters_of_the_address_are_those_of_the_file(world: World):
    await world.book(student={"name": "Leo Brandt"})
    await world.book(student={"name": "Maya Chen"}, starts_in=9 * HOUR)
    await world.post_booking(payment_method="pm_card_chargeDeclined")
    fay = await sign_in(world, "finance")
    for query in ("view=all", "view=open&q=Leo", "status=failed", "expires=2h", "q=nobody"):
        page = await fay.page(f"/holds?{query}")
        found = table(await export(fay, "holds", query))
        assert sorted(int(one["payment"]) for one in found) == sorted(rows(page.text)), query
    answer = await export(fay, "holds", "view=open&q=Leo&after=2026-01-01T00:00:00+00:00_1")
    assert len(table(answer)) == 1, "a file has no pages"
    assert "holdfast-holds-view-open-q-leo-" in answer.headers["content-disposition"]
    assert answer.text.startswith("\ufeff# Holdfast: holds?view=open&q=Leo as of ")


async def test_a_long_search_is_not_cut_so_that_more_is_exported_than_was_shown(world: World):
    await hold_for(world, 5 * HOUR)
    fay = await sign_in(world, "finance")
    searched = "\U0001f3bb" * 200
    query = urlencode({"view": "all", "q": searched})
    screen = await fay.page(f"/holds?{query}")
    assert rows(screen.text) == []
    answer = await export(fay, "holds", query)
    assert table(answer) == []
    assert urlencode({"q": searched}) in answer.text
    many = urlencode([("q", "nobody"), *((f"x{number}", "1") for number in range(60))])
    assert table(await export(fay, "holds", many)) == []
    assert (await export(fay, "holds", "q=a&view=all&" + "x" * 5000)).status_code == 400


async def test_the_button_carries_the_filters_that_the_page_shows(world: World):
    await world.book(student={"name": "Leo Brandt"})
    fay = await sign_in(world, "finance")
    page = (await fay.page("/holds?status=authorized&q=Leo B")).text
    match = re.search(r'name="query" value="([^"]*)"', page)
    assert match
    assert len(table(await export(fay, "holds", match[1].replace("&amp;", "&")))) == 1


async def test_a_name_that_is_a_formula_stays_a_name(world: World):
    await world.book(student={"name": '=HYPERLINK("http://evil.test","Maya")'})
    fay = await sign_in(world, "finance")
    (one,) = table(await export(fay, "holds", "view=all"))
    assert one["student"] == '\'=HYPERLINK("http://evil.test","Maya")'
    assert one["lesson_starts_at_utc"].endswith("Z")


async def test_differences_are_exported_field_by_field(world: World):
    make(world)
    await compare()
    fay = await sign_in(world, "finance")
    (row,) = await ReconcileDifference.objects()
    found = table(await export(fay, "differences", "state=open"))
    assert {one["difference"] for one in found} == {str(row.id)}
    assert [one["field"] for one in found] == [field[0] for field in json.loads(row.fields)]
    amounts = [one for one in found if one["at_stripe_amount_minor"]]
    assert [one["at_stripe_amount"] for one in amounts] == ["96.00"] * len(amounts)
    assert table(await export(fay, "differences", "state=gone")) == []
    assert "what differs now" in text(await fay.page("/reconcile"))


@pytest.mark.parametrize("role", ["viewer", "support"])
async def test_who_may_not_export_sees_no_button_and_gets_no_file(world: World, role: str):
    await world.book()
    sam = await sign_in(world, role)
    assert "Export CSV" not in (await sam.page("/holds")).text
    assert (await export(sam, "holds")).status_code == 403
    assert (await sam.page("/exports")).status_code == 403


@pytest.mark.parametrize("what", ["", "staff", "\x00", "../holds", "holds\x00x"])
async def test_a_table_that_is_none_is_refused(world: World, what: str):
    fay = await sign_in(world, "finance")
    assert (await export(fay, what)).status_code in (400, 422)


STRANGE = ["q=%00", "view=x&view=y", "%", "&" * 90, "q=" + "9" * 3000]


@pytest.mark.parametrize("query", STRANGE)
async def test_a_strange_query_exports_what_the_page_would_show(world: World, query: str):
    await world.book()
    fay = await sign_in(world, "finance")
    assert (await export(fay, "holds", query)).status_code == 200


async def test_a_large_table_is_made_by_the_worker_and_fetched(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(making, "MOST_AT_ONCE", 1)
    for number in range(3):
        await world.book(starts_in=(30 + number) * HOUR)
    fay = await sign_in(world, "finance")
    answer = await export(fay, "holds", "view=open")
    assert (answer.status_code, answer.headers["location"]) == (303, "/exports#export-1")
    again = await export(fay, "holds", "view=open")
    assert again.headers["location"] == "/exports#export-1"
    page = await fay.page("/exports")
    assert "1 file is being made" in text(page) and 'hx-trigger="every 2s"' in page.text
    assert (await fay.page("/exports/1/file")).status_code == 404
    await exports.make_exports()
    page = await fay.page("/exports?whose=mine")
    assert "1 file is ready" in text(page) and "every 2s" not in page.text
    assert "3 rows, here until" in text(page)
    file = await fay.page("/exports/1/file")
    assert len(table(file)) == 3
    assert "attachment" in file.headers["content-disposition"]
    assert "holdfast-holds-view-open" in file.headers["content-disposition"]
    ana = await sign_in(world, "admin", "Bo")
    assert "1 file is ready" in text(await ana.page("/exports"))
    assert "No file is waiting" in text(await ana.page("/exports?whose=mine"))


async def test_every_export_is_in_the_audit(world: World, monkeypatch: pytest.MonkeyPatch):
    await world.book()
    await world.book(starts_in=9 * HOUR)
    fay = await sign_in(world, "finance")
    await export(fay, "holds", "view=open&q=Maya")
    monkeypatch.setattr(making, "MOST_AT_ONCE", 1)
    await export(fay, "holds", "view=open")
    await exports.make_exports()
    await fay.page("/exports/1/file")
    kept = [(one.actor, one.outcome, one.subject) for one in await entries()]
    assert kept == [
        ("Ana", "sent", "/exports"),
        ("Ana", "asked", "export/1"),
        ("Ana", "fetched", "export/1"),
    ]
    detail: Any = json.loads((await entries())[0].detail)
    assert (detail["table"], detail["filters"]) == ("holds", "view=open&q=Maya")
    page = text(await fay.page("/audit?what=exports"))
    assert page.count("Exported: ") == 3 and "the file came at once" in page


async def test_a_number_that_is_no_export_is_not_found(world: World):
    fay = await sign_in(world, "finance")
    for number in ("0", "7", "9" * 30):
        assert (await fay.page(f"/exports/{number}/file")).status_code == 404
    for query in ("before=9" + "9" * 40, "before=²", "whose=x&before=1"):
        assert (await fay.page(f"/exports?{query}")).status_code == 200


async def test_a_long_list_of_exports_has_pages(world: World):
    fay = await sign_in(world, "finance")
    now = clock.now()
    for number in range(51):
        await Export.insert(
            Export(
                sheet="holds",
                asked_by="Ana",
                asked_by_staff=1,
                asked_at=now,
                state="removed",
                file_name=f"{number}.csv",
            )
        )
    first = (await fay.page("/exports")).text
    link = re.search(r'href="(/exports\?whose=all&amp;before=\d+)"', first)
    assert link
    second = (await fay.page(link[1].replace("&amp;", "&"))).text
    ids = re.findall(r'id="export-(\d+)"', first) + re.findall(r'id="export-(\d+)"', second)
    assert ids == [str(number) for number in range(51, 0, -1)]


_FORM = re.compile(
    r'name="what" value="([^"]*)">\s*<input type="hidden" name="query" value="([^"]*)"'
)


def forms(page: str) -> dict[str, str]:
    """What the buttons of a page ask for: the query by the table."""
    return {what: query.replace("&amp;", "&") for what, query in _FORM.findall(page)}


async def test_each_panel_of_the_analytics_gives_its_own_table(world: World):
    booking = await world.book()
    await world.call(booking["id"], "complete")
    await world.tick()
    await keep_metrics()
    fay = await sign_in(world, "finance")
    page = (await fay.page("/analytics?period=30&view=table&by=week")).text
    asked = forms(page)
    assert set(asked) == set(Metric)
    for what, query in asked.items():
        panel = page[page.index(f'id="{what}-usd"') :]
        shown = panel[panel.index("<tbody") : panel.index("</tbody>")].count("<tr")
        found = table(await export(fay, what, query))
        assert len(found) == shown == 5
    found = table(await export(fay, Metric.AUTHORIZATION, asked[Metric.AUTHORIZATION]))
    assert [line["numerator"] for line in found] == ["0", "0", "0", "0", "1"]
    vera = await sign_in(world, "viewer", "Vera")
    assert forms((await vera.page("/analytics")).text) == {}


async def test_the_rows_behind_a_number_are_exported_as_they_are_listed(world: World):
    for number in range(3):
        await world.book(starts_in=(30 + number) * HOUR)
    await keep_metrics()
    fay = await sign_in(world, "finance")
    day = queries.today().isoformat()
    address = f"/analytics/rows?what=money.reserved&from=2001-01-01&to={day}&currency=usd"
    page = (await fay.page(address)).text
    found = table(await export(fay, "rows", forms(page)["rows"]))
    assert [one["payment"] for one in found] == re.findall(r'href="/holds/(\d+)"', page)
    assert sum(int(one["amount_minor"]) for one in found) == 3 * 9600
    assert "$288.00" in text(await fay.page(address))


async def test_money_cohorts_and_forecast_give_the_tables_that_they_show(world: World):
    await world.book()
    booking = await world.book(starts_in=9 * HOUR)
    await world.call(booking["id"], "complete")
    await world.tick()
    await keep_metrics()
    await world.advance(timedelta(days=7))
    await keep_metrics()
    fay = await sign_in(world, "finance")
    seen = set()
    for address in ("money?period=90", "cohorts", "forecast"):
        page = (await fay.page(f"/analytics/{address}")).text
        tables = [one.count("<tr") for one in re.findall(r"<tbody.*?</tbody>", page, re.S)]
        asked = forms(page)
        found = [len(table(await export(fay, what, query))) for what, query in asked.items()]
        assert found == tables, address
        seen |= set(asked)
    assert {"held", "taken", "at_risk", "cohorts", "kept_forecast"} <= seen
