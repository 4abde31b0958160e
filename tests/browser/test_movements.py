"""The whole job in a real browser: sign in, capture, in part, release, refund; one call each."""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from dashboard.payments.facts import Status
from tests.browser.conftest import carry_session
from tests.browser.served import PASSWORD, Served

pytestmark = pytest.mark.browser
HOUR = timedelta(hours=1)


def calls(desk: Served, path: str) -> int:
    return len(desk.money_calls(path))


def test_signing_in_leads_to_the_page_that_was_wanted(page: Page, desk: Served, ana: str):
    page.goto("/holds?view=failed")
    expect(page).to_have_url(re.compile("/sign-in"))
    page.get_by_label("E-mail").fill(ana)
    page.get_by_label("Password").fill("wrong password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("#sign-in-fault")).to_contain_text("don't match")
    expect(page.get_by_label("E-mail")).to_have_value(ana)
    expect(page.get_by_label("Password")).to_be_focused()
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/holds\\?view=failed$"))
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(re.compile("/sign-in$"))


def test_a_capture_from_the_queue_updates_all_of_it(signed_in: Page, desk: Served):
    hold = desk.book("Maya Chen", 2 * HOUR, hold_for=9 * HOUR)
    other = desk.book("Leo Brandt", 3 * HOUR, hold_for=10 * HOUR)
    before = calls(desk, "/capture")
    page = signed_in
    page.goto("/holds")
    expect(page.locator("#finding")).to_have_text(re.compile(r"2 holds worth \$192.00 expire"))
    page.locator(f"#capture-{hold}").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Maya pays $96.00, all of the hold. This can’t be undone.")
    dialog.get_by_role("button", name="Capture $96.00").click()
    expect(dialog).to_be_hidden()
    expect(page.locator("#finding")).to_have_text(re.compile(r"1 hold worth \$96.00 expires"))
    expect(page.locator("#flash")).to_have_text("Maya paid $96.00.")
    expect(page.locator(f"#hold-{hold}")).to_have_count(0)
    expect(page.locator(f"#hold-{other}")).to_have_count(1)
    assert calls(desk, "/capture") == before + 1
    assert desk.payment(hold).captured_amount == 9600


def test_a_partial_capture_follows_the_amount(signed_in: Page, desk: Served):
    hold = desk.book("Maya Chen", 26 * HOUR)
    before = calls(desk, "/capture")
    page = signed_in
    page.goto(f"/holds/{hold}")
    page.get_by_role("link", name="Capture $96.00…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Part of it").check()
    amount = dialog.get_by_label("Amount in USD")
    expect(amount).to_be_focused()
    amount.press_sequentially("60")
    expect(dialog).to_contain_text(
        "Maya pays $60.00; $36.00 goes back to the card. This can’t be undone."
    )
    dialog.get_by_role("button", name="Capture $60.00").click()
    expect(page.locator("#flash")).to_have_text("Maya paid $60.00. $36.00 went back to the card.")
    expect(page.locator("#finding")).to_have_text("Maya Chen paid $60.00 of $96.00")
    assert calls(desk, "/capture") == before + 1


def test_too_much_is_said_at_the_field_with_the_focus_in_it(signed_in: Page, desk: Served):
    hold = desk.book("Maya Chen", 28 * HOUR)
    page = signed_in
    page.goto(f"/holds/{hold}")
    page.get_by_role("link", name="Capture $96.00…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Part of it").check()
    dialog.get_by_label("Amount in USD").press_sequentially("96.01")
    dialog.get_by_role("button", name="Capture").click()
    field = dialog.get_by_label("Amount in USD")
    expect(dialog).to_contain_text("Enter $96.00 or less.")
    expect(field).to_be_focused()
    expect(field).to_have_value("96.01")
    field.fill("95")
    dialog.get_by_role("button", name="Capture $95.00").click()
    expect(page.locator("#flash")).to_have_text("Maya paid $95.00. $1.00 went back to the card.")


def test_a_release_needs_its_reason(signed_in: Page, desk: Served):
    hold = desk.book("Ola Nyberg", 30 * HOUR)
    before = calls(desk, "/cancel")
    page = signed_in
    page.goto(f"/holds/{hold}")
    page.get_by_role("link", name="Release…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Release $96.00").click()
    expect(dialog).to_contain_text("Choose a reason.")
    expect(dialog.get_by_label("Reason")).to_be_focused()
    dialog.get_by_label("Reason").select_option("Student cancelled")
    dialog.get_by_role("button", name="Release $96.00").click()
    expect(page.locator("#finding")).to_have_text("$96.00 went back to Ola Nyberg, never charged")
    assert calls(desk, "/cancel") == before + 1
    assert desk.payment(hold).payment_status == Status.RELEASED


def test_a_refund_in_two_parts(signed_in: Page, desk: Served):
    hold = desk.book("Jun Park", 32 * HOUR)
    page = signed_in
    page.goto(f"/holds/{hold}/capture")
    page.get_by_role("button", name="Capture $96.00").click()
    expect(page.locator("#finding")).to_have_text("Jun Park paid $96.00")
    before = calls(desk, "/v1/refunds")
    for part, rest in (("40", "$56.00"), ("56", "nothing")):
        page.locator(f"#refund-{hold}").click()
        dialog = page.get_by_role("dialog")
        if part == "40":
            dialog.get_by_label("Part of it").check()
            dialog.get_by_label("Amount in USD").press_sequentially(part)
        expect(dialog).to_contain_text(f"back and has then paid {rest}")
        dialog.get_by_label("Reason").select_option("Lesson went wrong")
        dialog.get_by_role("button", name=f"Refund ${part}.00").click()
        expect(dialog).to_be_hidden()
    expect(page.locator("#finding")).to_have_text("$96.00 was refunded to Jun Park")
    assert calls(desk, "/v1/refunds") == before + 2


def test_8_a_double_click_and_the_back_button_are_one_call(signed_in: Page, desk: Served):
    hold = desk.book("Maya Chen", 34 * HOUR)
    before = calls(desk, "/capture")
    page = signed_in
    page.goto(f"/holds/{hold}/capture")
    page.get_by_role("button", name="Capture $96.00").dblclick()
    expect(page.locator("#finding")).to_have_text("Maya Chen paid $96.00")
    page.go_back()
    button = page.get_by_role("button", name="Capture $96.00")
    if button.count():
        button.click()
        expect(page.locator("#hold")).to_be_visible()
    assert calls(desk, "/capture") == before + 1


def test_15_whoever_comes_second_learns_who_was_first(signed_in: Page, desk: Served):
    hold = desk.book("Maya Chen", 36 * HOUR)
    page = signed_in
    page.goto(f"/holds/{hold}")
    page.locator(f"#capture-{hold}").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    rival = page.context.new_page()
    rival.goto(f"/holds/{hold}/capture")
    rival.get_by_role("button", name="Capture $96.00").click()
    expect(rival.locator("#finding")).to_have_text("Maya Chen paid $96.00")
    dialog.get_by_role("button", name="Capture $96.00").click()
    expect(dialog).to_contain_text("Nothing was charged twice.")
    expect(page.locator("#finding")).to_have_text("Maya Chen paid $96.00")
    dialog.get_by_role("button", name="Close").click()
    expect(dialog).to_be_hidden()


def test_an_unclear_answer_is_waited_for_and_told(signed_in: Page, desk: Served):
    hold = desk.book("Maya Chen", 38 * HOUR)
    page = signed_in
    page.goto(f"/holds/{hold}")
    desk.sandbox.fault("before", "drop", "/v1/payment_intents/*/capture")
    page.locator(f"#capture-{hold}").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Capture $96.00").click()
    expect(dialog).to_contain_text("Stripe hasn't answered. We don't know yet")
    dialog.get_by_role("button", name="Close").click()
    expect(page.locator(f"#capture-{hold}")).to_have_count(0)
    page.get_by_role("button", name="Ask Stripe again").click()
    expect(page.locator("#finding")).to_have_text("Maya Chen paid $96.00")
    assert desk.payment(hold).captured_amount == 9600


def test_13_escape_closes_a_dialog_and_the_focus_goes_back(signed_in: Page, desk: Served):
    hold = desk.book("Maya Chen", 40 * HOUR)
    page = signed_in
    page.goto("/holds?view=all")
    page.locator(f"#release-{hold}").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.locator(f"#release-{hold}")).to_be_focused()


