"""The calendar in a real Chromium: no barrier, nothing sideways, in both themes and sizes."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from playwright.sync_api import Browser, expect

from dashboard import clock
from dashboard.payments.tables import Payment, Purchase
from tests.browser.chromium import LOOKS
from tests.browser.looking import Look, page_of
from tests.browser.served import Served, served

pytestmark = pytest.mark.browser
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Holds that end over the week, in two currencies, one of them for a person."""
    with served(tmp_path_factory.mktemp("calendar")) as desk:
        desk.sandbox.webhooks("drop")
        start = clock.now().replace(minute=10, second=0, microsecond=0)
        for number, after in enumerate((2, 3, 3, 26, 26, 26, 27, 49, 70, 71, 100, 140)):
            teacher = ("Ben Ode", "Ines Prado", "Tomo Abe", "Ben Ode")[number % 4]
            found = desk.book(f"Student {number}", (40 + number) * HOUR, teacher=teacher)
            desk.run(_ends(found, start + after * HOUR, number == 4))
        yield desk


async def _ends(payment_id: int, at: datetime, person: bool) -> None:
    await Payment.update({"authorization_expires_at": at}).where(Payment.id == payment_id)
    if person:
        asks = {"attention": "keeps_failing", "attention_since": clock.now()}
        of_it = Payment.select(Payment.purchase).where(Payment.id == payment_id)
        await Purchase.update(asks).where(Purchase.id.is_in(of_it))


@pytest.mark.parametrize(("size", "theme"), LOOKS)
def test_14_the_calendar_has_no_barrier_and_scrolls_nowhere_sideways(
    browser: Browser, shop: Served, theme: str, size: str
):
    look = Look(browser, shop, size, theme, "viewer")
    look.at("calendar", "/calendar")
    look.at("calendar-one", "/calendar?currency=jpy")
    look.page.goto("/calendar")
    look.page.get_by_role("button", name="Make an address").click()
    expect(look.page.get_by_label("Your secret address")).to_be_focused()
    look.at("calendar-made")
    look.page.get_by_role("button", name="Revoke it").click()
    expect(look.page.get_by_role("button", name="Make an address")).to_be_visible()
    look.page.context.close()
    assert not look.wrong, "\n".join(look.wrong)


@pytest.mark.parametrize("size", ["wide", "narrow"])
def test_a_cell_leads_to_its_rows_at_every_size(browser: Browser, shop: Served, size: str):
    page = Look(browser, shop, size, "light", "viewer").page
    page.goto("/calendar")
    cell = page.locator(".week td a, .days li a").filter(has_text="holds", visible=True).first
    wanted = re.search(r"(\d+)\s*holds", cell.text_content() or "")
    cell.click()
    assert wanted
    expect(page.locator("[data-row]")).to_have_count(int(wanted[1]))
    page.context.close()


def test_an_empty_calendar_shows_no_table(browser: Browser, shop: Served):
    page = page_of(browser, shop, "viewer")
    page.goto("/calendar?currency=kwd")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Nothing expires by the end of")
    expect(page.locator(".week")).to_have_count(0)
    page.context.close()


def test_an_open_calendar_follows_what_happens_and_keeps_the_address(
    browser: Browser, shop: Served
):
    page = page_of(browser, shop, "viewer")
    page.goto("/calendar")
    heading = page.get_by_role("heading", level=1)
    before = int((heading.text_content() or "").split()[0])
    page.get_by_role("button", name="Make an address").click()
    address = page.get_by_label("Your secret address").input_value()
    assert address
    new = shop.book("Noor Haddad", 90 * HOUR)
    shop.run(_ends(new, clock.now() + 30 * HOUR, False))
    expect(heading).to_contain_text(f"{before + 1} holds")
    expect(page.get_by_label("Your secret address")).to_have_value(address)
    expect(page.get_by_label("Your secret address")).to_be_focused()
    page.context.close()
