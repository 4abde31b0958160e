"""The analytics in a real Chromium: charts under the strict policy, points that lead to their rows,
both themes, small screens, and tables where no script runs."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from dashboard import clock
from dashboard.alerts.kinds import Kind, Severity
from dashboard.alerts.tables import Alert, Outage
from dashboard.metrics.facts import Metric
from dashboard.metrics.tables import Crossing
from dashboard.metrics.thresholds import draw
from tests.browser.chromium import LOOKS
from tests.browser.conftest import carry_session, violations
from tests.browser.served import Served, served
from tests.web.figures import DAY, a_mixed_month, counted

pytestmark = pytest.mark.browser
PICTURES = Path(__file__).resolve().parent.parent.parent / "var" / "pictures"
SIZES = {"wide": (1280, 900), "narrow": (390, 844)}
PAGES = {
    "figures": "/analytics?by=day",
    "year": "/analytics?period=year&currency=all",
    "tables": "/analytics?view=table",
    "money": "/analytics/money",
    "cohorts": "/analytics/cohorts",
    "forecast": "/analytics/forecast",
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A desk with a month of everything, a line that is crossed, an alert and an outage."""
    with served(tmp_path_factory.mktemp("analytics")) as desk:
        desk.book("Ada Okafor", timedelta(hours=50))
        desk.run(_paint())
        yield desk


async def _paint() -> None:
    await a_mixed_month()
    await a_mixed_month(currency="jpy")
    line = await draw(Metric.EXPIRY, "usd", 100, "Fiona")
    now = clock.now()
    await counted()
    crossed = (now - 5 * DAY).date()
    await Crossing(
        metric=Metric.EXPIRY,
        currency="usd",
        day=crossed,
        threshold=line.id,
        value=1000,
        cases=30,
        recorded_at=now,
    ).save()
    await Outage(started_at=now - 3 * DAY, ended_at=now - 2.9 * DAY).save()
    await Alert(
        kind=Kind.HOLD_AT_RISK,
        severity=Severity.CRITICAL,
        said="a hold",
        link="/alerts",
        since=now - 4 * DAY,
        opened_at=now - 4 * DAY,
        closed_at=now,
    ).save()


def _page(browser: Browser, desk: Served, role: str = "finance", **options: Any) -> Page:
    page = browser.new_context(base_url=desk.url, **options).new_page()
    carry_session(page, desk, desk.staff(role))
    return page


def _drawn(page: Page) -> None:
    """Every chart that is seen has been drawn."""
    page.wait_for_function(
        "() => [...document.querySelectorAll('[data-figure]')]"
        ".every((chart) => !chart.offsetWidth || chart.dataset.drawn)"
    )


@pytest.mark.parametrize(("size", "theme"), LOOKS)
def test_15_no_page_of_the_analytics_has_a_barrier_or_scrolls_sideways(
    browser: Browser, shop: Served, theme: str, size: str
):
    width, height = SIZES[size]
    page = _page(browser, shop, viewport={"width": width, "height": height}, color_scheme=theme)
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    for name, path in PAGES.items():
        page.goto(path)
        _drawn(page)
        assert violations(page) == [], name
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        PICTURES.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=PICTURES / f"analytics-{name}-{size}-{theme}.png", full_page=True)
    # The policy for styles is as strict here as elsewhere: nothing had to be refused.
    assert complaints == []


def test_15_a_click_on_a_point_opens_its_rows(browser: Browser, shop: Served):
    page = _page(browser, shop)
    page.goto("/analytics?by=day")
    _drawn(page)
    spot = _spot(page, "hold_tickets-usd")
    page.mouse.move(spot["x"], spot["y"])
    expect(page.locator("#hold_tickets-usd .hoverlayer")).to_contain_text("2 for 1 hold")
    page.mouse.click(spot["x"], spot["y"])
    page.wait_for_url(re.compile(r"/analytics/rows\?what=hold_tickets&"))
    expect(page.locator("h1")).to_have_text("2 tickets about holds")
    assert page.locator("tbody tr").count() == 2


