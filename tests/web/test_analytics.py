"""The analytics: the finding, the period, six figures whose charts, tables and rows agree."""

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from dashboard import clock, db
from dashboard.metrics import numbers
from dashboard.metrics.facts import Metric
from dashboard.metrics.thresholds import draw
from dashboard.web import analytics_row_words
from tests.metrics.histories import Told
from tests.web.desk import Person, sign_in, text
from tests.web.figures import (
    DAY,
    a_mixed_month,
    cells,
    charts,
    counted,
    happened,
    held,
    links,
    panel,
    refused,
)
from tests.world import World

BY_DAY = "/analytics?by=day"


@pytest.fixture
async def fiona(world: World) -> Person:
    return await sign_in(world, "finance", "Fiona")


def heading(answer: Any) -> str:
    match = re.search(r"<h1>(.*?)</h1>", answer.text, re.S)
    assert match
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", match[1])).strip()


async def total_behind(fiona: Person, href: str) -> int:
    """How many rows a link leads to, page by page."""
    count, place = 0, href
    while place:
        answer = await fiona.page(place)
        assert answer.status_code == 200, text(answer)
        count += (
            len(re.findall(r'<tr role="row">', answer.text)) - 1 if "<tbody" in answer.text else 0
        )
        more = re.search(r'href="(/analytics/rows\?[^"]*after[^"]*)">Next', answer.text)
        place = more[1].replace("&amp;", "&") if more else ""
    return count


# The finding.


async def test_the_heading_says_what_crossed_its_line_and_why(fiona: Person):
    await a_mixed_month()
    await draw(Metric.EXPIRY, "usd", 100, "Fiona")
    await counted()
    answer = await fiona.page("/analytics")
    # 24 captured, 3 expired, 3 released.
    assert heading(answer) == (
        "10.0 % of holds expired, above the 1 % limit. 2 of 3 after refused captures."
    )
    (after,) = [href for said, href in links(answer.text) if "after refused" in said]
    assert await total_behind(fiona, after) == 2


async def test_where_nothing_is_crossed_the_heading_is_calm(fiona: Person):
    await a_mixed_month()
    await counted()
    said = "94.3 % of attempts succeeded, 10.0 % of holds expired."
    assert heading(await fiona.page("/analytics")) == said
    await draw(Metric.EXPIRY, "usd", 1000, "Fiona")
    assert heading(await fiona.page("/analytics")) == f"No limit was crossed: {said}"


async def test_a_desk_without_any_event_says_that_nothing_happened(fiona: Person):
    answer = await fiona.page("/analytics")
    assert heading(answer) == "Nothing was held, charged or ended in this time."
    assert "No attempt to hold or charge" in text(answer) and "0.0 %" not in text(answer)
    assert "NaN" not in answer.text


async def test_few_cases_are_counts_and_no_percentage(fiona: Person):
    await happened([held("captured", 5)] * 5 + [held("expired", 5)] * 3, 3)
    await counted()
    answer = await fiona.page(BY_DAY)
    assert heading(answer) == "8 of 8 attempts succeeded, 3 of 8 holds expired."
    figure = charts(answer)["expiry-usd"]["figure"]["data"]
    assert set(figure[1]["y"]) == {None}
    assert [note.split("<br>")[1] for note in figure[2]["hovertext"]] == ["3 of 8"]
    assert "3 of 8" in [cell for row in cells(panel(answer, "expiry-usd")) for cell in row]


# The numbers.


async def test_a_chart_and_its_table_agree_to_the_last_digit(fiona: Person):
    await a_mixed_month()
    await draw(Metric.CAPTURE_TIME, "usd", 3600 * 36 + 1800, "Fiona")
    await counted()
    answer = await fiona.page(BY_DAY)
    for metric in Metric:
        table = cells(panel(answer, f"{metric}-usd"))[1:]
        data = charts(answer)[f"{metric}-usd"]["figure"]["data"]
        shown = [row[1] for row in reversed(table)]
        drawn = [_told(metric, value) for value in data[1]["y"]]
        few = metric in (Metric.AUTHORIZATION, Metric.EXPIRY, Metric.CAPTURE_FAILURE)
        assert [said if " of " not in said else "–" for said in shown] == drawn, metric
        assert len(drawn) == 30 and (few or any(value != "–" for value in drawn))
    assert charts(answer)["time_to_capture-usd"]["figure"]["data"][3]["y"] == [36.5, 36.5]


