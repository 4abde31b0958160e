"""The whole job in a browser that runs no script: forms, redirects, and the same promises."""

from datetime import timedelta

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.served import PASSWORD, Served

pytestmark = pytest.mark.browser
HOUR = timedelta(hours=1)


def test_the_whole_job_works_without_scripts(browser: Browser, desk: Served, ana: str):
    context = browser.new_context(java_script_enabled=False, base_url=desk.url)
    page = context.new_page()
    page.goto("/sign-in")
    page.get_by_label("E-mail").fill(ana)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    hold = desk.book("Maya Chen", 46 * HOUR)
    page.goto(f"/holds/{hold}")
    page.locator(f"#capture-{hold}").click()
    page.get_by_label("Part of it").check()
    page.get_by_label("Amount in USD").fill("60")
    page.get_by_role("button", name="Show what it does").click()
    expect(page.locator(".consequence")).to_contain_text("Maya pays $60.00; $36.00 goes back")
    page.get_by_role("button", name="Capture $60.00").click()
    expect(page.locator("#flash")).to_have_text("Maya paid $60.00. $36.00 went back to the card.")
    page.locator(f"#refund-{hold}").click()
    page.get_by_label("Reason").select_option("Lesson went wrong")
    page.get_by_role("button", name="Refund $60.00").click()
    expect(page.locator("#finding")).to_have_text("$60.00 was refunded to Maya Chen")
    other = desk.book("Ola Nyberg", 48 * HOUR)
    page.goto(f"/holds/{other}/release")
    page.get_by_label("Reason").select_option("Booked twice")
    page.get_by_role("button", name="Release $96.00").click()
    expect(page.locator("#finding")).to_have_text("$96.00 went back to Ola Nyberg, never charged")
    page.get_by_role("button", name="Dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    context.close()
