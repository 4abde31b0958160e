"""The student's page in a real Chromium: with scripts, without, and beside a double of Stripe.js.

Stripe itself can't be reached from here. What is held against its script is our own part: which
calls it gets, in which order, with what, and what follows from each of its answers.
"""

import json
import re
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Browser, Page, Route, expect

from dashboard import clock, settings
from dashboard.bookings import pay_links
from dashboard.bookings.tables import Booking
from dashboard.payments.tables import Payment
from dashboard.web.pay_page import STRIPE_JS
from tests.browser.chromium import LOOKS
from tests.browser.conftest import violations
from tests.browser.served import Served

pytestmark = pytest.mark.browser
HOUR = timedelta(hours=1)
ASKS, DECLINED = "pm_card_authenticationRequired", "pm_card_chargeDeclined"
PICTURES = Path(__file__).resolve().parent.parent.parent / "var" / "pictures"
SIZES = {"wide": (1280, 900), "narrow": (390, 844)}


def link(desk: Served, payment_id: int) -> str:
    """The path of the student whose payment this is."""

    async def found() -> int:
        payment = await Payment.objects().get(Payment.id == payment_id)
        assert payment is not None
        booking = await Booking.objects().get(Booking.purchase == payment.purchase)
        assert booking is not None
        return int(booking.id)

    return f"/pay/{pay_links.token(desk.run(found()))}"


def someone(desk: Served, card: str, **changes: Any) -> str:
    """The path of a new student who has booked with this card."""
    name = f"Student {uuid.uuid4().hex[:6]}"
    return link(desk, desk.book(name, 2 * 24 * HOUR, card=card, **changes))


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_24_a_student_is_declined_confirms_and_is_all_set(
    browser: Browser, desk: Served, scripts: bool
):
    context = browser.new_context(java_script_enabled=scripts, base_url=desk.url)
    page = context.new_page()
    page.goto(someone(desk, DECLINED))
    expect(page.locator("h1")).to_have_text("Your card was not charged")
    page.locator(f'input[value="{ASKS}"]').check()
    page.get_by_role("button", name="Reserve $96.00").click()
    expect(page.locator("h1")).to_have_text("Your bank asks you to confirm")
    page.get_by_role("button", name="Confirm as the bank’s customer").click()
    expect(page.locator("h1")).to_have_text("You’re all set")
    expect(page.locator(".then")).to_contain_text("$96.00 reserved on your card")
    context.close()


def test_a_page_that_does_not_know_yet_finds_out_by_itself(page: Page, desk: Served):
    path = someone(desk, DECLINED)
    page.goto(path)
    desk.sandbox.webhooks("hold")
    desk.sandbox.fault("after", "drop", "/v1/payment_intents", times=2)
    page.get_by_role("button", name="Reserve $96.00").click()
    expect(page.locator("h1")).to_have_text("We are asking your bank")
    desk.sandbox.control("DELETE", "faults")
    desk.advance(timedelta(minutes=1))
    expect(page.locator("h1")).to_have_text("You’re all set", timeout=20_000)
    desk.sandbox.webhooks("send", url=f"{desk.url}/webhooks/stripe")


def test_a_double_click_is_one_attempt(page: Page, desk: Served):
    page.goto(someone(desk, DECLINED))
    before = len(desk.money_calls("/payment_intents"))
    page.get_by_role("button", name="Reserve $96.00").dblclick()
    expect(page.locator("h1")).to_have_text("You’re all set")
    assert len(desk.money_calls("/payment_intents")) == before + 1


def test_the_keyboard_is_enough(page: Page, desk: Served):
    page.goto(someone(desk, DECLINED))
    page.keyboard.press("Tab")
    expect(page.locator('input[value="pm_card_visa"]')).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Reserve $96.00")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("You’re all set")


