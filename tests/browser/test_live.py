"""Two people at one desk: what one does, the other sees, without losing what they are at."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from dashboard import db
from dashboard.payments.facts import Verb
from dashboard.staff.tables import StaffSession
from tests.browser import scene
from tests.browser.conftest import carry_session, violations
from tests.browser.served import Served

pytestmark = pytest.mark.browser
HOUR = timedelta(hours=1)
# What others do is seen within so many milliseconds.
PROMISE = 5000


@pytest.fixture
def other(browser: Browser, desk: Served) -> Iterator[Page]:
    """Somebody else's browser, at the same desk."""
    context = browser.new_context(base_url=desk.url)
    page = context.new_page()
    carry_session(page, desk, desk.staff("finance"))
    yield page
    context.close()


def capture(page: Page, hold: int) -> None:
    page.goto(f"/holds/{hold}/capture")
    page.get_by_role("button", name="Capture $96.00").click()
    expect(page.locator("#flash")).to_contain_text("paid $96.00.")


def test_a_capture_elsewhere_is_seen_on_the_queue_and_nothing_typed_is_lost(
    signed_in: Page, other: Page, desk: Served
):
    hold = desk.book("Maya Chen", 20 * HOUR)
    stays = desk.book("Leo Brandt", 21 * HOUR)
    page = signed_in
    page.goto("/holds")
    search = page.locator("#search")
    search.press_sequentially("half a na")
    search.evaluate("one => one.setSelectionRange(2, 5)")
    page.evaluate("document.getElementById('search').kept = true")
    capture(other, hold)
    expect(page.locator(f"#hold-{hold}")).to_have_count(0)
    expect(page.locator(f"#hold-{stays}")).to_have_count(1)
    expect(page.locator("#live")).to_contain_text(re.compile(r"No longer in this list: #\d+ Maya"))
    assert search.evaluate(
        "one => [one.kept, one.value, one.selectionStart, one.selectionEnd]"
    ) == [
        True,
        "half a na",
        2,
        5,
    ]
    expect(search).to_be_focused()


def test_an_open_page_asks_often_enough_to_tell_within_five_seconds(signed_in: Page):
    page = signed_in
    # What it asks its clock for, for a busy machine's clock is late.
    page.add_init_script(
        "window.pauses = []; const real = window.setTimeout;"
        "window.setTimeout = (work, wait, ...more) => {"
        " if (work.name === 'look') window.pauses.push(wait); return real(work, wait, ...more); }"
    )
    page.goto("/holds")
    page.wait_for_function("() => window.pauses.length >= 3")
    pauses = page.evaluate("window.pauses")
    assert all(0 < pause < PROMISE for pause in pauses), pauses


def test_a_hold_s_page_follows_and_keeps_the_note_that_is_being_written(
    signed_in: Page, other: Page, desk: Served
):
    hold = desk.book("Ada Okafor", 30 * HOUR)
    page = signed_in
    page.goto(f"/holds/{hold}")
    note = page.locator("#desk-note")
    note.press_sequentially("She called and sa")
    page.evaluate("scrollTo(0, 120)")
    there = page.evaluate("scrollY")
    capture(other, hold)
    expect(page.locator("#finding")).to_have_text("Ada Okafor paid $96.00")
    expect(page.locator(f"#capture-{hold}")).to_have_count(0)
    expect(page.locator("#live")).to_contain_text("Ada Okafor: $96.00 paid")
    expect(note).to_have_value("She called and sa")
    expect(note).to_be_focused()
    assert page.evaluate("scrollY") == there
    page.keyboard.type("id yes.")
    page.get_by_role("button", name="Write the note").click()
    expect(page.locator("#story")).to_contain_text("She called and said yes.")


