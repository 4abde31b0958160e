"""Refunds under way and failed, disputes and four currencies in a real Chromium, both themes."""

import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from dashboard.bookings import catalog
from dashboard.payments import actions
from dashboard.payments.actions import Wish
from dashboard.payments.facts import Verb
from tests.browser.chromium import LOOKS
from tests.browser.conftest import carry_session, violations
from tests.browser.served import Served, served
from tests.world import ANA

pytestmark = pytest.mark.browser
PICTURES = Path(__file__).resolve().parent.parent.parent / "var" / "pictures"
SIZES = {"wide": (1280, 900), "narrow": (390, 844)}
HOUR = timedelta(hours=1)
SLOW = "pm_card_pendingRefund"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, dict[str, int]]]:
    """A desk with a payment in every trouble that takes days."""
    with served(tmp_path_factory.mktemp("troubles")) as desk:
        desk.teachers["Elena Ruiz"] = desk.run(
            catalog.add_instructor("Elena Ruiz", "e@t.test", 9600, "eur", subject="harp")
        )
        desk.teachers["Noura Saad"] = desk.run(
            catalog.add_instructor("Noura Saad", "n@t.test", 9600, "kwd", subject="oud")
        )
        found = {
            "pending": _paid(desk, "Maximiliane von Schwarzenberg-Lichtenfels", SLOW),
            "failed": _paid(desk, "Sam Rivers", SLOW),
            "disputed": _paid(desk, "Ada Okafor"),
            "inquiry": _paid(desk, "Jun Park", teacher="Tomo Abe"),
            "lost": _paid(desk, "Leo Brandt", teacher="Noura Saad"),
            "won": _paid(desk, "Wei Zhang", teacher="Elena Ruiz"),
            "estimated": _estimated(desk),
        }
        for name in ("pending", "failed"):
            _move(desk, Verb.REFUND, found[name], 4000)
        _refund(desk, found["failed"], "failed")
        _dispute(desk, found["disputed"], reason="product_not_received")
        _dispute(desk, found["inquiry"], inquiry=True)
        _dispute(desk, found["lost"], "lost", amount=4000)
        _dispute(desk, found["won"], "under_review", "won")
        desk.sandbox.drain()
        desk.tick()
        yield desk, found


def _paid(desk: Served, student: str, card: str = "pm_card_visa", **more: str) -> int:
    payment = desk.book(student, 30 * HOUR, card=card, **more)
    _move(desk, Verb.CAPTURE, payment)
    return payment


def _estimated(desk: Served) -> int:
    desk.sandbox.next_authorization(None)
    return desk.book("Rosa Delgado", 24 * 12 * HOUR)


def _move(desk: Served, verb: Verb, payment_id: int, amount: int | None = None) -> None:
    purchase, operation = desk.payment(payment_id).purchase, str(uuid.uuid4())
    wish = Wish(verb, purchase, operation, ANA, payment_id, amount, reason="lesson_went_wrong")
    desk.run(actions.perform(wish))


def _refund(desk: Served, payment_id: int, status: str) -> None:
    intent = desk.payment(payment_id).stripe_intent_id
    assert intent is not None
    made = desk.sandbox.stripe().v1.refunds.list({"payment_intent": intent}).data[0]
    desk.sandbox.control("POST", f"refunds/{made.id}", {"status": status})


def _dispute(desk: Served, payment_id: int, *then: str, **more: object) -> None:
    charge = desk.payment(payment_id).stripe_charge_id
    opened = desk.sandbox.control("POST", f"charges/{charge}/dispute", dict(more))
    for status in then:
        desk.sandbox.control("POST", f"disputes/{opened['id']}", {"status": status})


@pytest.mark.parametrize(("size", "theme"), LOOKS)
def test_14_no_page_of_troubles_has_a_barrier_or_scrolls_sideways(
    browser: Browser, shop: tuple[Served, dict[str, int]], theme: str, size: str
):
    desk, found = shop
    width, height = SIZES[size]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=theme,  # type: ignore[arg-type]
        base_url=desk.url,
    )
    page = context.new_page()
    carry_session(page, desk, desk.staff("finance"))
    wrong: list[str] = []
    PICTURES.mkdir(parents=True, exist_ok=True)
    addresses = {f"trouble-{name}": f"/holds/{payment}" for name, payment in found.items()}
    addresses |= {"queue-disputed": "/holds?view=disputed", "queue-person": "/holds?view=person"}
    addresses |= {"queue-currencies": "/holds?view=all"}
    for name, address in addresses.items():
        page.goto(address)
        wrong += [f"{name}: {one}" for one in violations(page)]
        by = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        wrong += [f"{name} scrolls sideways by {by} px"] if by > 0 else []
        page.screenshot(path=PICTURES / f"{name}-{size}-{theme}.png", full_page=True)
    context.close()
    assert not wrong, "\n".join(wrong)


def test_23_a_loss_is_accepted_without_scripts_by_its_amount(
    browser: Browser, shop: tuple[Served, dict[str, int]]
):
    desk, found = shop
    context = browser.new_context(base_url=desk.url, java_script_enabled=False)
    page = context.new_page()
    carry_session(page, desk, desk.staff("finance"))
    page.goto(f"/holds/{found['lost']}")
    page.get_by_text("Accept the loss…").click()
    page.get_by_label("Why").fill("Not worth a quarrel")
    page.get_by_role("button", name="Accept the loss of KWD\xa04.000").click()
    expect(page.locator(".story")).to_contain_text("Loss accepted")
    context.close()
