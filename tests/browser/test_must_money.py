"""What must be so of money on the desk, by statement: what may be pressed, and what it does.

The number in a test's name is that of the statement in docs/desk.md.
"""

import asyncio
import re
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser import scene
from tests.browser.conftest import carry_session
from tests.browser.served import Served

pytestmark = pytest.mark.browser
HOUR = timedelta(hours=1)
BUSY = re.compile(r"Capturing… Ana, \d\d:\d\d")


def test_statement_03_an_entry_says_who_how_much_when_and_where_and_it_adds_up(
    signed_in: Page, desk: Served
):
    hold = desk.book("Ada Okafor", 40 * HOUR)
    page = signed_in
    page.goto(f"/holds/{hold}/capture")
    page.get_by_label("Part of it").check()
    page.get_by_label("Amount in USD").fill("60")
    page.get_by_role("button", name="Capture $60.00").click()
    entry = page.locator("#story li", has_text="aptured").first
    expect(entry).to_contain_text("Ana")
    expect(entry.locator(".amount")).to_have_text("$60.00")
    assert re.match(r"\d{4}-\d\d-\d\dT", str(entry.locator("time").get_attribute("datetime")))
    # The sandbox has no dashboard to lead to: there the object is named.
    expect(entry.locator("code")).to_have_text(re.compile("^(pi|ch)_"))
    held, captured, released, still = (
        _cents(page.locator(".sums tr", has=page.get_by_role("rowheader", name=name, exact=True)))
        for name in ("Held", "Captured", "Released", "Still held")
    )
    assert (held, captured, released, still) == (9600, 6000, 3600, 0)
    assert held == captured + released + still


def _cents(figure: Locator) -> int:
    said = re.search(r"\$([\d,]+)\.(\d\d)", figure.first.inner_text())
    assert said is not None, figure.first.inner_text()
    return int(said[1].replace(",", "") + said[2])


def test_statement_04_while_an_operation_is_open_everyone_sees_it_and_nobody_can_press(
    browser: Browser, signed_in: Page, desk: Served
):
    hold = desk.book("Mira Holm", 60 * HOUR)
    desk.sandbox.fault("before", "hang", "/v1/payment_intents/*/capture")
    sent = asyncio.run_coroutine_threadsafe(
        scene._move(scene.Verb.CAPTURE, hold, None, clear=False), desk.loop
    )
    other = browser.new_context(base_url=desk.url)
    colleague = other.new_page()
    carry_session(colleague, desk, desk.staff("finance"))
    for page in (signed_in, colleague):
        page.goto(f"/holds/{hold}")
        expect(page.locator("#why")).to_contain_text(BUSY)
        expect(page.locator(f"#capture-{hold}, #release-{hold}")).to_have_count(0)
        page.goto("/holds?view=open")
        row = page.locator(f"#hold-{hold}")
        expect(row).to_contain_text(BUSY)
        expect(row.locator(".acts .button")).to_have_count(0)
    desk.sandbox.control("DELETE", "faults")
    sent.result(60)
    for page in (signed_in, colleague):
        page.goto(f"/holds/{hold}")
        expect(page.locator("#why")).to_contain_text(
            "We don't know yet whether $96.00 was captured"
        )
        expect(page.locator(f"#capture-{hold}, #release-{hold}")).to_have_count(0)
    # Stripe refuses a key whose request it still works on.
    desk.advance(HOUR / 12)
    colleague.get_by_role("button", name="Ask Stripe again").click()
    expect(colleague.locator("#finding")).to_have_text("Mira Holm paid $96.00")
    other.close()