def _told(metric: Metric, value: float | None) -> str:
    if value is None:
        return "–"
    if metric is Metric.TICKETS:
        return f"{value:g}"
    unit = "h" if metric in (Metric.CAPTURE_TIME, Metric.HOLD_DURATION) else "%"
    return f"{Decimal(str(value))} {unit}"


@pytest.mark.parametrize("metric", list(Metric))
async def test_each_count_has_exactly_so_many_rows(fiona: Person, metric: Metric):
    await a_mixed_month(scale=2)
    await a_mixed_month(currency="eur")
    await counted()
    answer = await fiona.page("/analytics?period=30&by=week&currency=usd")
    told = panel(answer, f"{metric}-usd")
    seen = 0
    for said, href in links(told):
        number = re.fullmatch(r"([\d,]+)( \D+)?", said)
        if number:
            assert await total_behind(fiona, href) == int(number[1].replace(",", "")), (said, href)
            seen += 1
    assert seen >= 2


def test_each_number_has_words_for_its_rows():
    assert set(analytics_row_words.SAID) == numbers.NAMES


async def test_a_row_leads_to_its_hold_and_a_ticket_to_itself(fiona: Person, world: World):
    booked = await world.book()
    held_here = await world.payment(booked["id"])
    await a_mixed_month()
    await counted()
    today = clock.now().date().isoformat()
    span = f"from={today}&to={today}&currency=usd"
    answer = await fiona.page(f"/analytics/rows?what=authorization_success&{span}")
    assert f'href="/holds/{held_here.id}"' in answer.text and "Maya Chen" in answer.text
    answer = await fiona.page(f"/analytics/rows?what=hold_tickets&{span}")
    assert re.search(r'href="/tickets/\d+"', answer.text)


async def test_no_currency_is_added_to_another(fiona: Person):
    await happened([held("captured", 5)] * 30, 3)
    await happened([[Told("declined", timedelta())]] * 30, 3, "eur")
    await counted()
    both = await fiona.page("/analytics?currency=all")
    assert "EUR: " in text(both) and "USD: " in text(both)
    assert "100.0 % of attempts succeeded" in panel(both, "authorization_success-usd")
    assert "0.0 % of attempts succeeded" in panel(both, "authorization_success-eur")
    assert both.text.count("Tickets about holds</p>") == 1
    alone = await fiona.page("/analytics?currency=eur")
    assert "authorization_success-usd" not in alone.text


# The period.


@pytest.mark.parametrize(
    ("asked", "days", "points"),
    [
        ("period=7", 7, 7),
        ("period=30&by=day", 30, 30),
        ("period=90", 90, 13),
        ("period=year", 364, 52),
        ("period=year&by=month", 364, 13),
        ("", 30, 30),
    ],
)
async def test_a_period_ends_today_and_is_cut_as_its_address_says(
    fiona: Person, asked: str, days: int, points: int
):
    answer = await fiona.page(f"/analytics?{asked}")
    table = charts(answer)["hold_tickets-usd"]["figure"]["data"][1]["x"]
    today = clock.now().date()
    assert table[-1] == today.isoformat()
    assert abs(len(table) - points) <= (1 if "month" in asked else 0)
    first = today - (days - 1) * DAY
    assert f'name="from" value="{first}"' in answer.text


async def test_the_comparison_is_with_as_many_days_just_before(fiona: Person):
    await happened([held("captured", 5)] * 20 + [[Told("declined", timedelta())]] * 20, 8)
    await happened([held("captured", 5)] * 30, 1)
    await counted()
    answer = await fiona.page("/analytics?period=7&by=day")
    told = panel(answer, "authorization_success-usd")
    assert "+50.0 points (before: 50.0 %)" in told
    before = charts(answer)["authorization_success-usd"]["figure"]["data"][0]
    assert [value for value in before["y"] if value is not None] == [50.0]
    # The seventh day before the day before yesterday's.
    assert before["y"][5] == 50.0


async def test_weeks_and_months_are_counted_from_cases_not_from_other_percentages(fiona: Person):
    await happened([held("captured", 1)] * 60, 3)
    await happened([[Told("declined", timedelta())]] * 20, 2)
    await counted()
    answer = await fiona.page("/analytics?period=90&by=week")
    data = charts(answer)["authorization_success-usd"]["figure"]["data"][1]["y"]
    # A mean of the two days' percentages would be 50.
    assert [value for value in data if value is not None] == [75.0]


async def test_points_are_as_long_as_their_cases_need(fiona: Person):
    for day in range(20):
        await happened([held("captured", 1)] * 6, day)
    await counted()
    answer = await fiona.page("/analytics?period=30")
    assert "Each point is a week" in text(answer)
    assert "Each point is a day" in text(await fiona.page("/analytics?period=30&by=day"))


