"""Where one can go: a line of its own on a wide window, a menu on a narrow one."""

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.looking import page_of
from tests.browser.served import Served

pytestmark = pytest.mark.browser
ONE_LINE = 56


def test_all_places_of_an_administrator_stand_in_one_line(browser: Browser, desk: Served):
    page = page_of(browser, desk, "admin", viewport={"width": 1280, "height": 900})
    page.goto("/alerts")
    places = page.get_by_role("navigation", name="Desk").get_by_role("link")
    names = places.all_inner_texts()
    assert {"Holds", "Alerts", "Audit", "Admin"} <= {name.split()[0] for name in names}, names
    tops = {round(one.bounding_box()["y"]) for one in places.all()}  # type: ignore[index]
    assert len(tops) == 1, f"the places stand in {len(tops)} lines"
    bar = page.locator(".bar").bounding_box()
    assert bar and bar["height"] <= ONE_LINE
    page.context.close()


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_a_telephone_shows_one_line_and_a_menu_that_leads_everywhere(
    browser: Browser, desk: Served, scripts: bool
):
    page = page_of(
        browser, desk, "admin", viewport={"width": 390, "height": 844}, java_script_enabled=scripts
    )
    page.goto("/holds")
    bar = page.locator(".bar").bounding_box()
    assert bar and bar["height"] <= ONE_LINE
    expect(page.get_by_role("link", name="Webhooks")).not_to_be_visible()
    page.locator(".menu summary").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    page.get_by_role("link", name="Webhooks").click()
    expect(page.locator(".menu summary")).to_have_text("Menu Webhooks")
    page.context.close()


def test_the_menu_closes_by_escape_and_by_a_click_beside_it(browser: Browser, desk: Served):
    page = page_of(browser, desk, viewport={"width": 390, "height": 844})
    page.goto("/jobs")
    menu, opener = page.locator(".unfolded"), page.locator(".menu summary")
    opener.click()
    expect(menu).to_be_visible()
    page.keyboard.press("Escape")
    expect(menu).not_to_be_visible()
    expect(opener).to_be_focused()
    opener.click()
    page.locator("main").click(position={"x": 5, "y": 600})
    expect(menu).not_to_be_visible()
    page.context.close()