# Stripe.js as far as the page uses it: it notes each call, and answers as `window.plan` says.
STAND_IN = """
window.calls = JSON.parse(sessionStorage.getItem("calls") || "[]");
const note = (...one) => {
  calls.push(one);
  sessionStorage.setItem("calls", JSON.stringify(calls));
};
const plan = JSON.parse(sessionStorage.getItem("plan") || "{}");
window.Stripe = (key) => {
  note("Stripe", key);
  return {
    elements(options) {
      delete options.appearance;
      note("elements", options);
      return {
        create(kind) {
          note("create", kind);
          const on = {};
          return {
            on(event, then) { on[event] = then; },
            mount(where) {
              document.querySelector(where).textContent = "Stripe’s fields";
              setTimeout(() => on.ready && on.ready(), 0);
            },
          };
        },
        async submit() { note("submit"); return plan.submit || {}; },
      };
    },
    async createPaymentMethod({ elements }) {
      note("createPaymentMethod", Boolean(elements));
      return plan.made || { paymentMethod: { id: plan.card || "pm_card_visa" } };
    },
    async handleNextAction({ clientSecret }) {
      note("handleNextAction", clientSecret);
      if (plan.bank) await fetch(plan.bank, { method: "POST" });
      return plan.action || {};
    },
  };
};
"""


@pytest.fixture
def real(page: Page, desk: Served) -> Iterator[Callable[..., list[Any]]]:
    """The shop as it is with keys of Stripe's own, whose script is the stand-in; a way to read what
    that was told."""
    before = settings.current()
    key = "pk_test_for_students"
    settings.use(msgspec.structs.replace(before, sandbox=False, stripe_publishable_key=key))

    def serve(route: Route) -> None:
        route.fulfill(body=STAND_IN, content_type="text/javascript")

    page.route(STRIPE_JS, serve)
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield lambda: page.evaluate("calls")
    settings.use(before)
    assert complaints == []


def planned(page: Page, path: str, **plan: Any) -> None:
    """Open the page with a stand-in that answers so."""
    page.goto(path)
    page.evaluate("plan => sessionStorage.setItem('plan', plan)", json.dumps(plan))
    page.evaluate("sessionStorage.removeItem('calls')")
    page.reload()


def test_the_card_becomes_a_payment_method_and_our_server_makes_the_attempt(
    page: Page, desk: Served, real: Callable[..., list[Any]]
):
    planned(page, someone(desk, DECLINED))
    page.get_by_role("button", name="Reserve $96.00").click()
    expect(page.locator("h1")).to_have_text("You’re all set")
    told = json.loads(page.evaluate("sessionStorage.getItem('calls')"))
    assert told[:3] == [
        ["Stripe", "pk_test_for_students"],
        [
            "elements",
            {
                "mode": "payment",
                "currency": "usd",
                "amount": 9600,
                "captureMethod": "manual",
                "paymentMethodTypes": ["card"],
                "paymentMethodCreation": "manual",
            },
        ],
        ["create", "payment"],
    ]
    assert [one[0] for one in told[3:]] == ["submit", "createPaymentMethod"]
    # A page with nothing to pay loads nothing of Stripe's.
    assert page.locator(f'script[src="{STRIPE_JS}"]').count() == 0


def test_a_declined_card_is_told_and_another_one_can_be_tried(
    page: Page, desk: Served, real: Callable[..., list[Any]]
):
    planned(page, someone(desk, DECLINED), card="pm_card_chargeDeclinedInsufficientFunds")
    page.get_by_role("button", name="Reserve $96.00").click()
    expect(page.locator(".bill")).to_contain_text("Your card has insufficient funds.")
    page.evaluate("sessionStorage.setItem('plan', '{}')")
    page.reload()
    page.get_by_role("button", name="Reserve $96.00").click()
    expect(page.locator("h1")).to_have_text("You’re all set")


@pytest.mark.parametrize("result", ["success", "failure"])
def test_24_the_bank_asks_in_stripes_window_and_the_page_tells_how_it_ended(
    page: Page, desk: Served, real: Callable[..., list[Any]], result: str
):
    def at_the_bank(route: Route) -> None:
        intents = desk.sandbox.stripe().v1.payment_intents.list({"limit": 1})
        desk.sandbox.authenticate(intents.data[0].id, result == "success")
        route.fulfill(body="{}", content_type="application/json")

    page.route(re.compile("/the-bank$"), at_the_bank)
    failed = {"error": {"message": "We are unable to authenticate your payment method."}}
    action = {} if result == "success" else failed
    planned(page, someone(desk, DECLINED), card=ASKS, bank="/the-bank", action=action)
    page.get_by_role("button", name="Reserve $96.00").click()
    finding = {"success": "You’re all set", "failure": "We are unable to authenticate your"}[result]
    expect(page.locator(".bill")).to_contain_text(finding)
    page.wait_for_load_state("networkidle")
    told = json.loads(page.evaluate("sessionStorage.getItem('calls')"))
    secret = next(one for one in told if one[0] == "handleNextAction")[1]
    assert secret.startswith("pi_") and "_secret_" in secret


