"""The reconciliation in a real Chromium: no barrier, nothing sideways; decided by hand."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from dashboard.payments.facts import State
from dashboard.payments.reconcile import differences, runs
from dashboard.payments.tables import Operation, Payment
from tests.browser.chromium import LOOKS
from tests.browser.conftest import carry_session, violations
from tests.browser.served import Served, served
from tests.payments.planting import invent
from tests.world import ANA

pytestmark = pytest.mark.browser
PICTURES = Path(__file__).resolve().parent.parent.parent / "var" / "pictures"
SIZES = {"wide": (1280, 900), "narrow": (390, 844)}
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, dict[str, int]]]:
    """A desk with differences of every state."""
    with served(tmp_path_factory.mktemp("reconcile")) as desk:
        desk.sandbox.webhooks("drop")
        yield desk, _differ(desk)


def _differ(desk: Served) -> dict[str, int]:
    names = ("Maya Chen", "Ada Okafor", "Leo Brandt", "Priya Nair", "Jun Park", "Sam Rivers")
    found = {name: desk.book(name, 50 * HOUR) for name in names}
    stripe = desk.sandbox.stripe().v1
    intents = {name: desk.payment(one).stripe_intent_id for name, one in found.items()}
    left = _create(desk)
    desk.run(_compare())
    (known,) = desk.run(differences.listed("open", 10))
    reason = "The school's own, for its spring concert."
    desk.run(differences.acknowledge(known.id, known.version, ANA, reason))
    assert known.intent_id == left
    gone = found["Sam Rivers"]
    desk.run(_change(gone, currency="eur"))
    desk.run(_compare())
    desk.run(_change(gone, currency="usd"))
    stripe.payment_intents.capture(intents["Maya Chen"])
    stripe.payment_intents.cancel(intents["Ada Okafor"])
    desk.run(_orphan(found["Leo Brandt"]))
    desk.run(_change(found["Priya Nair"], currency="eur"))
    desk.run(_doubled(found["Jun Park"]))
    _create(desk, capture_method="automatic", metadata={"operation_id": "of-another-copy"})
    desk.run(_compare())
    return found


def _create(desk: Served, **more: Any) -> str:
    wanted: Any = {
        "amount": 12500,
        "currency": "usd",
        "capture_method": "manual",
        "confirm": True,
        "payment_method": "pm_card_visa",
        "allowed_payment_method_types": ["card"],
        **more,
    }
    return str(desk.sandbox.stripe().v1.payment_intents.create(wanted).id)


async def _compare() -> None:
    await runs.ask("Finn")
    while await runs.unfinished():
        await runs.work(30.0)


async def _change(payment_id: int, **values: Any) -> None:
    await Payment.update(values).where(Payment.id == payment_id)


async def _orphan(payment_id: int) -> None:
    lost: Any = {"stripe_intent_id": None, "payment_status": "failed", "authorized_amount": 0}
    await _change(payment_id, **lost)
    await Operation.update({"state": State.GIVEN_UP}).where(Operation.payment == payment_id)


async def _doubled(payment_id: int) -> None:
    row = await Payment.objects().get(Payment.id == payment_id)
    assert row is not None
    await invent(row, "hold:ch_written_twice", "authorized", row.authorized_amount)


def _page(browser: Browser, desk: Served, role: str = "finance", **options: object) -> Page:
    page = browser.new_context(base_url=desk.url, **options).new_page()  # type: ignore[arg-type]
    carry_session(page, desk, desk.staff(role))
    return page


@pytest.mark.parametrize(("size", "theme"), LOOKS)
def test_14_the_reconciliation_has_no_barrier_and_scrolls_nowhere_sideways(
    browser: Browser, shop: tuple[Served, dict[str, int]], theme: str, size: str
):
    desk, found = shop
    width, height = SIZES[size]
    viewport = {"width": width, "height": height}
    page = _page(browser, desk, viewport=viewport, color_scheme=theme)
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    wrong: list[str] = []
    PICTURES.mkdir(parents=True, exist_ok=True)
    for name, address, press in (
        ("reconcile", "/reconcile", ""),
        ("reconcile-decide", "/reconcile", "details"),
        ("reconcile-last", "/reconcile?after=1", ""),
        ("reconcile-hold", f"/holds/{found['Jun Park']}", "Compare"),
        ("reconcile-agreed", f"/holds/{found['Maya Chen']}", "Compare"),
    ):
        page.goto(address)
        if press == "details":
            page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        elif press:
            page.get_by_role("button", name=press).click()
            expect(page.get_by_role("button", name="Compare again")).to_be_visible()
        wrong += [f"{name}: {one}" for one in violations(page)]
        by = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        wrong += [f"{name} scrolls sideways by {by} px"] if by > 0 else []
        page.screenshot(path=PICTURES / f"{name}-{size}-{theme}.png", full_page=True)
    page.context.close()
    assert not wrong, "\n".join(wrong)
    assert not [one for one in complaints if "Content Security Policy" in one], complaints


@pytest.mark.parametrize("scripts", [True, False])
def test_a_difference_is_acknowledged_with_a_reason(
    browser: Browser, shop: tuple[Served, dict[str, int]], scripts: bool
):
    desk, _ = shop
    intent = _create(desk)
    desk.run(_compare())
    page = _page(browser, desk, java_script_enabled=scripts)
    page.goto("/reconcile")
    one = page.locator("article", has_text=intent)
    one.get_by_text("Decide…").click()
    one.get_by_label("Why").fill("Tried <b>by hand</b>.")
    one.get_by_role("button", name="Acknowledge").click()
    expect(page.locator("#flash")).to_contain_text("acknowledged it")
    expect(page.locator("article", has_text=intent)).to_have_count(0)
    page.locator("#known").get_by_text("It was not made by the desk").first.click()
    expect(page.locator("#known")).to_contain_text("Tried <b>by hand</b>.")
    page.context.close()


def test_the_page_shows_how_far_a_comparison_is_without_a_reload(
    browser: Browser, shop: tuple[Served, dict[str, int]]
):
    desk, _ = shop
    page = _page(browser, desk, "support")
    page.goto("/reconcile")
    page.get_by_role("button", name="Compare now").click()
    # No worker runs here: it waits for one, until somebody else does the work.
    expect(page.locator("#progress")).to_contain_text("Waiting for the worker")
    assert violations(page) == []
    desk.run(runs.work(30.0))
    expect(page.locator("#progress")).to_contain_text("Done:")
    page.get_by_role("link", name="Show it").click()
    expect(page.get_by_role("button", name="Compare now")).to_be_visible()
    page.context.close()
