"""Triage by keys in a real browser, its looks, and those of the pages of errors."""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from dashboard import clock, db
from dashboard.payments.tables import Payment, Purchase
from dashboard.staff.tables import StaffSession
from tests.browser.chromium import LOOKS
from tests.browser.conftest import carry_session
from tests.browser.looking import Look
from tests.browser.served import Served

pytestmark = pytest.mark.browser
HOUR = timedelta(hours=1)


async def _needs(payment_id: int) -> None:
    payment = await Payment.objects().get(Payment.id == payment_id)
    assert payment is not None
    now = clock.now()
    far = now + timedelta(days=3)
    await Purchase.update(
        {"attention": "keeps_failing", "attention_since": now, "due_at": far, "owed": 9600}
        | {"refused_count": 7, "refused_since": now - HOUR, "refused_last_at": now}
        | {"refused_error": "processing error", "capture_due_at": now - HOUR}
    ).where(Purchase.id == payment.purchase)


def needs(desk: Served, student: str, hours: int) -> int:
    hold = desk.book(student, 2 * HOUR, hold_for=hours * HOUR)
    desk.run(_needs(hold))
    return hold


async def _calm(payment_id: int) -> None:
    payment = await Payment.objects().get(Payment.id == payment_id)
    assert payment is not None
    await Purchase.update({"attention": None}).where(Purchase.id == payment.purchase)


async def _sign_out() -> None:
    async with db.transaction():
        await StaffSession.delete(force=True)


def _snooze(page: Page) -> None:
    """By its key, with each mistake once."""
    dialog = page.get_by_role("dialog")
    page.keyboard.press("s")
    expect(dialog.get_by_label("Why it can wait")).to_be_focused()
    dialog.get_by_role("button", name="Snooze").click()
    expect(dialog).to_contain_text("Say in a sentence why it can wait.")
    dialog.get_by_label("Another time").check()
    dialog.get_by_label("Date and time").fill("2020-01-01T10:00")
    dialog.get_by_label("Why it can wait").fill("The bank calls back at noon.")
    dialog.get_by_role("button", name="Snooze").click()
    expect(dialog).to_contain_text("Choose a time in the future.")
    expect(dialog.get_by_label("Date and time")).to_be_focused()
    expect(dialog.get_by_label("Why it can wait")).to_have_value("The bank calls back at noon.")
    dialog.get_by_label("For 4 hours").check()
    expect(dialog.get_by_label("Date and time")).to_be_hidden()
    dialog.get_by_role("button", name="Snooze").click()
    expect(dialog).to_be_hidden()
    expect(page.locator(".asleep")).to_contain_text("by Ana: The bank calls back at noon.")


def test_a_sitting_by_keys_from_the_first_to_the_sentence_at_the_end(signed_in: Page, desk: Served):
    first = needs(desk, "Maya Chen", 5)
    needs(desk, "Leo Brandt", 12)
    third = needs(desk, "Noor Haddad", 30)
    page = signed_in
    page.goto("/triage")
    finding, dialog = page.locator("#finding"), page.get_by_role("dialog")
    expect(finding).to_contain_text("$96.00 is held for Maya Chen")
    expect(page.locator(".crumbs")).to_contain_text("1 of 3 that need a person")
    page.keyboard.press("c")
    expect(dialog).to_contain_text("Maya pays $96.00")
    dialog.get_by_role("button", name="Capture $96.00").click()
    # What became of it is shown here; nothing else slips under the finger.
    expect(finding).to_have_text("Maya Chen paid $96.00")
    expect(page.locator("#flash")).to_have_text("Maya paid $96.00.")
    expect(page.locator("#next")).to_be_focused()
    page.keyboard.press("n")
    expect(finding).to_contain_text("Leo Brandt")
    _snooze(page)
    page.keyboard.press("n")
    expect(finding).to_contain_text("Noor Haddad")
    page.keyboard.press("l")
    expect(dialog).to_contain_text("Release $96.00 to Noor Haddad")
    page.keyboard.press("Escape")
    expect(page.locator(f"#release-{third}")).to_be_focused()
    page.keyboard.press("n")
    did = r"You captured 1 \(\$96\.00\), snoozed 1; (1 is|\d are) left, "
    expect(finding).to_have_text(re.compile(did))
    expect(page.locator(".deeds tbody tr")).to_have_count(2)
    assert desk.payment(first).payment_status == "captured"
    page.keyboard.press("n")
    expect(page).to_have_url(re.compile(r"/triage\?hold="))


def _triage(desk: Served, hold: int, look: Look) -> None:
    page = look.page
    page.goto("/triage")
    look.at("triage")
    page.locator("[data-key=s]").click()
    page.wait_for_selector("dialog[open]")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Another time").check()
    dialog.get_by_role("button", name="Snooze").click()
    expect(dialog.locator(".fault").first).to_be_visible()
    look.at("snooze", whole=False)
    dialog.get_by_label("For 1 hour").check()
    dialog.get_by_label("Why it can wait").fill("She calls back at noon, and then we know.")
    dialog.get_by_role("button", name="Snooze").click()
    expect(page.locator(".asleep")).to_be_visible()
    # Buttons change their colours in 120 ms.
    page.wait_for_timeout(200)
    look.at("triage-asleep")
    page.goto(f"/triage/done?since={page.url.rsplit('since=')[-1]}")
    expect(page.locator(".deeds")).to_be_visible()
    look.at("triage-done")
    desk.run(_calm(hold))


def _errors(desk: Served, hold: int, look: Look) -> None:
    page = look.page
    page.goto("/holds/999999")
    look.at("error-404")
    page.goto(f"/holds/{hold}")
    page.locator("#desk-note").fill("A note that outlives\nthe session of its author.")
    desk.run(_sign_out())
    page.get_by_role("button", name="Write the note").click()
    expect(page.locator(".failure")).to_contain_text("You are not signed in any more")
    look.at("error-401")
    carry_session(page, desk, desk.staff("support"))
    page.get_by_role("button", name="Send it again").click()
    expect(page.locator(".failure")).to_contain_text("This form is out of date")
    look.at("error-403")
    page.get_by_role("button", name="Send it again").click()
    expect(page.locator("#story")).to_contain_text("A note that outlives")


@pytest.mark.parametrize(("size", "theme"), LOOKS)
def test_14_triage_and_errors_have_no_barrier_nor_scroll_sideways(
    browser: Browser, desk: Served, size: str, theme: str
):
    hold = needs(desk, "Maximiliane von Schwarzenberg-Lichtenfels zu Hohenzollern", 4)
    look = Look(browser, desk, size, theme)
    _triage(desk, hold, look)
    _errors(desk, hold, look)
    look.page.context.close()
    assert not look.wrong, "\n".join(look.wrong)


def test_15_a_chosen_theme_is_there_with_the_first_byte(browser: Browser, desk: Served):
    context = browser.new_context(color_scheme="light", base_url=desk.url)
    page = context.new_page()
    carry_session(page, desk, desk.staff("viewer"))
    page.goto("/triage/done")
    page.get_by_role("button", name="Dark").click()
    for path in ("/holds", "/triage/done", "/holds/999999", "/sign-in"):
        answer = page.goto(path)
        assert answer is not None
        assert 'data-theme="dark"' in answer.text().split("<body")[0], path
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(14, 21, 19)"
    context.close()