def test_24_whoever_comes_back_to_the_banks_question_is_asked_it_again(
    page: Page, desk: Served, real: Callable[..., list[Any]]
):
    def at_the_bank(route: Route) -> None:
        intents = desk.sandbox.stripe().v1.payment_intents.list({"limit": 1})
        desk.sandbox.authenticate(intents.data[0].id)
        route.fulfill(body="{}", content_type="application/json")

    page.route(re.compile("/the-bank$"), at_the_bank)
    planned(page, someone(desk, ASKS), bank="/the-bank")
    expect(page.locator("h1")).to_have_text("Your bank asks you to confirm")
    page.get_by_role("button", name="Confirm with your bank").click()
    expect(page.locator("h1")).to_have_text("You’re all set")


def test_a_card_that_stripe_finds_wrong_never_reaches_us(
    page: Page, desk: Served, real: Callable[..., list[Any]]
):
    before = len(desk.money_calls("/payment_intents"))
    planned(page, someone(desk, DECLINED), submit={"error": {"message": "Your card is too old."}})
    made = len(desk.money_calls("/payment_intents"))
    page.get_by_role("button", name="Reserve $96.00").click()
    expect(page.locator("#fault")).to_have_text("Your card is too old.")
    expect(page.get_by_role("button", name="Reserve $96.00")).to_be_enabled()
    assert made <= before + 1 and len(desk.money_calls("/payment_intents")) == made


def test_where_stripes_script_does_not_load_the_page_says_so(page: Page, desk: Served):
    before = settings.current()
    settings.use(msgspec.structs.replace(before, sandbox=False, stripe_publishable_key="pk_test_x"))
    try:
        page.route(STRIPE_JS, lambda route: route.abort())
        page.goto(someone(desk, DECLINED))
        expect(page.locator("#fault")).to_contain_text("Stripe can’t be reached")
    finally:
        settings.use(before)


@pytest.fixture(scope="module")
def states(desk: Served) -> dict[str, str]:
    """A student in every state."""
    desk.sandbox.drain()
    paid = desk.book("Priya Nair", 33 * HOUR, is_package=True, package_id=desk.package)
    far = {"starts_at": (clock.now() + timedelta(days=20)).isoformat()}
    before = settings.current()
    found = {
        "declined": someone(desk, DECLINED),
        "confirm": someone(desk, ASKS),
        "reserved": someone(desk, "pm_card_visa"),
        "early": someone(desk, "pm_card_visa", **far),
        "package": someone(desk, DECLINED, is_package=True, package_id=desk.package),
        "paid": link(desk, paid),
        "unknown": someone(desk, DECLINED),
        "nothing": "/pay/nothing",
    }
    settings.use(msgspec.structs.replace(before, expiry_policy="renew"))
    found |= {
        "far-refused": someone(desk, DECLINED, **far),
        "far-saved": someone(desk, "pm_card_visa", **far),
        "far-confirm": someone(desk, ASKS, **far),
    }
    settings.use(before)
    desk.sandbox.webhooks("hold")
    desk.sandbox.fault("after", "drop", "/v1/payment_intents", times=50)
    desk.sandbox.fault("before", "500", "/v1/payment_intents", method="GET", times=5000)
    desk.http.post(
        found["unknown"],
        data={"do": "pay", "payment_method": "pm_card_visa", "key": str(uuid.uuid4())},
    )
    return found


@pytest.mark.parametrize(("size", "theme"), LOOKS)
def test_no_state_has_a_barrier_or_scrolls_sideways(
    browser: Browser, desk: Served, states: dict[str, str], theme: str, size: str
):
    width, height = SIZES[size]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=theme,  # type: ignore[arg-type]
        base_url=desk.url,
    )
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    PICTURES.mkdir(parents=True, exist_ok=True)
    wrong: list[str] = []
    for name, address in states.items():
        page.goto(address)
        wrong += [f"{name}: {one}" for one in violations(page)]
        by = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        wrong += [f"{name} scrolls sideways by {by} px"] if by > 0 else []
        page.screenshot(path=PICTURES / f"pay-{name}-{size}-{theme}.png", full_page=True)
    context.close()
    assert not wrong, "\n".join(wrong)
    # The browser itself notes the address that is none.
    assert [one for one in complaints if "404" not in one] == []
