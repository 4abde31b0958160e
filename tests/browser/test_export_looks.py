"""Exports and months in a real Chromium: no barrier, nothing sideways, and a month as PDF."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from dashboard.exports import making
from dashboard.exports.tables import Export
from dashboard.metrics.queries import today
from jobs import exports
from jobs.metrics import keep_metrics
from tests.browser.chromium import LOOKS
from tests.browser.conftest import carry_session, violations
from tests.browser.scene import paint
from tests.browser.served import Served

pytestmark = pytest.mark.browser
PICTURES = Path(__file__).resolve().parent.parent.parent / "var" / "pictures"
SIZES = {"wide": (1280, 900), "narrow": (390, 844)}


@pytest.fixture(scope="module")
def finn(desk: Served) -> str:
    """The e-mail of somebody in finance of a desk where a day has passed."""
    paint(desk)
    desk.run(keep_metrics())
    return desk.staff("finance")


def opened(browser: Browser, desk: Served, finn: str, theme: str, size: str) -> Page:
    width, height = SIZES[size]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=theme,  # type: ignore[arg-type]
        base_url=desk.url,
    )
    page = context.new_page()
    carry_session(page, desk, finn)
    PICTURES.mkdir(parents=True, exist_ok=True)
    return page


def look(page: Page, name: str) -> None:
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    page.screenshot(path=PICTURES / f"{name}.png", full_page=True)


async def half_done(of: int) -> None:
    """One that the worker has begun, one that waits, one that could not be made."""
    row = await Export.objects().order_by(Export.id).first()
    assert row is not None
    for number, state in enumerate(("waiting", "waiting", "failed")):
        values = {
            "sheet": "holds",
            "query": "view=all&q=Maya",
            "asked_by": "Finn",
            "asked_by_staff": row.asked_by_staff,
            "asked_at": row.asked_at,
            "due_at": row.asked_at if state == "waiting" else None,
            "state": state,
            "rows": 0 if number else 2000,
            "rows_expected": 0 if number else of,
            "error": "OSError: No space left on device" if state == "failed" else "",
            "file_name": "x.csv",
        }
        await Export(**values).save()


@pytest.mark.parametrize(("size", "theme"), LOOKS)
def test_the_exports_have_no_barrier(
    browser: Browser,
    desk: Served,
    finn: str,
    theme: str,
    size: str,
    monkeypatch: pytest.MonkeyPatch,
):
    page = opened(browser, desk, finn, theme, size)
    monkeypatch.setattr(making, "MOST_AT_ONCE", 3)
    desk.run(Export.delete(force=True).run())
    page.goto("/exports")
    look(page, f"exports-empty-{size}-{theme}")
    page.goto("/holds?view=all")
    page.get_by_role("button", name="Export CSV of this list").click()
    page.wait_for_url("**/exports#export-*")
    expect(page.get_by_role("heading", level=1)).to_have_text("1 file is being made")
    desk.run(exports.make_exports())
    # The page asks again by itself, and the whole file is offered.
    expect(page.get_by_role("heading", level=1)).to_have_text("1 file is ready")
    with page.expect_download() as fetched:
        page.get_by_role("link", name=re.compile("^Fetch")).click()
    assert fetched.value.suggested_filename.startswith("holdfast-holds-view-all-")
    assert fetched.value.path().read_text("utf-8-sig").startswith("# Holdfast: holds?view=all")
    desk.run(half_done(5431))
    page.goto("/exports")
    expect(page.get_by_role("heading", level=1)).to_have_text("2 files are being made")
    look(page, f"exports-{size}-{theme}")
    desk.run(Export.delete(force=True).run())
    page.context.close()


def test_a_small_table_comes_as_a_file_without_scripts(browser: Browser, desk: Served, finn: str):
    context = browser.new_context(java_script_enabled=False, base_url=desk.url)
    page = context.new_page()
    carry_session(page, desk, finn)
    page.goto("/holds?view=open")
    with page.expect_download() as fetched:
        page.get_by_role("button", name="Export CSV of this list").click()
    rows = fetched.value.path().read_text("utf-8-sig").splitlines()
    assert len(rows) > 5 and rows[1].startswith("payment,booking,student")
    context.close()


@pytest.mark.parametrize(("size", "theme"), LOOKS)
def test_the_months_have_no_barrier(
    browser: Browser, desk: Served, finn: str, theme: str, size: str
):
    page = opened(browser, desk, finn, theme, size)
    page.goto("/reports")
    look(page, f"reports-{size}-{theme}")
    page.get_by_role("button", name="Send me each month").click()
    expect(page.get_by_text("will come to you by e-mail")).to_be_visible()
    look(page, f"reports-wanted-{size}-{theme}")
    page.get_by_role("button", name="Send me no more").click()
    page.goto(f"/reports/{today():%Y-%m}")
    look(page, f"month-{size}-{theme}")
    page.context.close()


def test_a_month_is_a_sane_pdf(browser: Browser, desk: Served, finn: str):
    page = opened(browser, desk, finn, "dark", "wide")
    page.goto(f"/reports/{today():%Y-%m}")
    page.emulate_media(media="print")
    for hidden in ("nav.places", ".themes", ".crumbs"):
        expect(page.locator(hidden).first).to_be_hidden()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    # Paper is white whatever the screen is, and the ink on it is dark.
    body = "getComputedStyle(document.body)"
    assert page.evaluate(f"{body}.backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate(f"{body}.color") == "rgb(20, 32, 28)"
    # A sheet is narrower than some screens, and is no telephone.
    page.set_viewport_size({"width": 680, "height": 1000})
    assert page.evaluate("getComputedStyle(document.querySelector('.figures tr')).display") == (
        "table-row"
    )
    # The width of A4 less its margins: nothing is cut off at the right.
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    pdf = page.pdf(format="A4", prefer_css_page_size=True)
    assert pdf.startswith(b"%PDF-") and pdf.rstrip().endswith(b"%%EOF")
    sheets = len(re.findall(rb"/Type\s*/Page\b", pdf))
    assert 1 <= sheets <= 2 + page.locator(".part").count()
    (PICTURES / "month.pdf").write_bytes(pdf)
    page.context.close()