def test_statement_05_the_last_button_says_what_it_does_and_the_sentence_follows_the_amount(
    signed_in: Page, desk: Served
):
    hold = desk.book("Maya Chen", 41 * HOUR)
    page = signed_in
    page.goto(f"/holds/{hold}")
    for opens, last in (("capture", "Capture $96.00"), ("release", "Release $96.00")):
        page.locator(f"#{opens}-{hold}").click()
        dialog = page.get_by_role("dialog")
        expect(dialog.locator(".primary")).to_have_text(last)
        for vague in ("OK", "Yes", "Confirm", "Submit"):
            expect(dialog.get_by_role("button", name=vague, exact=True)).to_have_count(0)
        expect(dialog).to_contain_text("This can’t be undone.")
        page.keyboard.press("Escape")
    page.locator(f"#capture-{hold}").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Part of it").check()
    field = dialog.get_by_label("Amount in USD")
    for typed, taken, rest in (("60", "$60.00", "$36.00"), ("95.99", "$95.99", "$0.01")):
        field.fill(typed)
        expect(dialog).to_contain_text(f"Maya pays {taken}; {rest} goes back to the card.")
        expect(dialog.locator(".primary")).to_have_text(f"Capture {taken}")
    field.fill("96.01")
    with page.expect_response("**/captures") as answered:
        dialog.locator(".primary").click()
    assert answered.value.status == 422
    expect(dialog.locator("#amount-fault")).to_have_text("Enter $96.00 or less.")
    expect(dialog.get_by_label("Amount in USD")).to_be_focused()


def test_statement_06_only_what_is_legal_is_in_the_page_and_the_rest_is_refused(
    signed_in: Page, desk: Served
):
    page = signed_in
    held = desk.book("Eva Sol", 42 * HOUR)
    captured, released = desk.book("Max Ito", 43 * HOUR), desk.book("Lea Fox", 44 * HOUR)
    declined = desk.book("Wei Zhang", 45 * HOUR, card="pm_card_chargeDeclined")
    scene.move(desk, scene.Verb.CAPTURE, captured)
    scene.move(desk, scene.Verb.RELEASE, released, reason="requested_by_customer")
    legal = {held: ["capture", "release"], captured: ["refund"], released: [], declined: []}
    for hold, verbs in legal.items():
        page.goto(f"/holds/{hold}")
        shown = [
            verb
            for verb in ("capture", "release", "refund")
            if page.locator(f"#{verb}-{hold}").count()
        ]
        assert shown == verbs, hold
    form = page.request.get(f"/holds/{held}/release").text()
    fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form))
    before = len(desk.money_calls("/cancel"))
    answer = page.request.post(
        f"/holds/{captured}/releases",
        form=fields | {"reason": "requested_by_customer"},
        headers={"Accept": "text/html"},
    )
    assert answer.status == 409
    assert len(desk.money_calls("/cancel")) == before


def test_statement_07_a_reason_is_required_and_a_stale_form_is_told_the_fresh_numbers(
    signed_in: Page, desk: Served
):
    hold = desk.book("Ola Nyberg", 46 * HOUR)
    page = signed_in
    page.goto(f"/holds/{hold}")
    page.locator(f"#release-{hold}").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Release $96.00").click()
    expect(dialog.locator("#reason-fault")).to_be_visible()
    dialog.get_by_label("Reason").select_option("Other")
    dialog.get_by_role("button", name="Release $96.00").click()
    expect(dialog.locator("#note-fault")).to_be_visible()
    expect(dialog.get_by_label("Note")).to_be_focused()
    page.keyboard.press("Escape")
    scene.move(desk, scene.Verb.CAPTURE, hold)
    page.goto(f"/holds/{hold}")
    page.locator(f"#refund-{hold}").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").select_option("Lesson went wrong")
    scene.move(desk, scene.Verb.REFUND, hold, 4000, reason="lesson_went_wrong")
    with page.expect_response("**/refunds") as answered:
        dialog.get_by_role("button", name="Refund $96.00").click()
    assert answered.value.status == 409
    expect(dialog).to_contain_text("$56.00")
    assert len(desk.money_calls("/v1/refunds")) == 1