def _spot(page: Page, key: str) -> Any:
    """Where the last point with rows is on the screen."""
    page.locator(f"#{key}").scroll_into_view_if_needed()
    return page.evaluate(
        """key => {
          const chart = document.querySelector(`#${key} .chart`);
          const { data, _fullLayout: full } = chart;
          const number = data[1].customdata.findLastIndex((href) => href);
          const box = chart.getBoundingClientRect();
          const x = full.xaxis.d2p(data[1].x[number]) + full.xaxis._offset;
          const y = full.yaxis.d2p(data[1].y[number] / 2) + full.yaxis._offset;
          return { x: box.x + x, y: box.y + y };
        }""",
        key,
    )


def test_15_the_toggle_recolours_the_charts_at_once(browser: Browser, shop: Served):
    page = _page(browser, shop, color_scheme="light")
    page.goto("/analytics?by=day")
    _drawn(page)
    page.evaluate("window.stayed = true")
    paper = "document.querySelector('#expiry-usd .chart')._fullLayout.paper_bgcolor"
    ink = "document.querySelector('#expiry-usd .chart')._fullData[1].line.color"
    assert [page.evaluate(one).upper() for one in (paper, ink)] == ["#FFFFFF", "#634100"]
    page.click("button[value=dark]")
    page.wait_for_function(f"() => {paper}.toUpperCase() === '#151E1B'")
    assert page.evaluate(ink).upper() == "#B59364"
    assert page.evaluate("window.stayed")
    page.click("button[value=system]")
    page.wait_for_function(f"() => {paper}.toUpperCase() === '#FFFFFF'")
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(f"() => {paper}.toUpperCase() === '#151E1B'")


def test_15_a_chart_is_turned_into_its_table_and_back_by_keyboard(browser: Browser, shop: Served):
    page = _page(browser, shop)
    page.goto("/analytics?by=day")
    _drawn(page)
    panel = page.locator("#expiry-usd")
    expect(panel.locator("table")).to_be_hidden()
    turn = panel.get_by_role("link", name="Table of Expiry")
    turn.focus()
    page.keyboard.press("Enter")
    expect(panel.locator("table")).to_be_visible()
    expect(panel.locator(".chart")).to_be_hidden()
    panel.get_by_role("link", name="Chart of Expiry").press("Enter")
    expect(panel.locator(".chart")).to_be_visible()
    assert page.url.endswith("/analytics?by=day")


def test_15_without_scripts_the_tables_stand_in(browser: Browser, shop: Served):
    page = _page(browser, shop, java_script_enabled=False)
    page.goto("/analytics?by=day")
    assert page.locator(".panel .numbers-of").count() == 6
    for table in page.locator(".panel .numbers-of").all():
        expect(table).to_be_visible()
    expect(page.locator(".panel .chart").first).to_be_hidden()
    page.locator("#expiry-usd summary").click()
    page.locator("#expiry-usd input[name=value]").fill("x")
    page.locator("#expiry-usd .limit button").click()
    expect(page.locator("#expiry-usd .fault")).to_contain_text("Enter a percentage")
    expect(page.locator("#expiry-usd input[name=value]")).to_have_value("x")


def test_19_nothing_moves_while_the_charts_are_drawn(browser: Browser, shop: Served):
    page = _page(browser, shop)
    page.add_init_script(
        "window.shifts = []; new PerformanceObserver(l => l.getEntries().forEach(e =>"
        " window.shifts.push(e.value))).observe({ type: 'layout-shift', buffered: true });"
    )
    page.goto("/analytics?by=day")
    _drawn(page)
    page.wait_for_timeout(300)
    assert sum(page.evaluate("window.shifts")) < 0.01


def test_15_a_crossing_an_alert_and_an_outage_are_marked(browser: Browser, shop: Served):
    page = _page(browser, shop)
    page.goto("/analytics?by=day")
    _drawn(page)
    traces = page.evaluate(
        "document.querySelector('#expiry-usd .chart').data.map(t => [t.x.length, t.hovertext])"
    )
    assert traces[3][0] == 2 and traces[4][0] == 1
    assert [told.split("<br>")[0] for told in traces[5][1]] == [
        "Nothing ran by itself",
        "1 critical alert",
    ]
    assert page.locator("#expiry-usd .annotation-text", has_text="limit 1 %").count() == 1


def test_15_only_the_analytics_load_what_draws(browser: Browser, shop: Served):
    page = _page(browser, shop)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for path in ("/holds", "/tickets", "/alerts", "/analytics/money"):
        page.goto(path)
    assert not [url for url in asked if "plotly" in url]
