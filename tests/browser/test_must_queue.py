"""What must be so of the queue, statement by statement: order, counts, address and keys.

The number in a test's name is that of the statement in docs/desk.md.
"""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from dashboard import clock
from dashboard.payments.tables import StripeEvent
from tests.alerts import scenes
from tests.browser.conftest import carry_session
from tests.browser.served import Served, served

pytestmark = pytest.mark.browser
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Five holds, each in another hour; one ends within two hours, and one is in yen."""
    with served(tmp_path_factory.mktemp("queue")) as running:
        running.book("Nils Berg", 60 * HOUR)
        running.book("Maya Chen", HOUR / 2, hold_for=HOUR * 1.75)
        running.book("Leo Brandt", 2 * HOUR, hold_for=9 * HOUR)
        running.book("Haruka Sato", 3 * HOUR, hold_for=20 * HOUR, teacher="Tomo Abe")
        running.book("Eva Sol", 50 * HOUR)
        yield running


def ends(page: Page) -> list[str]:
    return [str(one.get_attribute("datetime")) for one in page.locator("td.ends time").all()]


def test_statement_01_the_soonest_end_comes_first_and_its_level_is_told(
    signed_in: Page, desk: Served
):
    page = signed_in
    page.goto("/holds?view=open")
    assert ends(page) == sorted(ends(page))
    assert len(ends(page)) == 5
    levels = [str(one.get_attribute("class")) for one in page.locator("td.ends .countdown").all()]
    assert ["critical" in one for one in levels] == [True, False, False, False, False], levels
    assert ["urgent" in one for one in levels] == [False, True, True, False, False], levels
    first = page.locator("[data-row]").first
    # A hold of an hour and 45 minutes has less than that left, and is never said to have more.
    expect(first.locator(".countdown")).to_have_text(re.compile(r"^1 h (44|43) min$"))
    expect(first.locator("time")).to_have_text(re.compile(r"\d\d:\d\d E[SD]T"))
    inverse = first.locator(".countdown")
    colours = inverse.evaluate(
        "one => [getComputedStyle(one).backgroundColor, getComputedStyle(document.body).color]"
    )
    assert colours[0] == colours[1], colours


def test_statement_02_heading_strip_counts_and_rows_agree_and_one_capture_moves_all(
    signed_in: Page, desk: Served
):
    page = signed_in
    page.goto("/holds?view=expiring")
    _agree(page, dollars=2, yen=1)
    hold = str(page.locator("[data-row]", has_text="Leo Brandt").get_attribute("id")).split("-")[1]
    stayed = page.evaluate("window.stayed = true")
    page.locator(f"#capture-{hold}").click()
    page.get_by_role("dialog").get_by_role("button", name="Capture $96.00").click()
    expect(page.locator("#flash")).to_have_text("Leo paid $96.00.")
    _agree(page, dollars=1, yen=1)
    assert stayed
    assert page.evaluate("window.stayed"), "the page was loaded again"


def _agree(page: Page, dollars: int, yen: int) -> None:
    count = dollars + yen
    expect(page.locator("[data-row]")).to_have_count(count)
    here = page.locator(".views a[aria-current=true] .count")
    expect(here.first).to_have_text(str(count))
    expect(page.locator("#finding")).to_contain_text(f"${dollars * 96}.00")
    expect(page.locator("#finding")).to_contain_text("¥9,600")
    counted = 0
    for bar in page.locator(".bars a").all():
        said = f"{bar.get_attribute('aria-label') or ''} {bar.text_content() or ''}"
        counted += int(re.search(r"(\d+) holds?", said)[1])  # type: ignore[index]
    assert counted == count


def test_statement_10_what_is_searched_for_opens_and_the_address_holds_the_rest(
    browser: Browser, signed_in: Page, desk: Served
):
    page = signed_in
    page.goto("/holds?view=open")
    row = page.locator("[data-row]", has_text="Nils Berg")
    hold = str(row.get_attribute("id")).split("-")[1]
    number = row.locator(".number").inner_text()
    intent = str(desk.payment(int(hold)).stripe_intent_id)
    for exact in (number, number.strip("#"), intent, "nils.berg@example.test"):
        page.goto("/holds")
        page.get_by_label("Find").fill(exact)
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile(f"/holds/{hold}$"))
    page.goto("/holds?view=open")
    page.get_by_label("Find").fill("example.test")
    page.get_by_label("Expires").select_option("Next 3 days")
    page.get_by_role("button", name="Apply").click()
    rows = page.locator("[data-row]")
    shown = rows.count()
    assert shown >= 2
    address, seen = page.url, rows.all_inner_texts()
    page.reload()
    expect(page.get_by_label("Find")).to_have_value("example.test")
    page.locator(".opens").first.click()
    page.go_back()
    expect(page).to_have_url(address)
    other = browser.new_context(base_url=desk.url)
    colleague = other.new_page()
    carry_session(colleague, desk, desk.staff("finance"))
    colleague.goto(address)
    expect(colleague.locator("[data-row]")).to_have_count(shown)
    assert [one.split("\n")[0] for one in colleague.locator("[data-row]").all_inner_texts()] == [
        one.split("\n")[0] for one in seen
    ]
    other.close()


def test_statement_12_keys_move_select_and_open_and_none_of_them_moves_money(
    signed_in: Page, desk: Served
):
    page = signed_in
    page.goto("/holds?view=open")
    before = len(desk.sandbox.requests())
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    expect(page.locator("[data-row]").first).to_have_class(re.compile("chosen"))
    page.keyboard.press("x")
    expect(page.locator("[data-row] input[type=checkbox]").first).to_be_checked()
    page.keyboard.press("x")
    expect(page.locator("[data-row] input[type=checkbox]").first).not_to_be_checked()
    for key, verb in (("c", "Capture"), ("l", "Release")):
        page.keyboard.press(key)
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text(f"{verb} ")
        # Whatever is pressed again inside of it opens nothing and sends nothing.
        page.keyboard.press(key)
        page.keyboard.press("Escape")
        expect(dialog).to_be_hidden()
    page.keyboard.press("?")
    expect(page.get_by_role("heading", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    expect(page.locator("#search")).to_be_focused()
    page.keyboard.type("cljkx?")
    expect(page.locator("#search")).to_have_value("cljkx?")
    expect(page.locator("dialog[open]")).to_have_count(0)
    page.locator("#search").blur()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/holds/\d+$"))
    assert len(desk.sandbox.requests()) == before


def test_statement_17_a_late_sweep_and_a_waiting_webhook_are_told_on_every_page(
    signed_in: Page, desk: Served
):
    page = signed_in
    page.goto("/holds")
    expect(page.locator("header .late")).to_have_count(0)
    desk.run(scenes.beat(ago=timedelta(minutes=40)))
    for address in ("/holds", "/tickets", "/mail"):
        page.goto(address)
        expect(page.locator("header .late")).to_contain_text("40 min")
    desk.run(scenes.beat(ago=timedelta(minutes=14)))
    page.goto("/holds")
    expect(page.locator("header .late")).to_have_count(0)
    # Stripe's next word is kept and not worked on.
    desk.run(_left_waiting(timedelta(minutes=16)))
    page.goto("/holds")
    expect(page.locator("header .late")).to_contain_text("16 min")


async def _left_waiting(ago: timedelta) -> None:
    then = clock.now() - ago
    row = {"id": "evt_waits", "type": "charge.refunded", "created_at": then, "received_at": then}
    # Somebody's claim keeps it from being handled meanwhile.
    await StripeEvent.insert(StripeEvent(**row, due_at=clock.now() + timedelta(minutes=1)))
