"""The whole job with a keyboard alone: no step of it uses a mouse, or names an element to click."""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from dashboard.payments.facts import Status
from tests.browser.served import PASSWORD, Served

pytestmark = pytest.mark.browser
HOUR = timedelta(hours=1)
# More stops than any page has before the place that is looked for.
MOST = 80


def tab_to(page: Page, what: str) -> None:
    """Press Tab until what has the focus is called so, and see that the focus shows."""
    for step in range(MOST):
        if step:
            page.keyboard.press("Tab")
        if what in _called(page):
            drawn = page.evaluate(
                "() => { const one = getComputedStyle(document.activeElement);"
                " return one.outlineStyle !== 'none' || one.boxShadow !== 'none' }"
            )
            assert drawn, f"nothing shows that {what} has the focus"
            return
    raise AssertionError(f"no Tab leads to {what}")


def _called(page: Page) -> str:
    """The name of what has the focus: its text, its label, or its value."""
    said: str = page.evaluate(
        "() => { const one = document.activeElement;"
        " if (one.matches('body, main, dialog')) return '';"
        " const label = one.labels?.[0]?.textContent ?? '';"
        " return [one.getAttribute('aria-label') ?? '', label,"
        "  one.matches('input, select, textarea') ? '' : one.textContent].join(' ')"
        "  .replace(/\\s+/g, ' ') }"
    )
    return said


def test_the_whole_job_is_done_by_keyboard(page: Page, desk: Served, ana: str):
    hold = desk.book("Maya Chen", 2 * HOUR, hold_for=9 * HOUR)
    other = desk.book("Leo Brandt", 3 * HOUR, hold_for=10 * HOUR)
    page.goto("/holds")
    tab_to(page, "E-mail")
    page.keyboard.type(ana)
    tab_to(page, "Password")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/holds$"))
    _capture_in_part(page)
    assert desk.payment(hold).captured_amount == 6000
    _refund(page)
    assert desk.payment(hold).payment_status == Status.REFUNDED
    _release(page, other)
    assert desk.payment(other).payment_status == Status.RELEASED
    tab_to(page, "Sign out")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/sign-in$"))


def _capture_in_part(page: Page) -> None:
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator("#finding")).to_contain_text("Maya Chen")
    page.keyboard.press("c")
    expect(page.locator("dialog[open]")).to_be_visible()
    tab_to(page, "All of it")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_label("Amount in USD")).to_be_focused()
    page.keyboard.type("60")
    tab_to(page, "Capture $60.00")
    page.keyboard.press("Enter")
    expect(page.locator("#flash")).to_have_text("Maya paid $60.00. $36.00 went back to the card.")
    # For 20 ms what was swapped in is plain: its links lead to pages, and a person is slower.
    expect(page.locator(".htmx-settling, .htmx-added, .htmx-swapping")).to_have_count(0)


def _refund(page: Page) -> None:
    page.keyboard.press("f")
    expect(page.locator("dialog[open]")).to_be_visible()
    tab_to(page, "Reason")
    page.keyboard.type("Lesson went")
    tab_to(page, "Refund $60.00")
    page.keyboard.press("Space")
    expect(page.locator("#finding")).to_have_text("$60.00 was refunded to Maya Chen")


def _release(page: Page, payment_id: int) -> None:
    tab_to(page, "Holds")
    page.keyboard.press("Enter")
    expect(page.locator(f"#hold-{payment_id}")).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type("leo.brandt@example.test")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"/holds/{payment_id}$"))
    page.keyboard.press("l")
    expect(page.locator("dialog[open]")).to_be_visible()
    tab_to(page, "Reason")
    page.keyboard.type("Booked twice")
    # A form is sent from its last button only: Enter in a field would be too easy.
    tab_to(page, "Release $96.00")
    page.keyboard.press("Enter")
    expect(page.locator("#finding")).to_have_text("$96.00 went back to Leo Brandt, never charged")