@pytest.mark.parametrize(
    "bad",
    [
        "from=2026-02-30&to=2026-03-01",
        "from=2026-03-02&to=2026-03-01",
        "from=1026-03-02&to=2026-03-01",
        "from=x&to=",
        "period=custom",
        "from=2020-01-01&to=2026-03-01",
        "from=2026-03-01&to=2999-01-01",
        "currency=zzz",
        "currency=%C3%A9",
        "from=٢٠٢٦-٠٣-٠١&to=2026-03-02",
    ],
)
async def test_a_period_that_makes_no_sense_is_said_at_its_field(fiona: Person, bad: str):
    answer = await fiona.page(f"/analytics?{bad}")
    assert answer.status_code == 422
    assert 'class="fault"' in answer.text
    typed = re.search(r"from=([^&]*)", bad)
    if typed and typed[1].isascii():
        assert f'name="from" value="{typed[1]}"' in answer.text


@pytest.mark.parametrize(
    "odd",
    [
        "period=9999",
        "by=hour",
        "view=x",
        "period=7&period=30",
        "by=day&by=week",
        "drawn=9e9",
        "x=y",
    ],
)
async def test_nonsense_elsewhere_in_the_address_is_left_out(fiona: Person, odd: str):
    assert (await fiona.page(f"/analytics?{odd}")).status_code == 200


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "what=x&from=2026-03-01&to=2026-03-01&currency=usd",
        "what=expiry&from=2026-03-01&currency=usd",
        "what=expiry&from=2026-03-02&to=2026-03-01&currency=usd",
        "what=expiry&from=2026-03-01&to=2026-03-01&currency=zzz",
        "what=expiry&from=2026-03-01&to=2026-03-01",
        "what=money.x&from=2026-03-01&to=2026-03-01&currency=usd",
        "what=expiry%00&from=2026-03-01&to=2026-03-01&currency=usd",
    ],
)
async def test_rows_of_no_number_are_refused(fiona: Person, bad: str):
    answer = await fiona.page(f"/analytics/rows?{bad}")
    assert answer.status_code == 422, answer.text


@pytest.mark.parametrize(
    "after", ["x", "2026-03-01_9", "_5", "9" * 40, "2026-03-01T00:00:00+00:00_1"]
)
async def test_a_place_that_makes_no_sense_is_the_beginning(fiona: Person, after: str):
    await happened([held("captured", 5)] * 2, 3)
    await counted()
    today = clock.now().date()
    span = f"from={today - 20 * DAY}&to={today}&currency=usd"
    answer = await fiona.page(f"/analytics/rows?what=expiry.of&{span}&after={after}")
    assert answer.status_code == 200 and "2 holds ended" in text(answer)


# What is asked of the database, and of the browser.


async def test_a_year_asks_as_much_of_the_database_however_many_bookings_there_are(
    fiona: Person, monkeypatch: pytest.MonkeyPatch
):
    path = "/analytics?period=year&by=week"
    few = [held("captured", 5)] * 4
    await happened(few, 30)
    await happened(few, 3)
    await counted()
    asked = await _asked(fiona, path, monkeypatch)
    many = [held("captured", 5), [*held("expired", 60), refused()]] * 20
    await happened(many, 30)
    await happened(many, 3)
    await counted()
    again = await _asked(fiona, path, monkeypatch)
    assert len(again) == len(asked) < 200
    # What stands at the top of every page may look at the story; the figures don't.
    frame = await _asked(fiona, "/tickets", monkeypatch)
    assert _of_the_story(again) == _of_the_story(frame)


async def _asked(fiona: Person, path: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    engine: Any = db.engine()
    seen: list[str] = []
    run = engine.run_querystring

    async def watched(querystring: Any, *more: Any, **named: Any) -> Any:
        seen.append(str(querystring))
        return await run(querystring, *more, **named)

    with monkeypatch.context() as patch:
        patch.setattr(engine, "run_querystring", watched)
        assert (await fiona.page(path)).status_code == 200
    return seen


def _of_the_story(asked: list[str]) -> int:
    return sum("payment_events" in one for one in asked)


async def test_only_the_analytics_load_what_draws_charts(fiona: Person):
    assert "plotly" in (await fiona.page("/analytics")).text
    for path in ("/holds", "/tickets", "/alerts", "/reconcile"):
        assert "plotly" not in (await fiona.page(path)).text, path
