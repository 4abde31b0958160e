"""The messages from Stripe in a real Chromium: looked at, rehearsed, replayed; with and without
scripts."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from dashboard import clock
from dashboard.payments import inbox
from dashboard.payments.tables import StripeEvent
from tests.browser.chromium import LOOKS
from tests.browser.conftest import carry_session, violations
from tests.browser.served import Served, served

pytestmark = pytest.mark.browser
PICTURES = Path(__file__).resolve().parent.parent.parent / "var" / "pictures"
SIZES = {"wide": (1280, 900), "narrow": (390, 844)}
HOUR = timedelta(hours=1)
HOSTILE = "<img src=x onerror=alert(1)>'\"&%2F?#" + "x" * 40
ERROR = "LookupError: payment 7 of a row that somebody took away, which no try will bring back"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, dict[str, str]]]:
    """A desk with an event in every state, and deliveries that were refused."""
    with served(tmp_path_factory.mktemp("webhooks")) as desk:
        desk.book("Ada Okafor", 50 * HOUR)
        desk.sandbox.drain()
        desk.tick()
        desk.advance(timedelta(minutes=40))
        yield desk, _paint(desk)


def _paint(desk: Served) -> dict[str, str]:
    _foreign(desk)
    found = {"dead": _captured(desk, "Maya Chen", "dead"), "refund": _refunded(desk)}
    for _ in range(2):
        desk.advance(timedelta(seconds=40))
        _captured(desk, "Leo Brandt", "dead")
    desk.advance(timedelta(minutes=3))
    found["waiting"] = _captured(desk, "Noor Haddad", "waiting")
    desk.run(_hostile())
    for signature in ("t=1,v1=0", "t=1,v1=1", ""):
        headers = {"Stripe-Signature": signature} if signature else {}
        assert desk.http.post("/webhooks/stripe", content=b"{}", headers=headers).status_code == 400
    return found


def _captured(desk: Served, student: str, state: str) -> str:
    """A hold that is captured in Stripe's own dashboard; the event of it, which we failed on."""
    payment = desk.payment(desk.book(student, 50 * HOUR))
    desk.sandbox.drain()
    desk.tick()
    intent = str(payment.stripe_intent_id)
    desk.sandbox.stripe().v1.payment_intents.capture(intent, {"amount_to_capture": 6000})
    desk.sandbox.drain()
    return desk.run(_failed(intent, "charge.captured", state))


def _refunded(desk: Served) -> str:
    payment = desk.payment(desk.book("Sam Rivers", 50 * HOUR))
    intent = str(payment.stripe_intent_id)
    sdk = desk.sandbox.stripe().v1
    sdk.payment_intents.capture(intent)
    desk.sandbox.drain()
    desk.tick()
    sdk.refunds.create({"payment_intent": intent, "amount": 2500})
    desk.sandbox.drain()
    return desk.run(_failed(intent, "charge.refunded", "dead"))


def _foreign(desk: Served) -> None:
    desk.sandbox.stripe().v1.payment_intents.create({"amount": 5000, "currency": "usd"})
    desk.sandbox.drain()
    desk.tick()


async def _failed(intent: str, kind: str, state: str) -> str:
    """As if the handling had failed: nothing of what happened at Stripe is known here yet."""
    mine = StripeEvent.intent_id == intent
    due = clock.now() + HOUR if state == "waiting" else None
    values = {"state": state, "attempts": 3, "error": ERROR, "due_at": due}
    rows = (
        await StripeEvent.update(values)
        .where(mine & (StripeEvent.type == kind))
        .returning(StripeEvent.id)
    )
    await StripeEvent.update({"state": "handled", "due_at": None}).where(
        mine & (StripeEvent.state == "waiting") & (StripeEvent.type != kind)
    )
    return str(rows[0]["id"])


async def _hostile() -> None:
    subject = {"id": HOSTILE, "object": "payment_intent", "metadata": {"operation_id": HOSTILE}}
    body = {"id": f"evt_{HOSTILE}", "type": HOSTILE, "created": int(clock.now().timestamp())}
    notice = inbox.notice(json.loads(json.dumps({**body, "data": {"object": subject}})))
    await inbox.keep(notice)
    await inbox.keep(notice)


def _page(browser: Browser, desk: Served, role: str = "support", **options: object) -> Page:
    page = browser.new_context(base_url=desk.url, **options).new_page()  # type: ignore[arg-type]
    carry_session(page, desk, desk.staff(role))
    return page


