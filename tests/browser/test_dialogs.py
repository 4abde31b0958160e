"""Dialogs in a real browser: nothing typed is lost, focus goes where it is needed and back."""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import Page, Route, expect

from dashboard import db
from dashboard.payments.facts import Verb
from dashboard.staff.tables import StaffSession
from tests.browser import scene
from tests.browser.conftest import carry_session, violations
from tests.browser.served import Served

pytestmark = pytest.mark.browser
HOUR = timedelta(hours=1)
TYPED = "Her train was late."


def open_release(page: Page, desk: Served, student: str) -> int:
    """A release dialog with a reason and a note in it."""
    hold = desk.book(student, 30 * HOUR)
    page.goto(f"/holds/{hold}")
    page.locator(f"#release-{hold}").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").select_option("Other")
    dialog.get_by_label("Note").fill(TYPED)
    return hold


def press_release(page: Page) -> None:
    page.get_by_role("dialog").get_by_role("button", name="Release $96.00").click()


def kept(page: Page) -> None:
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Note")).to_have_value(TYPED)
    expect(dialog.get_by_label("Reason")).to_have_value("other")


async def _sign_all_out() -> None:
    async with db.transaction():
        await StaffSession.delete(force=True)


def test_a_session_that_ends_under_a_dialog_keeps_the_form_and_it_goes_after_signing_in(
    signed_in: Page, desk: Served, ana: str
):
    page = signed_in
    hold = open_release(page, desk, "Ada Okafor")
    desk.run(_sign_all_out())
    press_release(page)
    trouble = page.locator("#dialog-trouble")
    expect(trouble).to_contain_text("You are not signed in any more")
    expect(trouble.get_by_role("link", name="Sign in")).to_have_attribute("target", "_blank")
    kept(page)
    assert violations(page) == []
    # In another tab: a new session, whose proof this page's form does not have.
    carry_session(page, desk, ana)
    page.route(re.compile(rf"/holds/{hold}(\?|$)"), lambda route: route.abort())
    press_release(page)
    expect(trouble).to_contain_text(re.compile("out of date|went back"))
    kept(page)
    press_release(page)
    expect(page.locator("#flash")).to_have_text(re.compile(r"^\$96\.00 went back to Ada"))


@pytest.mark.parametrize(
    ("status", "said"),
    [(500, "Something went wrong"), (503, "Out of reach"), (429, "Too many requests")],
)
def test_a_failure_stands_above_the_form_until_it_is_closed_or_the_form_goes_through(
    signed_in: Page, desk: Served, status: int, said: str
):
    page = signed_in
    hold = open_release(page, desk, "Leo Brandt")
    close = "<button data-dismiss>Close this message</button>"
    body = f'<section class="failure"><h2 id="trouble-title">{said}</h2>{close}</section>'
    headers = {
        "HX-Retarget": "#dialog-trouble",
        "HX-Reswap": "innerHTML",
        "HX-Reselect": ".failure",
        "Content-Type": "text/html",
    }

    def fail(route: Route) -> None:
        route.fulfill(status=status, headers=headers, body=body)

    page.route(re.compile("/releases$"), fail)
    press_release(page)
    trouble = page.locator("#dialog-trouble")
    expect(trouble).to_contain_text(said)
    kept(page)
    page.wait_for_timeout(1500)
    expect(trouble).to_contain_text(said)
    trouble.get_by_role("button", name="Close this message").click()
    expect(trouble).to_be_empty()
    kept(page)
    press_release(page)
    expect(trouble).to_contain_text(said)
    page.unroute_all()
    press_release(page)
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.locator("#finding")).to_contain_text("went back to Leo Brandt")
    assert desk.payment(hold).payment_status == "released"


