"""The audit and the administration in a real Chromium: no barrier, nothing sideways."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.chromium import LOOKS
from tests.browser.conftest import carry_session, violations
from tests.browser.served import Served

pytestmark = pytest.mark.browser
PICTURES = Path(__file__).resolve().parent.parent.parent / "var" / "pictures"
SIZES = {"wide": (1280, 900), "narrow": (390, 844)}


@pytest.fixture(scope="module")
def boss(desk: Served) -> str:
    """The e-mail of an admin of a desk where something has happened."""
    desk.http.post("/bookings/1/complete")
    desk.http.get("/bookings/1", headers={"Authorization": "Bearer made-up"})
    return desk.staff("admin")


def opened(browser: Browser, desk: Served, boss: str, theme: str, size: str) -> Page:
    width, height = SIZES[size]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=theme,  # type: ignore[arg-type]
        base_url=desk.url,
    )
    page = context.new_page()
    carry_session(page, desk, boss)
    PICTURES.mkdir(parents=True, exist_ok=True)
    return page


@pytest.mark.parametrize(("size", "theme"), LOOKS)
def test_the_audit_has_no_barrier_and_does_not_scroll_sideways(
    browser: Browser, desk: Served, boss: str, theme: str, size: str
):
    page = opened(browser, desk, boss, theme, size)
    for name, address in (("audit", "/audit"), ("audit-empty", "/audit?who=nobody-at-all")):
        page.goto(address)
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        page.screenshot(path=PICTURES / f"{name}-{size}-{theme}.png", full_page=True)
    page.context.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_an_admin_edits_in_the_look_of_the_desk(
    browser: Browser, desk: Served, boss: str, theme: str
):
    page = opened(browser, desk, boss, theme, "wide")
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.goto("/admin/#/instructor")
    expect(page.get_by_text("Ben Ode")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("data-theme", theme)
    page.screenshot(path=PICTURES / f"admin-list-wide-{theme}.png")
    page.get_by_text("Ben Ode").click()
    page.locator('form [name="subject"]').fill(f"piano, {theme}")
    expect(page.locator('form [name="created_at"]')).to_be_hidden()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Successfully saved row")).to_be_visible()
    page.screenshot(path=PICTURES / f"admin-row-wide-{theme}.png")
    page.goto("/audit?what=admin")
    expect(page.get_by_text(f"piano, {theme}").first).to_be_visible()
    assert complaints == []
    page.context.close()


def test_what_is_only_read_offers_no_button_to_write(browser: Browser, desk: Served, boss: str):
    page = opened(browser, desk, boss, "light", "wide")
    page.goto("/admin/#/heartbeat")
    expect(page.get_by_role("heading", name="heartbeat")).to_be_visible()
    expect(page.get_by_text("Add Row")).to_be_hidden()
    page.goto("/admin/#/purchase/")
    expect(page.get_by_role("heading", name="purchase")).to_be_visible()
    expect(page.get_by_text("Add Row")).to_be_hidden()
    # A name such as =HYPERLINK(…) would be run by the spreadsheet that opens such a file.
    expect(page.locator('[data-uitest="csv_button"]')).to_have_count(1)
    expect(page.get_by_text("Export CSV").first).to_be_hidden()
    page.goto("/admin/#/login/")
    expect(page.get_by_label("Password")).to_be_visible()
    assert "/sign-in" in page.url
    page.context.close()