def test_a_movement_under_way_takes_the_buttons_away_everywhere_and_says_whose_it_is(
    signed_in: Page, desk: Served
):
    hold = desk.book("Ola Nyberg", 30 * HOUR)
    page = signed_in
    page.goto(f"/holds/{hold}")
    expect(page.locator(f"#capture-{hold}")).to_be_visible()
    desk.sandbox.fault("before", "drop", "/v1/payment_intents/*/capture")
    desk.run(scene._move(Verb.CAPTURE, hold, None, clear=False))
    expect(page.locator("#why")).to_contain_text("We don't know yet whether")
    expect(page.locator("[data-key]")).to_have_count(0)
    # The text of what is shown was selected meanwhile, and is still.
    page.evaluate("getSelection().selectAllChildren(document.getElementById('finding'))")
    desk.sandbox.drain()
    page.wait_for_timeout(3500)
    assert page.evaluate("String(getSelection())") == page.locator("#finding").inner_text()


def test_the_focus_in_a_row_that_leaves_goes_to_the_next_one(
    signed_in: Page, other: Page, desk: Served
):
    first = desk.book("Jun Park", 2 * HOUR, hold_for=5 * HOUR)
    second = desk.book("Rosa Delgado", 2 * HOUR, hold_for=6 * HOUR)
    page = signed_in
    page.goto("/holds?view=expiring")
    page.locator(f"#open-{first}").focus()
    capture(other, first)
    expect(page.locator(f"#hold-{first}")).to_have_count(0)
    expect(page.locator(f"#open-{second}")).to_be_focused()
    # A row that is still here keeps its place under the finger.
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"/holds/{second}$"))


def test_a_lost_connection_is_said_with_its_time_until_it_is_back(signed_in: Page):
    page = signed_in
    page.goto("/holds")
    page.wait_for_timeout(100)
    page.route(re.compile("/holds"), lambda route: route.abort())
    lost = page.locator("#connection")
    expect(lost).to_have_text(
        re.compile(r"^Connection lost since \d\d:\d\d; this page may be old\.$"), timeout=30_000
    )
    assert violations(page) == []
    page.unroute_all()
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(lost).to_be_empty()


def test_answers_that_are_errors_are_said_with_the_name_of_the_request(signed_in: Page):
    page = signed_in
    page.goto("/holds")
    page.route(
        re.compile("/holds"),
        lambda route: route.fulfill(status=500, headers={"X-Request-Id": "abc12345"}, body="no"),
    )
    said = (
        r"^The desk answers with errors since \d\d:\d\d; this page may be old\. Request abc12345\.$"
    )
    expect(page.locator("#connection")).to_have_text(re.compile(said), timeout=30_000)
    expect(page.locator("#finding")).to_be_visible()


def test_a_page_that_nobody_sees_does_not_ask(signed_in: Page):
    page = signed_in
    page.goto("/holds")
    asked: list[str] = []
    page.on("request", lambda one: asked.append(one.url) if "/holds" in one.url else None)
    page.evaluate(
        "() => { Object.defineProperty(document, 'hidden', {get: () => window.away !== false});"
        " document.dispatchEvent(new Event('visibilitychange')); }"
    )
    page.wait_for_timeout(3500)
    assert asked == []
    with page.expect_request(re.compile("/holds")):
        page.evaluate(
            "() => { window.away = false; document.dispatchEvent(new Event('visibilitychange')); }"
        )
    assert len(asked) == 1


def test_who_was_signed_out_keeps_what_was_typed_and_goes_on_after_signing_in_again(
    signed_in: Page, desk: Served, ana: str
):
    hold = desk.book("Noor Haddad", 30 * HOUR)
    page = signed_in
    page.goto(f"/holds/{hold}")
    page.locator("#desk-note").press_sequentially("Kept through the night")
    desk.run(_sign_all_out())
    expect(page.locator("#connection")).to_contain_text("You are signed out.")
    expect(page.locator("#connection a")).to_have_attribute("target", "_blank")
    carry_session(page, desk, ana)
    page.evaluate("dispatchEvent(new Event('focus'))")
    expect(page.locator("#connection")).to_be_empty()
    page.get_by_role("button", name="Write the note").click()
    expect(page.locator("#story")).to_contain_text("Kept through the night")


async def _sign_all_out() -> None:
    async with db.transaction():
        await StaffSession.delete(force=True)
