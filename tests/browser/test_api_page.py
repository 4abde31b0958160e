"""The API's page in a real Chromium: no barrier, nothing sideways, nothing from elsewhere."""

import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import violations
from tests.browser.served import Served

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_api_page_has_no_barrier_and_asks_nobody_else(
    browser: Browser, desk: Served, theme: str, width: int
):
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme=theme,  # type: ignore[arg-type]
        base_url=desk.url,
    )
    page = context.new_page()
    asked: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.goto("/schema")
    page.locator("summary").first.click()
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert complaints == []
    assert all(url.startswith(desk.url) for url in asked)
    page.get_by_role("link", name="POST /bookings/{booking_id}/cancel").click()
    assert page.url.endswith("#cancelBooking")
    context.close()
