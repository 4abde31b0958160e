"""The banner and the page of alerts in a real Chromium: no barrier, no scrolling, both themes."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, expect

from dashboard import clock
from dashboard.metrics.tables import Heartbeat
from dashboard.payments.tables import Payment, Purchase, StripeEvent
from jobs.watch import stand_in_once
from tests.alerts.scenes import beat
from tests.alerts.test_kinds import compared
from tests.browser.chromium import LOOKS
from tests.browser.conftest import violations
from tests.browser.looking import PICTURES, Look, page_of
from tests.browser.served import Served, served

pytestmark = pytest.mark.browser
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A desk at which several things are wrong, and one has just been mended."""
    with served(tmp_path_factory.mktemp("alerts")) as desk:
        mended = desk.book("Ada Okafor", HOUR, hold_for=20 * HOUR)
        desk.run(_pause(mended))
        desk.run(compared(clock.now()))
        desk.run(beat("handle_events", "watch", ago=16 * MINUTE))
        desk.tick()
        desk.run(stand_in_once())
        desk.run(_pause(mended, timedelta()))
        desk.tick()
        desk.run(stand_in_once())
        desk.advance(2 * HOUR)
        for name, life, teacher in (
            ("Maya Chen", 90 * MINUTE, "Ben Ode"),
            ("Haruka Sato", 20 * HOUR, "Tomo Abe"),
        ):
            desk.run(_pause(desk.book(name, HOUR, hold_for=life, teacher=teacher)))
        desk.tick()
        desk.run(_dead())
        yield desk


async def _pause(payment_id: int, by: timedelta = timedelta(days=3)) -> None:
    payment = await Payment.objects().get(Payment.id == payment_id)
    assert payment is not None
    values = {"paused_until": clock.now() + by, "due_at": clock.now()}
    await Purchase.update(values).where(Purchase.id == payment.purchase)


async def _dead() -> None:
    then = clock.now() - 3 * HOUR
    await StripeEvent.insert(
        StripeEvent(
            id="evt_1QpX2bLkdIwHu7ix0a1b2c3d",
            type="payment_intent.amount_capturable_updated",
            created_at=then,
            received_at=then,
            state="dead",
            error="NotThere: no such intent",
        )
    )


@pytest.mark.parametrize(("size", "theme"), LOOKS)
def test_14_no_alert_is_a_barrier_or_scrolls_sideways(
    browser: Browser, shop: Served, theme: str, size: str
):
    look = Look(browser, shop, size, theme)
    look.at("alerts", "/alerts")
    look.at("alerts-queue", "/holds")
    look.page.context.close()
    assert not look.wrong, "\n".join(look.wrong)


@pytest.mark.parametrize("scripts", [True, False])
def test_the_line_above_a_page_leads_to_what_is_to_be_done(
    browser: Browser, shop: Served, scripts: bool
):
    page = page_of(browser, shop, java_script_enabled=scripts)
    page.goto("/tickets")
    line = page.locator(".late")
    expect(line).to_contain_text("1 hold worth $96.00 is at risk; there is time until")
    expect(line.get_by_role("link", name="and 3 more")).to_be_visible()
    line.get_by_role("link", name="What to do").click()
    expect(page).to_have_url(f"{shop.url}/alerts#hold_at_risk")
    expect(page.get_by_role("heading", level=1)).to_contain_text("and 2 other matters")
    page.locator("#hold_at_risk").get_by_role("link").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("is held for Maya Chen")
    page.context.close()


def test_where_nothing_is_wrong_nothing_is_said(browser: Browser, shop: Served):
    shop.run(beat("handle_events", "watch"))
    shop.run(_all_well())
    page = page_of(browser, shop)
    page.goto("/alerts")
    expect(page.get_by_role("heading", level=1)).to_have_text("Nothing is wrong")
    assert not violations(page)
    page.screenshot(path=PICTURES / "alerts-none.png", full_page=True)
    page.goto("/holds")
    expect(page.locator(".late")).to_have_count(0)
    expect(page.get_by_role("link", name="Alerts")).to_have_count(0)
    page.context.close()


async def _all_well() -> None:
    await Purchase.update({"attention": None, "due_at": None}, force=True)
    await StripeEvent.update({"state": "handled"}, force=True)
    assert await Heartbeat.count() == 2
