"""Saved views and the search in a real Chromium: by hand, bare, and as a colleague sees them."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.chromium import LOOKS
from tests.browser.looking import Look, page_of
from tests.browser.served import Served, served

pytestmark = pytest.mark.browser
HOUR = timedelta(hours=1)
STATE = "/holds?view=open&expires=24h"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Two holds that end today, one later, one paid."""
    with served(tmp_path_factory.mktemp("views")) as desk:
        desk.book("Maya Chen", 5 * HOUR, hold_for=9 * HOUR)
        desk.book("Theo Lindqvist", 6 * HOUR, hold_for=17 * HOUR)
        desk.book("Kofi Mensah", 50 * HOUR)
        yield desk


def save(page: Page, name: str, *, shared: bool) -> None:
    """Press the link above the list, type, send."""
    page.locator("#save-view").click()
    page.get_by_label("Name").fill(name)
    if shared:
        page.get_by_label("Everybody at the desk").check()
    page.get_by_role("button", name="Save view").click()


@pytest.mark.parametrize(("size", "theme"), LOOKS)
def test_14_views_have_no_barrier_and_nothing_scrolls_sideways(
    browser: Browser, shop: Served, theme: str, size: str
):
    look = Look(browser, shop, size, theme)
    page = look.page
    look.at("view-new", f"/holds/views/new{STATE.removeprefix('/holds')}")
    page.goto(STATE)
    page.locator("#save-view").click()
    page.get_by_role("button", name="Save view").click()
    expect(page.locator("#name-fault")).to_have_text("Give the view a name.")
    look.at("view-fault")
    page.get_by_label("Name").fill(f"Today, {size} and {theme}, {'x' * 34}")
    page.get_by_role("button", name="Save view").click()
    expect(page.locator(".views [aria-current]")).to_contain_text(f"{size} and {theme}")
    look.at("views-queue")
    page.locator("#change-view").click()
    expect(page.get_by_role("button", name="Rename view")).to_be_visible()
    look.at("view-change")
    look.at("search-none", "/holds?q=nobody&expires=2h")
    look.at("search-window", "/holds?expires=2h")
    page.context.close()
    assert not look.wrong, "\n".join(look.wrong)


def test_11_a_colleague_sees_the_shared_view_and_one_capture_changes_its_number(
    browser: Browser, shop: Served
):
    ana, leo = page_of(browser, shop), page_of(browser, shop)
    ana.goto(STATE)
    save(ana, "Ends today", shared=True)
    tab = ana.get_by_role("link", name="Ends today (saved")
    # The address is the same before and after: the new link tells that the page is the new one.
    expect(tab).to_have_attribute("aria-current", "true")
    assert ana.url.endswith(STATE)
    before = ana.locator("[data-row]").count()
    expect(tab.locator(".count")).to_have_text(str(before))
    leo.goto("/holds")
    leo.get_by_role("link", name="Ends today (saved").click()
    assert leo.url.endswith(STATE)
    expect(leo.locator("[data-row]")).to_have_count(before)
    expect(leo.locator("#change-view")).to_have_count(0)
    ana.evaluate("document.body.dataset.same = 'yes'")
    ana.locator("[data-row] [data-key=c]").first.click()
    ana.locator("#dialog .primary").click()
    expect(ana.locator("[data-row]")).to_have_count(before - 1)
    expect(tab.locator(".count")).to_have_text(str(before - 1))
    expect(ana.get_by_role("link", name="Expiring").locator(".count")).to_have_text(str(before - 1))
    assert ana.evaluate("document.body.dataset.same") == "yes"
    leo.reload()
    expect(leo.locator("[data-row]")).to_have_count(before - 1)
    for page in (ana, leo):
        page.context.close()


def test_11_a_view_is_saved_renamed_and_deleted_without_scripts(browser: Browser, shop: Served):
    page = page_of(browser, shop, java_script_enabled=False)
    page.goto("/holds?view=failed")
    save(page, "Bare", shared=False)
    page.locator("#change-view").click()
    page.get_by_label("Name").fill("")
    page.get_by_role("button", name="Rename view").click()
    expect(page.locator("#name-fault")).to_be_visible()
    page.get_by_label("Name").fill("Plain")
    page.get_by_role("button", name="Rename view").click()
    expect(page.locator(".views [aria-current]")).to_contain_text("Plain")
    page.locator("#change-view").click()
    page.get_by_role("button", name="Delete view").click()
    expect(page.locator(".views")).not_to_contain_text("Plain")
    page.context.close()


def test_10_a_search_is_in_the_address_for_reload_back_and_a_colleague(
    browser: Browser, shop: Served
):
    ana, leo = page_of(browser, shop), page_of(browser, shop)
    ana.goto("/holds")
    ana.get_by_label("Find").fill("kofi mensah")
    ana.get_by_role("button", name="Apply").click()
    expect(ana.locator("[data-row]")).to_have_count(1)
    found = ana.url
    ana.reload()
    expect(ana.locator("[data-row]")).to_have_count(1)
    expect(ana.get_by_label("Find")).to_have_value("kofi mensah")
    leo.goto(found)
    expect(leo.locator("[data-row]")).to_have_count(1)
    number = ana.locator("[data-row] .number").first.inner_text()
    ana.get_by_label("Find").fill(number)
    ana.get_by_role("button", name="Apply").click()
    expect(ana.get_by_role("heading", level=1)).to_contain_text("Kofi Mensah")
    ana.go_back()
    assert ana.url == found
    expect(ana.locator("[data-row]")).to_have_count(1)
    ana.get_by_label("Find").fill("nobody at all")
    ana.get_by_role("button", name="Apply").click()
    expect(ana.locator(".empty")).to_contain_text("No holds match “nobody at all”.")
    ana.get_by_role("link", name="Clear it").click()
    expect(ana.locator("[data-row]")).not_to_have_count(0)
    for page in (ana, leo):
        page.context.close()