def test_12_keys_open_forms_and_move_no_money(signed_in: Page, desk: Served):
    desk.book("Maya Chen", 42 * HOUR)
    page = signed_in
    page.goto("/holds?view=all")
    before = len(desk.sandbox.requests())
    page.keyboard.press("j")
    expect(page.locator("[data-row].chosen")).to_have_count(1)
    page.keyboard.press("c")
    expect(page.get_by_role("dialog")).to_contain_text("from Maya Chen")
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    expect(page.locator("#search")).to_be_focused()
    page.keyboard.type("jc?")
    expect(page.locator("#search")).to_have_value("jc?")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.locator("#search").blur()
    page.keyboard.press("?")
    page.get_by_label("Use these keys").uncheck()
    page.keyboard.press("Escape")
    page.reload()
    page.keyboard.press("j")
    expect(page.locator("[data-row].chosen")).to_have_count(0)
    assert len(desk.sandbox.requests()) == before


def test_a_page_that_lost_its_desk_says_so(signed_in: Page, desk: Served):
    hold = desk.book("Maya Chen", 44 * HOUR)
    page = signed_in
    page.goto(f"/holds/{hold}")
    page.locator(f"#capture-{hold}").click()
    dialog = page.get_by_role("dialog")
    page.route("**/captures", lambda route: route.abort())
    dialog.get_by_role("button", name="Capture $96.00").click()
    expect(dialog).to_contain_text("send it again: it can’t happen twice")
    page.unroute("**/captures")
    dialog.get_by_role("button", name="Capture $96.00").click()
    expect(page.locator("#finding")).to_have_text("Maya Chen paid $96.00")


def test_a_viewer_has_no_button(page: Page, desk: Served):
    hold = desk.book("Maya Chen", 50 * HOUR)
    carry_session(page, desk, desk.staff("viewer"))
    page.goto(f"/holds/{hold}")
    expect(page.locator("#finding")).to_contain_text("$96.00 is held for Maya Chen")
    assert page.locator(".acts .button").count() == 0