def test_statement_08_a_double_click_two_tabs_and_the_back_button_are_one_call(
    signed_in: Page, desk: Served
):
    hold = desk.book("Jun Park", 47 * HOUR)
    before = len(desk.money_calls("/capture"))
    page = signed_in
    page.goto(f"/holds/{hold}/capture")
    second = page.context.new_page()
    second.goto(f"/holds/{hold}/capture")
    page.get_by_role("button", name="Capture $96.00").dblclick()
    expect(page.locator("#finding")).to_have_text("Jun Park paid $96.00")
    second.get_by_role("button", name="Capture $96.00").click()
    expect(second.locator("#trouble, #hold").first).to_contain_text(
        re.compile("Nothing was charged twice|paid")
    )
    page.go_back()
    button = page.get_by_role("button", name="Capture $96.00")
    if button.count():
        button.click()
        expect(page.locator("#hold")).to_be_visible()
    assert len(desk.money_calls("/capture")) == before + 1


def test_statement_13_dialogs_give_the_focus_back_and_swaps_are_announced(
    signed_in: Page, desk: Served
):
    hold = desk.book("Tim Ray", 48 * HOUR)
    page = signed_in
    page.goto(f"/holds/{hold}")
    for way in ("Escape", "Back"):
        page.locator(f"#release-{hold}").press("Enter")
        dialog = page.locator("dialog[open]")
        expect(dialog).to_be_visible()
        page.wait_for_function("() => document.activeElement.closest('dialog') !== null")
        if way == "Escape":
            page.keyboard.press("Escape")
        else:
            dialog.get_by_role("button", name="Back").click()
        expect(page.locator("dialog[open]")).to_have_count(0)
        expect(page.locator(f"#release-{hold}")).to_be_focused()
    page.evaluate("window.stays = true")
    page.locator(f"#capture-{hold}").press("Enter")
    page.locator("dialog[open]").get_by_role("button", name="Capture $96.00").press("Enter")
    told = page.locator("#flash")
    expect(told).to_have_text("Tim paid $96.00.")
    expect(told).to_have_attribute("role", "status")
    # However soon the key follows, the form in the dialog is sent by its script.
    assert page.evaluate("window.stays")
    # The button is gone: the focus is somewhere on the page and not lost with it.
    page.wait_for_function("() => document.activeElement !== document.body")


def test_statement_18_what_was_typed_comes_back_exactly(signed_in: Page, desk: Served):
    odd = '  <b>Zoë</b> & "Ola"\n% 100 \' ; DROP — 日本 🙂'
    hold = desk.book("Zoe Kim", 49 * HOUR)
    page = signed_in
    page.goto(f"/holds/{hold}")
    page.locator(f"#capture-{hold}").click()
    page.locator("dialog[open]").get_by_label("Part of it").check()
    page.locator("dialog[open]").get_by_label("Amount in USD").fill("ninety-six")
    page.locator("dialog[open] .primary").click()
    # While the form is on its way Escape waits for its answer.
    expect(page.locator("dialog[open]").locator("#amount-fault")).to_be_visible()
    expect(page.locator("dialog[open]").get_by_label("Amount in USD")).to_have_value("ninety-six")
    page.locator("dialog[open]").get_by_role("button", name="Back").click()
    expect(page.locator("dialog[open]")).to_have_count(0)
    page.locator(f"#release-{hold}").click()
    dialog = page.locator("dialog[open]")
    dialog.get_by_label("Note").fill(odd)
    dialog.get_by_role("button", name="Release $96.00").click()
    expect(dialog.locator("#reason-fault")).to_be_visible()
    expect(dialog.get_by_label("Note")).to_have_value(odd)
    dialog.get_by_label("Reason").select_option("Other")
    dialog.get_by_role("button", name="Release $96.00").click()
    shown = page.locator("#story .sub", has_text="DROP")
    expect(shown.first).to_contain_text('<b>Zoë</b> & "Ola"')
    expect(shown.first).to_contain_text("DROP — 日本 🙂")
    page.goto("/holds")
    page.get_by_label("Find").fill("<i>'% 日本")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Find")).to_have_value("<i>'% 日本")
