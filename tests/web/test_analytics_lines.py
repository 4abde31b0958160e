"""Finance draws a line in a figure: where it may stand, who drew it, what it then says."""

import re
from typing import Any

import pytest

from dashboard.audit.tables import AuditEntry
from dashboard.metrics.facts import Metric
from dashboard.metrics.tables import Threshold
from tests.web.desk import Person, sign_in, text
from tests.web.figures import a_mixed_month, charts, counted, panel
from tests.world import World

KEY = "expiry-usd"


@pytest.fixture
async def fiona(world: World) -> Person:
    await a_mixed_month()
    await counted()
    return await sign_in(world, "finance", "Fiona")


async def send(person: Person, **given: str) -> Any:
    form = {"metric": "expiry", "currency": "usd", "key": KEY, "value": "1.5"} | given
    data = {"_csrf": person.csrf} | form
    path = "/analytics/lines?period=90&by=week"
    return await person.browser.post(path, data=data, headers=person.headers)


async def test_a_line_is_drawn_shown_and_written_into_the_audit(fiona: Person):
    answer = await send(fiona, value="1.5 %")
    assert answer.status_code == 303
    place = answer.headers["location"]
    assert "period=90" in place and "by=week" in place
    page = await fiona.page(place)
    assert "Expiry, USD: the limit from now on is at most 1.5 %." in text(page)
    assert "Limit at most 1.5 %" in re.sub(r"<[^>]+>", "", panel(page, KEY))
    assert "Drawn by Fiona" in panel(page, KEY)
    drawn = charts(page)[KEY]["figure"]["data"][3]
    assert drawn["y"] == [1.5, 1.5]
    assert "above the 1.5 % limit" in text(page)
    entry = await AuditEntry.objects().order_by(AuditEntry.id, ascending=False).first()
    assert entry is not None and (entry.action, entry.actor) == ("line", "Fiona")
    assert '"limit": "at most 1.5 %"' in entry.detail and '"before": "none"' in entry.detail
    audit = await fiona.page("/audit?what=decisions")
    assert "Set a limit of the analytics" in text(audit)


async def test_nothing_typed_takes_the_line_away(fiona: Person):
    await send(fiona, value="1.5")
    answer = await send(fiona, value=" ")
    assert answer.status_code == 303
    page = await fiona.page(answer.headers["location"])
    assert "the limit from now on is none" in text(page)
    assert charts(page)[KEY]["figure"]["data"][3]["y"] == []


@pytest.mark.parametrize(
    ("metric", "typed", "kept"),
    [
        ("expiry", "0", 0),
        ("expiry", "100%", 10_000),
        ("authorization_success", "99.99", 9_999),
        ("time_to_capture", "36.5", 131_400),
        ("hold_duration", "48 h", 172_800),
        ("hold_tickets", "5", 5),
    ],
)
async def test_a_line_stands_where_it_was_typed(fiona: Person, metric: str, typed: str, kept: int):
    currency = "" if metric == Metric.TICKETS else "usd"
    answer = await send(fiona, metric=metric, currency=currency, value=typed)
    assert answer.status_code == 303, text(answer)
    row = await Threshold.objects().get(Threshold.metric == metric)
    assert row is not None and row.value == kept


@pytest.mark.parametrize(
    ("metric", "typed"),
    [
        ("expiry", "101"),
        ("expiry", "-1"),
        ("expiry", "1,5"),
        ("expiry", "1.555"),
        ("expiry", "NaN"),
        ("expiry", "1e2"),
        ("expiry", "٣"),
        ("expiry", "9" * 5000),
        ("expiry", '"><script>alert(1)</script>'),
        ("time_to_capture", "8785"),
        ("time_to_capture", "two days"),
        ("hold_tickets", "1.5"),
        ("hold_tickets", "99999999"),
    ],
)
async def test_what_is_no_place_for_a_line_is_said_at_the_field(
    fiona: Person, metric: str, typed: str
):
    currency = "" if metric == Metric.TICKETS else "usd"
    key = f"{metric}-usd"
    answer = await send(fiona, metric=metric, currency=currency, key=key, value=typed)
    assert answer.status_code == 422
    told = panel(answer, key)
    assert '<details class="limit" open>' in told and 'class="fault"' in told
    assert 'aria-invalid="true"' in told and "<script>alert" not in answer.text
    assert re.search(r'name="value"[^>]* value="([^"]{1,40})', told)
    assert await Threshold.count() == 0
    assert await AuditEntry.count().where(AuditEntry.action == "line") == 0
    # The rest of the page stands as it did.
    assert "period=90" in answer.text and answer.text.count('class="panel"') == 6


@pytest.mark.parametrize(
    "forged",
    [
        {"metric": "x"},
        {"metric": ""},
        {"currency": "zzz"},
        {"currency": ""},
        {"metric": "hold_tickets"},
        {"value": "1\x00"},
    ],
)
async def test_a_form_that_no_page_has_sent_changes_nothing(fiona: Person, forged: dict[str, str]):
    assert (await send(fiona, **forged)).status_code == 422
    assert await Threshold.count() == 0


async def test_only_finance_may_draw_and_others_are_shown_no_form(world: World, fiona: Person):
    await send(fiona, value="1.5")
    sam = await sign_in(world, "support", "Sam")
    page = await sam.page("/analytics")
    assert "Limit at most 1.5 %" in text(page) and "Set limit" not in text(page)
    assert (await send(sam, value="2")).status_code == 403
    assert await Threshold.count() == 1


async def test_a_line_for_the_tickets_of_a_day_is_not_drawn_over_weeks(fiona: Person):
    await send(fiona, metric="hold_tickets", currency="", value="2")
    key = "hold_tickets-usd"
    days = charts(await fiona.page("/analytics?period=30&by=day"))[key]["figure"]["data"][3]
    weeks = charts(await fiona.page("/analytics?period=90&by=week"))[key]["figure"]["data"][3]
    assert (days["y"], weeks["y"]) == ([2.0, 2.0], [])