@pytest.mark.parametrize(("size", "theme"), LOOKS)
def test_14_no_page_of_webhooks_has_a_barrier_or_scrolls_sideways(
    browser: Browser, shop: tuple[Served, dict[str, str]], theme: str, size: str
):
    desk, found = shop
    width, height = SIZES[size]
    viewport = {"width": width, "height": height}
    page = _page(browser, desk, viewport=viewport, color_scheme=theme)
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    wrong: list[str] = []
    PICTURES.mkdir(parents=True, exist_ok=True)
    for name, address in (
        ("webhooks", "/webhooks"),
        ("webhooks-dead", "/webhooks?view=dead"),
        ("webhooks-none", "/webhooks?q=evt_nothing"),
        ("webhooks-review", "/webhooks/replay-dead"),
        ("webhook-dead", f"/webhooks/{found['dead']}"),
        ("webhook-dry-run", f"/webhooks/{found['refund']}/dry-run"),
        ("webhook-waiting", f"/webhooks/{found['waiting']}/dry-run"),
        ("webhook-orphan", "/webhooks?view=orphan"),
    ):
        page.goto(address)
        if name == "webhook-orphan":
            page.locator(".opens").first.click()
            page.get_by_role("link", name="Do a dry run").click()
            expect(page.locator(".told")).to_contain_text("leave it an orphan")
        wrong += [f"{name}: {one}" for one in violations(page)]
        by = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        wrong += [f"{name} scrolls sideways by {by} px"] if by > 0 else []
        page.screenshot(path=PICTURES / f"{name}-{size}-{theme}.png", full_page=True)
    page.context.close()
    wrong += _admins_bar(browser, desk, viewport)
    assert not wrong, "\n".join(wrong)
    assert not [one for one in complaints if "Content Security Policy" in one], complaints


def _admins_bar(browser: Browser, desk: Served, viewport: dict[str, int]) -> list[str]:
    """The role with the most places to go."""
    page = _page(browser, desk, "admin", viewport=viewport)
    page.goto("/webhooks?view=dead")
    by = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    page.context.close()
    return [f"an admin's page scrolls sideways by {by} px"] if by > 0 else []


def test_hostile_text_is_shown_as_it_came_and_its_page_opens(
    browser: Browser, shop: tuple[Served, dict[str, str]]
):
    desk, _ = shop
    page = _page(browser, desk)
    page.on("dialog", lambda dialog: pytest.fail(dialog.message))
    page.goto("/webhooks")
    row = page.get_by_role("row").filter(has_text="onerror")
    expect(row).to_contain_text("came 2 times")
    row.locator(".opens").click()
    expect(page.locator("h1")).to_contain_text("<img src=x")
    expect(page.locator(".crumbs code")).to_have_text(f"evt_{HOSTILE}")
    page.get_by_role("link", name="All events of this payment").click()
    expect(page.locator(".ledger tbody tr")).to_have_count(1)
    page.context.close()


@pytest.mark.parametrize("scripts", [True, False])
def test_a_dead_event_is_rehearsed_replayed_and_then_handled(
    browser: Browser, shop: tuple[Served, dict[str, str]], scripts: bool
):
    desk, found = shop
    event = found["dead"] if scripts else found["refund"]
    page = _page(browser, desk, java_script_enabled=scripts)
    page.goto(f"/webhooks/{event}")
    page.get_by_role("link", name="Do a dry run").click()
    expect(page.locator(".told")).to_contain_text("A replay would change")
    expect(page.locator(".differences")).to_contain_text("$60.00" if scripts else "$25.00")
    page.get_by_role("button", name="Replay this event").click()
    expect(page.locator(".event-state")).to_have_text("Waiting")
    expect(page.locator(".story")).to_contain_text("Replayed by Ana")
    assert page.url == f"{desk.url}/webhooks/{event}"
    desk.tick()
    if not scripts:
        page.get_by_role("link", name="Look again").click()
    expect(page.locator(".event-state")).to_have_text("Handled")
    page.get_by_role("link", name="Do a dry run").click()
    expect(page.locator(".told")).to_have_text("Nothing: we have it all.")
    page.locator(".side").get_by_role("link", name=re.compile("^#")).click()
    expect(page.locator(".story")).to_contain_text("Captured" if scripts else "Refunded")
    page.get_by_role("link", name="What Stripe told us").click()
    expect(page.locator(".ledger tbody")).to_contain_text("replayed by Ana")
    page.context.close()


def test_of_two_tabs_of_two_people_the_second_is_told_who_was_first(
    browser: Browser, shop: tuple[Served, dict[str, str]]
):
    desk, _ = shop
    event = _captured(desk, "Iris Novak", "dead")
    ana, finn = _page(browser, desk), _page(browser, desk, "finance")
    for one in (ana, finn):
        one.goto(f"/webhooks/{event}")
    ana.get_by_role("button", name="Replay this event").click()
    expect(ana.locator(".event-state")).to_have_text("Waiting")
    finn.get_by_role("button", name="Replay this event").click()
    expect(finn.locator("#trouble")).to_contain_text("Ana replayed this")
    desk.tick()
    expect(finn.locator(".event-state")).to_have_text("Handled")
    for one in (ana, finn):
        one.context.close()


def test_all_that_is_dead_is_replayed_after_a_review(
    browser: Browser, shop: tuple[Served, dict[str, str]]
):
    desk, _ = shop
    _captured(desk, "Kofi Mensah", "dead")
    page = _page(browser, desk, java_script_enabled=False)
    page.goto("/webhooks?view=dead")
    count = page.locator(".ledger tbody tr").count()
    page.get_by_role("link", name=f"Replay all dead ({count})").click()
    expect(page.locator(".ledger tbody tr")).to_have_count(count)
    page.get_by_role("button", name=re.compile("^Replay")).click()
    expect(page.locator("#flash")).to_contain_text("handled once more")
    desk.tick()
    page.goto("/webhooks?view=dead")
    expect(page.locator(".empty")).to_contain_text("No event is dead")
    page.context.close()
