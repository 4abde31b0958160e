"""The playground in a real Chromium: book, move the clock, see it captured; no barrier anywhere."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.chromium import LOOKS
from tests.browser.conftest import carry_session, violations
from tests.browser.served import Served

pytestmark = pytest.mark.browser
HOUR = timedelta(hours=1)
PICTURES = Path(__file__).resolve().parent.parent.parent / "var" / "pictures"
SIZES = {"wide": (1280, 900), "narrow": (390, 844)}


def test_a_newcomer_books_moves_the_clock_and_sees_it_captured(signed_in: Page, desk: Served):
    page = signed_in
    page.goto("/holds")
    page.get_by_role("link", name="Sandbox", exact=True).click()
    expect(page.locator("h1")).to_contain_text("as everywhere else")
    page.get_by_label("Student", exact=True).fill("Nia Boateng")
    page.get_by_label("It starts in").fill("3")
    page.get_by_label("Unit").select_option("hours")
    page.get_by_role("button", name="Book", exact=True).click()
    at_hand = page.locator("#payment")
    expect(at_hand).to_contain_text("$96.00 is held for Nia Boateng")
    page.get_by_role("button", name="+ 6 hours").click()
    expect(page.locator("#clock")).to_contain_text("the clock is there")
    expect(page.locator("h1")).to_contain_text("ahead of the wall clock")
    expect(at_hand).to_contain_text("Nia Boateng paid $96.00")
    at_hand.get_by_role("link", name="Nia Boateng paid $96.00").click()
    expect(page.locator("#finding")).to_have_text("Nia Boateng paid $96.00")


def test_a_long_way_shows_how_far_the_clock_has_come(signed_in: Page, desk: Served):
    for n in range(1, 7):
        desk.book(f"Student {n}", n * 20 * HOUR)
    page = signed_in
    page.goto("/sandbox")
    page.get_by_role("button", name="+ 7 days").click()
    expect(page.locator("#clock")).to_contain_text("the clock is there", timeout=60_000)
    expect(page.locator("h1")).to_contain_text(re.compile(r"7 d \d h ahead"))
    expect(page.get_by_role("button", name="+ 7 days")).to_be_visible()


def test_the_student_confirms_without_scripts(browser: Browser, desk: Served, ana: str):
    context = browser.new_context(java_script_enabled=False, base_url=desk.url)
    page = context.new_page()
    carry_session(page, desk, ana)
    page.goto("/sandbox")
    page.get_by_label("Student", exact=True).fill("Iris Novak")
    page.get_by_label("Test card").select_option("pm_card_authenticationRequired")
    page.get_by_role("button", name="Book", exact=True).click()
    page.get_by_role("button", name="Student confirms").click()
    expect(page.locator("#payment .said")).to_contain_text("has confirmed")
    desk.sandbox.drain()
    desk.tick()
    page.reload()
    expect(page.locator("#payment")).to_contain_text("$96.00 is held for Iris Novak")
    context.close()


def test_held_webhooks_go_out_in_reverse_and_one_of_them_again(signed_in: Page, desk: Served):
    page = signed_in
    page.goto("/sandbox")
    page.get_by_role("button", name="Hold them back").click()
    expect(page.locator("#webhooks-title")).to_have_text("Webhooks are held back")
    desk.book("Theo Lindqvist", 28 * HOUR)
    page.goto("/sandbox")
    expect(page.locator("#webhooks")).to_contain_text("Held back")
    page.get_by_role("button", name="Send all held, the newest first").click()
    expect(page.locator("#webhooks .said")).to_contain_text("webhooks were sent")
    row = page.locator(".deliveries tbody tr").first
    expect(row).to_contain_text("Sent")
    row.get_by_role("button", name="Send again").click()
    expect(page.locator("#webhooks .said")).to_have_text("1 webhook was sent.")
    expect(row).to_contain_text("2 times")
    page.get_by_role("button", name="Send them at once").click()
    expect(page.locator("#webhooks-title")).to_have_text("Webhooks are sent at once")


@pytest.fixture(scope="module")
def played(desk: Served) -> dict[str, str]:
    """Pages by name, over a sandbox with something of everything on it."""
    desk.sandbox.drain()
    desk.sandbox.webhooks("hold")
    held = desk.book("Maya Chen", 30 * HOUR)
    waiting = desk.book("Wei Zhang", 31 * HOUR, card="pm_card_authenticationRequired")
    declined = desk.book("Leo Brandt", 32 * HOUR, card="pm_card_chargeDeclined")
    paid = desk.book("Priya Nair", 33 * HOUR, is_package=True, package_id=desk.package)
    desk.sandbox.fault("after", "hang", "/v1/payment_intents/*/capture", times=3)
    return {
        "sandbox": "/sandbox",
        "sandbox-held": f"/sandbox?payment={held}&done=booked",
        "sandbox-waiting": f"/sandbox?payment={waiting}",
        "sandbox-declined": f"/sandbox?payment={declined}",
        "sandbox-paid": f"/sandbox?payment={paid}",
        "sandbox-nobody": "/sandbox?payment=nobody",
    }


@pytest.mark.parametrize(("size", "theme"), LOOKS)
def test_the_playground_has_no_barrier_and_does_not_scroll_sideways(
    browser: Browser, desk: Served, ana: str, played: dict[str, str], theme: str, size: str
):
    width, height = SIZES[size]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=theme,  # type: ignore[arg-type]
        base_url=desk.url,
    )
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    carry_session(page, desk, ana)
    PICTURES.mkdir(parents=True, exist_ok=True)
    wrong: list[str] = []
    for name, address in played.items():
        page.goto(address)
        wrong += [f"{name}: {one}" for one in violations(page)]
        by = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        wrong += [f"{name} scrolls sideways by {by} px"] if by > 0 else []
        page.screenshot(path=PICTURES / f"{name}-{size}-{theme}.png", full_page=True)
    context.close()
    assert not wrong, "\n".join(wrong)
    assert complaints == []
