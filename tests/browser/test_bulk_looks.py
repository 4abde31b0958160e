"""Many holds at once in a real Chromium: no barrier, nothing sideways; by mouse, by key, bare."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from dashboard.batches import work as rows_of
from jobs import batches
from jobs.mail import send_mail
from tests.browser.chromium import LOOKS
from tests.browser.looking import Look, page_of
from tests.browser.served import Served, served

pytestmark = pytest.mark.browser
HOUR = timedelta(hours=1)
NAMES = ("Maya Chen", "Ada Okafor", "Leo Brandt", "Priya Nair", "Jun Park")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("bulk")) as desk:
        desk.sandbox.webhooks("drop")
        yield desk


async def _mixed() -> None:
    """What a worker leaves in the middle of its work."""
    due = await rows_of.due(10)
    for row in due[:-1]:
        await rows_of.carry_out(row)


def _heading(page: Page) -> Locator:
    return page.get_by_role("heading", level=1)


@pytest.mark.parametrize(("size", "theme"), LOOKS)
def test_14_many_holds_have_no_barrier_and_nothing_scrolls_sideways(
    browser: Browser, shop: Served, theme: str, size: str
):
    found = [shop.book(name, (40 + 3 * at) * HOUR) for at, name in enumerate(NAMES)]
    found.append(shop.book("Haruka Sato", 60 * HOUR, teacher="Tomo Abe"))
    look = Look(browser, shop, size, theme)
    page = look.page
    shop.run(send_mail())
    look.at("jobs", "/jobs")
    look.at("release-promise", f"/holds/{found[1]}/release")
    page.goto(f"/holds/{found[0]}/capture")
    page.get_by_role("button", name="Capture $96.00").click()
    expect(page.locator("#flash")).to_contain_text("Maya paid")
    page.goto("/holds")
    for one in found[1:3]:
        page.locator(f"#select-{one}").check()
    look.at("queue-selected")
    chosen = "".join(f"&hold={one}" for one in found)
    look.at("review-release", f"/jobs/review?verb=release{chosen}")
    page.get_by_role("button", name="Release 5 holds").click()
    expect(page.get_by_text("Choose a reason.")).to_be_visible()
    look.at("review-fault")
    look.at("review-none", "/jobs/review?verb=capture")
    look.at("review-capture", f"/jobs/review?verb=capture{chosen}")
    _watch(look, shop, found[1])
    look.at("jobs-done", "/jobs")
    page.context.close()
    assert not look.wrong, "\n".join(look.wrong)


def _watch(look: Look, shop: Served, declined: int) -> None:
    """Confirm the review, and look at the job half way and at its end."""
    path = f"/v1/payment_intents/{shop.payment(declined).stripe_intent_id}/capture"
    shop.sandbox.fault("before", "402", path)
    look.page.get_by_role("button", name="Capture 5 holds, $384.00 and ¥9,600").click()
    shop.run(_mixed())
    expect(look.page.get_by_role("status").filter(has_text="4 of 5 finished")).to_be_visible()
    look.at("job-going")
    shop.run(batches.carry_out_batches())
    expect(_heading(look.page)).to_contain_text("4 of 5 holds captured")
    look.at("job-done")


def test_a_selection_by_keys_is_captured_and_the_page_follows_without_a_reload(
    browser: Browser, shop: Served
):
    first, second = [shop.book(name, 20 * HOUR, 30 * HOUR) for name in ("Kay One", "Kay Two")]
    page = page_of(browser, shop)
    page.goto("/holds?q=Kay")
    expect(page.locator("#selection")).to_be_hidden()
    for _ in range(2):
        page.keyboard.press("j")
        page.keyboard.press("x")
    expect(page.locator("[data-selected]")).to_have_text("2 selected")
    # The list under it is replaced: what was selected stays so.
    swap = "{target: '#queue', select: '#queue', swap: 'outerHTML'}"
    page.evaluate(f"htmx.ajax('GET', location.href, {swap})")
    expect(page.locator(f"#select-{first}")).to_be_checked()
    expect(page.locator("[data-selected]")).to_have_text("2 selected")
    page.keyboard.press("j")
    page.get_by_role("button", name="Capture selected…").click()
    page.get_by_role("button", name="Capture 2 holds, $192.00").click()
    expect(_heading(page)).to_have_text("Capturing 2 holds, $192.00")
    shop.run(batches.carry_out_batches())
    expect(_heading(page)).to_have_text("2 holds captured, $192.00")
    assert [shop.payment(one).payment_status for one in (first, second)] == ["captured"] * 2
    page.context.close()


def test_all_of_a_page_are_selected_at_once_and_none_again(browser: Browser, shop: Served):
    for name in ("Allan One", "Allan Two", "Allan Three"):
        shop.book(name, 24 * HOUR)
    page = page_of(browser, shop)
    page.goto("/holds?q=Allan")
    page.get_by_label("Select all of this page").check()
    expect(page.locator("[data-selected]")).to_have_text("3 selected")
    page.locator('input[name="hold"]').first.uncheck()
    expect(page.locator("[data-selected]")).to_have_text("2 selected")
    assert page.locator("#select-all").evaluate("one => one.indeterminate")
    page.get_by_role("button", name="Select none").click()
    expect(page.locator("#selection")).to_be_hidden()
    expect(page.get_by_label("Select all of this page")).to_be_focused()
    page.context.close()


def test_the_whole_of_it_works_without_scripts(browser: Browser, shop: Served):
    found = [shop.book(name, 26 * HOUR) for name in ("Noa One", "Noa Two")]
    page = page_of(browser, shop, java_script_enabled=False)
    page.goto("/holds?q=Noa")
    page.get_by_role("link", name="Select all of this page").click()
    page.get_by_role("button", name="Release selected…").click()
    page.get_by_label("Reason").select_option("Booked twice")
    page.get_by_role("button", name="Release 2 holds, $192.00").click()
    expect(_heading(page)).to_have_text("Releasing 2 holds, $192.00")
    shop.run(batches.carry_out_batches())
    page.get_by_role("link", name="Look again").click()
    expect(_heading(page)).to_have_text("2 holds released, $192.00")
    assert [shop.payment(one).payment_status for one in found] == ["released"] * 2
    page.context.close()


def test_a_double_click_and_the_back_button_capture_once(browser: Browser, shop: Served):
    found = [shop.book(name, 28 * HOUR) for name in ("Dora One", "Dora Two")]
    page = page_of(browser, shop)
    before = len(shop.money_calls("/capture"))
    page.goto(f"/jobs/review?verb=capture&hold={found[0]}&hold={found[1]}")
    page.get_by_role("button", name="Capture 2 holds").dblclick()
    expect(_heading(page)).to_have_text("Capturing 2 holds, $192.00")
    page.go_back()
    page.get_by_role("button", name="Capture 2 holds").click()
    expect(_heading(page)).to_contain_text("2 holds")
    shop.run(batches.carry_out_batches())
    shop.run(batches.carry_out_batches())
    assert len(shop.money_calls("/capture")) == before + 2
    page.context.close()
