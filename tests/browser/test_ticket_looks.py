"""Tickets in a real Chromium: no barrier, nothing sideways, both themes; worked by hand."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from dashboard.payments.actors import Actor
from dashboard.support import actions, links
from dashboard.support.actions import Opening, Word
from tests.browser.chromium import LOOKS
from tests.browser.conftest import carry_session, violations
from tests.browser.served import Served, served
from tests.world import ANA

pytestmark = pytest.mark.browser
PICTURES = Path(__file__).resolve().parent.parent.parent / "var" / "pictures"
SIZES = {"wide": (1280, 900), "narrow": (390, 844)}
HOUR = timedelta(hours=1)
LONG = (
    "Maya writes: my bank app shows $96.00 as spent since Friday.\n\nIs that a charge? "
    "https://bank.example.test/statements/2026/11/" + "0123456789abcdef" * 6
)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, int]]:
    """A desk with tickets of every status about one hold, and one about nobody."""
    with served(tmp_path_factory.mktemp("tickets")) as desk:
        held = desk.book("Maximiliane von Schwarzenberg-Lichtenfels", 50 * HOUR)
        desk.run(_open(held, "hold", "Why does my bank show $96.00 as spent?", LONG))
        desk.advance(27 * HOUR)
        desk.run(actions.note(1, Word(ANA, None, "Explained what a hold is.\nAsked which app.")))
        desk.run(_open(held, "refund", "When does the money come back?", "From the help form."))
        desk.run(actions.turn(2, "waiting", Word(Actor("Bo", "staff"), None, "Asked the bank.")))
        desk.run(_open(None, "other", "Invoice for a school?", "Somebody called."))
        desk.run(_open(held, "charge", "Charged twice?", "No: one hold, one capture."))
        desk.run(actions.turn(4, "closed", Word(ANA, None, "Explained.")))
        desk.advance(3 * HOUR)
        yield desk, held


async def _open(held: int | None, topic: str, subject: str, body: str) -> int:
    about = links.NOTHING if held is None else await links.of_payment(held)
    return await actions.open_ticket(Opening(topic, subject, body, about, ANA))


def _page(browser: Browser, desk: Served, role: str = "support", **options: object) -> Page:
    page = browser.new_context(base_url=desk.url, **options).new_page()  # type: ignore[arg-type]
    carry_session(page, desk, desk.staff(role))
    return page


@pytest.mark.parametrize(("size", "theme"), LOOKS)
def test_14_no_page_of_tickets_has_a_barrier_or_scrolls_sideways(
    browser: Browser, shop: tuple[Served, int], theme: str, size: str
):
    desk, held = shop
    width, height = SIZES[size]
    viewport = {"width": width, "height": height}
    page = _page(browser, desk, viewport=viewport, color_scheme=theme)
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    wrong: list[str] = []
    PICTURES.mkdir(parents=True, exist_ok=True)
    for name, address, press in (
        ("tickets", "/tickets?view=all", ""),
        ("tickets-open", "/tickets", ""),
        ("tickets-none", "/tickets?q=nothing", ""),
        ("ticket", "/tickets/1", ""),
        ("ticket-closed", "/tickets/4", ""),
        ("ticket-fault", "/tickets/1", "Write the note"),
        ("ticket-new", f"/tickets/new?hold={held}", ""),
        ("ticket-new-fault", "/tickets/new", "Open the ticket"),
        ("ticket-hold", f"/holds/{held}", ""),
        ("ticket-queue", "/holds", ""),
    ):
        page.goto(address)
        if press:
            page.get_by_role("button", name=press).click()
            expect(page.locator(".fault").first).to_be_visible()
        wrong += [f"{name}: {one}" for one in violations(page)]
        by = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        wrong += [f"{name} scrolls sideways by {by} px"] if by > 0 else []
        page.screenshot(path=PICTURES / f"{name}-{size}-{theme}.png", full_page=True)
    page.context.close()
    assert not wrong, "\n".join(wrong)
    assert not [one for one in complaints if "Content Security Policy" in one], complaints


@pytest.mark.parametrize("scripts", [True, False])
def test_a_ticket_is_opened_from_a_hold_worked_and_closed(
    browser: Browser, shop: tuple[Served, int], scripts: bool
):
    desk, _ = shop
    name = "Ada Okafor" if scripts else "Leo Brandt"
    held = desk.book(name, 60 * HOUR)
    page = _page(browser, desk, java_script_enabled=scripts)
    page.goto(f"/holds/{held}")
    page.get_by_role("link", name="Open a ticket…").click()
    page.get_by_label("Subject").fill("Is <b>this</b> a charge?")
    page.get_by_label("What was asked").fill("One\n  two")
    page.get_by_role("button", name="Open the ticket").click()
    expect(page.locator("h1")).to_contain_text("Is <b>this</b> a charge?")
    expect(page.locator(".notes .text")).to_have_text("One\n  two")
    page.get_by_label("Note, for the desk alone").fill("Called back.")
    page.get_by_role("button", name="Close the ticket").click()
    expect(page.locator("h1")).to_contain_text("Closed")
    page.goto(f"/holds/{held}")
    expect(page.locator(".story")).to_contain_text("closed")
    expect(page.locator(".story")).to_contain_text("Called back.")
    page.context.close()


def test_of_two_tabs_the_second_is_told_and_keeps_its_text(
    browser: Browser, shop: tuple[Served, int]
):
    desk, held = shop
    number = desk.run(_open(held, "hold", "Two tabs", "x"))
    page = _page(browser, desk)
    other = page.context.new_page()
    for one in (page, other):
        one.goto(f"/tickets/{number}")
    page.get_by_role("button", name="Close the ticket").click()
    expect(page.get_by_role("button", name="Open again")).to_be_visible()
    other.get_by_label("Note, for the desk alone").fill("typed in the other tab")
    other.get_by_role("button", name="Wait for others").click()
    expect(other.locator("#trouble")).to_contain_text("Ana changed this ticket")
    expect(other.get_by_label("Note, for the desk alone")).to_have_value("typed in the other tab")
    expect(other.get_by_role("button", name="Open again")).to_be_visible()
    page.context.close()
