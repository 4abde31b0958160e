"""Money that adds up, the fates of each week's holds, and what is foreseen: numbers and rows."""

import re
from datetime import timedelta
from typing import Any

import pytest

from dashboard import clock
from dashboard.metrics import forecast, queries
from dashboard.metrics.tables import Forecast
from dashboard.money import parse
from dashboard.payments.tables import Purchase
from tests.metrics.histories import Told
from tests.web.desk import Person, sign_in, text
from tests.web.figures import DAY, a_mixed_month, cells, charts, counted, happened, links
from tests.world import World

PAGES = ("money", "cohorts", "forecast")


@pytest.fixture
async def vera(world: World) -> Person:
    return await sign_in(world, "viewer", "Vera")


def tables(answer: Any) -> list[list[list[str]]]:
    found = re.findall(r"<table.*?</table>", answer.text, re.S)
    return [cells(one) for one in found]


def cents(said: str) -> int:
    sign = -1 if said.startswith("−") else 1
    return sign * parse(said.lstrip("−").replace("$", ""), "usd")


async def come_to(vera: Person, href: str) -> tuple[int, int]:
    """How many rows a number has, and what they amount to."""
    count, amount, place = 0, 0, href
    while place:
        answer = await vera.page(place)
        assert answer.status_code == 200
        rows = tables(answer)[0][1:] if "<table" in answer.text else []
        count += len(rows)
        amount += sum(cents(row[-1]) for row in rows if row[-1])
        more = re.search(r'href="(/analytics/rows\?[^"]*after[^"]*)">Next', answer.text)
        place = more[1].replace("&amp;", "&") if more else ""
    return count, amount


async def test_the_balances_of_each_day_and_of_the_period_add_up(vera: Person):
    await a_mixed_month()
    disputed = [Told("charged", timedelta(), 4200), Told("dispute_opened", DAY, 4200)]
    closed = Told("dispute_closed", 2 * DAY, 4200, reason="lost")
    back = [Told("charged", timedelta(), 900), Told("refund_succeeded", DAY, 300)]
    await happened([disputed, [*disputed, closed], back], 7)
    await counted()
    answer = await vera.page("/analytics/money?by=day")
    held, taken, risk = (table[1:] for table in tables(answer))
    assert len(held) == len(taken) == len(risk) == 30
    for row in held:
        before, reserved, captured, released, after = (cents(one) for one in row[1:6])
        assert before + reserved - captured - released == after
    # Newest first: what was held before a day is what was held after the one below it.
    assert [row[1] for row in held[:-1]] == [row[5] for row in held[1:]]
    for row in taken:
        captured, charged, refunded, lost, net = (cents(one) for one in row[1:6])
        assert captured + charged - refunded - lost == net
    assert cents(risk[0][2]) == 4200
    assert "given back or lost" in text(answer)


async def test_each_amount_of_money_has_the_rows_that_add_up_to_it(vera: Person):
    await a_mixed_month()
    await counted()
    answer = await vera.page("/analytics/money?by=week")
    seen = 0
    for said, href in links(answer.text):
        assert (await come_to(vera, href))[1] == cents(said), (said, href)
        seen += 1
    assert seen > 15


async def test_each_hold_of_a_week_has_one_fate_and_its_rows(vera: Person):
    await a_mixed_month()
    await counted()
    answer = await vera.page("/analytics/cohorts")
    (weeks,) = tables(answer)
    for row in weeks[1:]:
        placed, *fates = (int(re.match(r"[\d,]+", one)[0]) for one in row[1:])  # type: ignore[index]
        assert placed == sum(fates)
    for said, href in links(answer.text):
        assert (await come_to(vera, href))[0] == int(said), (said, href)
    assert "75.0 % of the holds placed" in text(answer)
    drawn = charts(answer)["cohorts-usd"]["figure"]["data"]
    assert [part["name"] for part in drawn] == [
        "Captured",
        "Refunded",
        "Released",
        "Expired",
        "Still open",
    ]
    assert (
        sum(sum(part["y"]) for part in drawn)
        == sum(
            int(re.match(r"\d+", row[1])[0])  # type: ignore[index]
            for row in weeks[1:]
        )
    )


async def test_the_forecast_says_what_needs_a_person_and_leads_to_it(vera: Person, world: World):
    first, second = await world.book(2 * DAY), await world.book(3 * DAY)
    purchase = (await world.payment(second["id"])).purchase
    await Purchase.update({Purchase.attention: "keeps_failing"}).where(Purchase.id == purchase)
    answer = await vera.page("/analytics/forecast?currency=usd")
    assert "$96.00 will expire unless a person acts; $96.00 more will resolve itself" in text(
        answer
    )
    found = links(answer.text)
    assert len(found) == 2
    rows = {"person": second, "resolves": first}
    for said, href in found:
        page = await vera.page(href)
        which = "person" if "ends.person" in href else "resolves"
        assert said == "1" and f"#{rows[which]['id']}" in text(page)
    drawn = charts(answer)["forecast-usd"]["figure"]["data"]
    assert [sum(part["y"]) for part in drawn] == [96.0, 96.0]


async def test_a_look_ahead_of_last_week_stands_beside_what_happened(vera: Person):
    await happened([[Told("authorized", timedelta()), Told("expired", 5 * DAY)]], 8)
    await counted()
    answer = await vera.page("/analytics/forecast?currency=usd")
    assert "No look ahead was kept on" in text(answer)
    today = queries.today()
    for day, amount in ((today - 3 * DAY, 100), (today + DAY, 900)):
        await Forecast(
            made_on=today - 7 * DAY,
            day=day,
            currency="usd",
            resolves_count=1,
            resolves_amount=amount,
            made_at=clock.now(),
        ).save()
    await Forecast(made_on=today - 7 * DAY, day=today - 7 * DAY, made_at=clock.now()).save()
    assert await forecast.kept(today - 7 * DAY, "usd")
    answer = await vera.page("/analytics/forecast?currency=usd")
    assert "$1.00 was foreseen to end by yesterday" in text(answer)
    assert "$1.00 expired." in text(answer)
    # Of a day that is not over nothing is said to have happened.
    assert [row[3] for row in tables(answer)[-1][1:]] == ["1$1.00", "–"]


@pytest.mark.parametrize("name", PAGES)
async def test_an_empty_desk_has_words_and_no_numbers(vera: Person, name: str):
    answer = await vera.page(f"/analytics/{name}")
    assert answer.status_code == 200
    assert re.search(r"No money moved|No hold was placed|Nothing is on hold", text(answer))
    assert "NaN" not in answer.text


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("currency", ["all", "jpy", ""])
async def test_each_currency_stands_apart(vera: Person, name: str, currency: str):
    await a_mixed_month()
    await a_mixed_month(currency="jpy")
    await counted()
    answer = await vera.page(f"/analytics/{name}?currency={currency}")
    assert answer.status_code == 200
    parts = re.findall(r'<h2 class="currency">\s*(\w+): ', answer.text)
    assert parts == (["JPY", "USD"] if currency == "all" else [])
    if name == "money":
        assert ("¥" in answer.text) == (currency != "") and ("$" in answer.text) == (
            currency != "jpy"
        )


@pytest.mark.parametrize("name", PAGES)
async def test_a_period_that_makes_no_sense_is_refused_here_too(vera: Person, name: str):
    bad = "currency=zzz" if name == "forecast" else "from=2026-02-30&to=2026-03-01"
    answer = await vera.page(f"/analytics/{name}?{bad}")
    assert answer.status_code == 422 and 'class="fault"' in answer.text