def test_a_form_that_can_t_be_opened_says_so_in_the_dialog_and_closes_again(
    signed_in: Page, desk: Served
):
    hold = desk.book("Rosa Delgado", 30 * HOUR)
    page = signed_in
    page.goto(f"/holds/{hold}")
    link = page.locator(f"#capture-{hold}")
    link.evaluate(
        "one => { one.setAttribute('hx-get', '/holds/999999/capture'); htmx.process(one) }"
    )
    link.click()
    dialog = page.get_by_role("dialog", name="There is nothing here")
    expect(dialog).to_contain_text(re.compile("Request [0-9a-f]{12}"))
    expect(dialog.get_by_role("button", name="Close this message")).to_be_focused()
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    expect(link).to_be_focused()


def test_a_lost_connection_is_said_above_the_form(signed_in: Page, desk: Served):
    page = signed_in
    open_release(page, desk, "Jun Park")
    page.route(re.compile("/releases$"), lambda route: route.abort())
    press_release(page)
    expect(page.locator("#dialog-trouble")).to_contain_text("The desk can’t be reached.")
    kept(page)
    page.unroute_all()
    press_release(page)
    expect(page.locator("#finding")).to_contain_text("went back to Jun Park")


def test_escape_waits_for_what_was_sent_and_its_outcome_is_always_told(
    signed_in: Page, desk: Served
):
    page = signed_in
    open_release(page, desk, "Sam Rivers")

    def slowly(route: Route) -> None:
        page.wait_for_timeout(700)
        route.continue_()

    page.route(re.compile("/releases$"), slowly)
    press_release(page)
    page.keyboard.press("Escape")
    expect(page.locator("#flash")).to_contain_text("went back to Sam")
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_7_a_note_for_what_somebody_else_ended_is_still_there_to_be_copied(
    signed_in: Page, desk: Served
):
    page = signed_in
    hold = open_release(page, desk, "Noor Haddad")
    scene.move(desk, Verb.CAPTURE, hold)
    press_release(page)
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Nothing was charged twice.")
    expect(dialog.get_by_label("What you had typed")).to_have_value(TYPED)


def test_12_keys_stay_off_across_pages_and_never_reach_a_form(signed_in: Page, desk: Served):
    hold = desk.book("Priya Nair", 30 * HOUR)
    page = signed_in
    page.goto(f"/holds/{hold}")
    note = page.locator("#desk-note")
    note.press_sequentially("clf? jk/")
    expect(note).to_have_value("clf? jk/")
    expect(page.get_by_role("dialog")).to_have_count(0)
    note.fill("")
    page.locator("#main").focus()
    page.keyboard.press("?")
    help_dialog = page.get_by_role("dialog", name="Keys")
    expect(help_dialog).to_be_visible()
    page.keyboard.press("c")
    expect(page.locator("#dialog")).to_be_hidden()
    help_dialog.get_by_label("Use these keys").uncheck()
    page.keyboard.press("Escape")
    expect(help_dialog).to_be_hidden()
    page.reload()
    page.keyboard.press("c")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("button", name="Keys").click()
    expect(help_dialog.get_by_label("Use these keys")).not_to_be_checked()
    help_dialog.get_by_label("Use these keys").check()
    page.keyboard.press("Escape")
    page.locator("#main").focus()
    page.keyboard.press("c")
    expect(page.get_by_role("dialog")).to_contain_text("Capture up to $96.00")
    page.keyboard.press("c")
    assert desk.payment(hold).payment_status == "authorized"


def test_a_key_pressed_as_a_dialog_closes_opens_the_next_form(signed_in: Page, desk: Served):
    hold = desk.book("Maya Chen", 2 * HOUR)
    signed_in.goto(f"/holds/{hold}")
    signed_in.keyboard.press("c")
    expect(signed_in.locator("dialog[open]")).to_be_visible()
    signed_in.evaluate(
        "(hold) => { document.getElementById('dialog').close();"
        " document.getElementById(`release-${hold}`).click(); }",
        hold,
    )
    expect(signed_in.locator("dialog[open]")).to_contain_text("Release")
    signed_in.keyboard.press("Escape")
    expect(signed_in.locator(f"#release-{hold}")).to_be_focused()
