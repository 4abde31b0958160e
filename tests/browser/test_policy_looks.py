"""Packages, waivers and what-if in a real Chromium: no barrier, nothing sideways, both themes."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from dashboard import clock, settings
from dashboard.bookings import actions
from dashboard.bookings.tables import Booking
from dashboard.payments.tables import Payment
from tests.browser.chromium import LOOKS
from tests.browser.conftest import carry_session
from tests.browser.looking import Look
from tests.browser.served import Served, served
from tests.world import ANA

pytestmark = pytest.mark.browser
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, dict[str, int]]]:
    """A desk with a package in use, a captured late fee, a held lesson and a far one."""
    with served(tmp_path_factory.mktemp("policies")) as desk:
        package = desk.book("Priya Nair", 30 * HOUR, is_package=True, package_id=desk.package)
        fee = desk.book("Leo Brandt", HOUR)
        desk.run(_cancel(fee))
        yield (
            desk,
            {
                "package": desk.run(_package(package)),
                "paid": package,
                "fee": fee,
                "held": desk.book("Maximiliane von Schwarzenberg-Lichtenfels", 50 * HOUR),
                "far": desk.book("Rosa Delgado", 24 * 12 * HOUR),
            },
        )


async def _booking(payment_id: int) -> Any:
    payment = await Payment.objects().get(Payment.id == payment_id)
    assert payment is not None
    found = await Booking.objects().get(Booking.purchase == payment.purchase)
    assert found is not None
    return found


async def _cancel(payment_id: int) -> None:
    await actions.cancel((await _booking(payment_id)).id, "student", "", ANA)


async def _package(payment_id: int) -> int:
    return int((await _booking(payment_id)).package)


def pages(found: dict[str, int]) -> list[tuple[str, str]]:
    held, far = f"/holds/{found['held']}/what-if", f"/holds/{found['far']}/what-if"
    return [
        ("package", f"/packages/{found['package']}"),
        ("package-refund", f"/packages/{found['package']}/refunds"),
        ("waive", f"/holds/{found['fee']}/waive"),
        ("hold-fee", f"/holds/{found['fee']}"),
        ("automation", f"/holds/{found['held']}/automation"),
        ("what-if", f"{held}?what=student_cancels&when=late"),
        ("what-if-early", f"{far}?what=instructor_cancels&when=late"),
        ("what-if-fault", f"{held}?when=at&at=never"),
        ("what-if-package", f"/holds/{found['paid']}/what-if?what=student_cancels&when=late"),
    ]


@pytest.mark.parametrize(("size", "theme"), LOOKS)
def test_14_no_page_of_policies_has_a_barrier_or_scrolls_sideways(
    browser: Browser, shop: tuple[Served, dict[str, int]], theme: str, size: str
):
    desk, found = shop
    look = Look(browser, desk, size, theme, "finance")
    for name, address in pages(found):
        look.page.goto(address)
        for letter in look.page.locator("details.letter").all():
            letter.locator("summary").click()
        look.at(name)
    look.page.context.close()
    assert not look.wrong, "\n".join(look.wrong)


def test_the_answer_follows_the_question_without_a_new_page(
    browser: Browser, shop: tuple[Served, dict[str, int]]
):
    desk, found = shop
    context = browser.new_context(base_url=desk.url)
    page = context.new_page()
    carry_session(page, desk, desk.staff("viewer"))
    page.goto(f"/holds/{found['held']}/what-if")
    page.evaluate("() => { window.stayed = true }")
    page.get_by_label("What happens").select_option("student_cancels")
    expect(page.locator("h1")).to_contain_text("has paid nothing in the end")
    page.get_by_label("When").select_option("late")
    expect(page.locator("h1")).to_contain_text("has paid $48.00 in the end")
    assert page.evaluate("window.stayed") is True
    assert "what=student_cancels" in page.url and "when=late" in page.url
    page.go_back()
    expect(page.locator("h1")).to_contain_text("has paid nothing in the end")
    context.close()


def test_a_time_that_is_typed_is_the_time_that_is_asked_about(
    browser: Browser, shop: tuple[Served, dict[str, int]]
):
    desk, found = shop
    page = _viewer(browser, desk)
    page.goto(f"/holds/{found['held']}/what-if?what=student_cancels")
    zone = settings.current().zone
    at = (clock.now() + 45 * HOUR).astimezone(zone).strftime("%Y-%m-%dT%H:%M")
    page.get_by_label("Time in").fill(at)
    page.get_by_label("Time in").blur()
    expect(page.locator("h1")).to_contain_text("has paid")
    expect(page.get_by_label("When")).to_have_value("at")
    expect(page.get_by_label("Time in")).to_have_value(at)
    page.context.close()


@pytest.mark.parametrize("scripts", [True, False])
def test_a_fee_is_waived_in_part_and_the_button_names_the_amount(
    browser: Browser, shop: tuple[Served, dict[str, int]], scripts: bool
):
    desk, _ = shop
    fee = desk.book("Ada Okafor", HOUR)
    desk.run(_cancel(fee))
    context = browser.new_context(base_url=desk.url, java_script_enabled=scripts)
    page = context.new_page()
    carry_session(page, desk, desk.staff("support"))
    page.goto(f"/holds/{fee}")
    page.get_by_role("link", name="Waive the fee of $48.00…").click()
    page.get_by_label("Part of it").check()
    page.get_by_label("To waive").fill("28")
    page.get_by_label("Why").fill("The train was late")
    if not scripts:
        page.get_by_role("button", name="Show what it does").click()
    expect(page.locator(".consequence")).to_contain_text("has then paid $20.00")
    page.get_by_role("button", name="Waive $28.00").click()
    expect(page.locator(".story")).to_contain_text("Fee waived")
    expect(page.locator(".story")).to_contain_text("The train was late")
    assert desk.payment(fee).refunded_amount == 2800
    context.close()


def _viewer(browser: Browser, desk: Served) -> Page:
    context = browser.new_context(base_url=desk.url, timezone_id="Asia/Tokyo")
    page = context.new_page()
    carry_session(page, desk, desk.staff("viewer"))
    return page
