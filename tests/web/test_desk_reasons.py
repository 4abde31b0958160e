"""The page's sentence and the rules can't disagree: every code of the rules has one."""

import ast
import re
from datetime import timedelta
from pathlib import Path

import pytest

from dashboard import clock, reasons, settings
from dashboard.bookings.holds import hold
from dashboard.payments import holding, rules, waiting
from dashboard.payments.tables import Payment, Purchase
from dashboard.settings import EXPIRY_POLICIES
from tests.web.desk import sign_in, text
from tests.world import World

# Words of Stripe and of the settings that stand in the rules without being a reason.
_NO_REASON = {"capture", "release", "alert", "renew"}
HOUR = timedelta(hours=1)


def codes() -> set[str]:
    """Every code that `next_step` can give, read from its source."""
    words = {
        node.value
        for module in (rules, holding, waiting)
        for node in ast.walk(ast.parse(Path(module.__file__).read_text()))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.fullmatch(r"[a-z_]+", node.value)
    }
    # A released payment gives the reason of its end; a policy gives its name.
    ends = {"expired", "released", "cancelled", "captured"}
    return (words - _NO_REASON - {"policy_"}) | ends | {f"policy_{one}" for one in EXPIRY_POLICIES}


def test_every_code_of_the_rules_has_a_sentence():
    # "refused" is given by the movement that the rules share.
    assert codes() | {"refused"} <= set(reasons.SENTENCES), codes() - set(reasons.SENTENCES)


def test_no_sentence_is_without_its_code():
    assert set(reasons.SENTENCES) <= codes() | {"refused"}


@pytest.mark.parametrize("code", sorted(reasons.SENTENCES))
async def test_every_sentence_can_be_said(world: World, code: str, monkeypatch: pytest.MonkeyPatch):
    from dashboard.payments.case import Do, Step

    booking = await world.book()
    found = await hold(int((await world.payment(booking["id"])).id))
    assert found is not None
    step = Step(Do.PERSON, code, at=clock.now() + HOUR, amount=9600, policy="capture")
    monkeypatch.setattr(type(found), "step", lambda _self, _now: step)
    said = reasons.why(found, clock.now(), settings.current().zone)
    assert "{" not in said and "None" not in said and "  " not in said
    if code not in ("under_way", "unknown"):
        assert not said[0].islower() and said.endswith(".")


async def test_a_capture_that_keeps_failing_is_told_whole(world: World):
    world.sandbox.next_authorization(10 * 3600)
    booking = await world.book(starts_in=HOUR)
    payment = await world.payment(booking["id"])
    await world.advance(6 * HOUR)
    now = clock.now()
    await Purchase.update(
        {
            "refused_count": 7,
            "refused_since": now - 2 * HOUR,
            "refused_last_at": now - timedelta(minutes=5),
            "refused_error": "processing error",
            "capture_due_at": now - 2 * HOUR,
            "owed": 9600,
        }
    ).where(Purchase.id == payment.purchase)
    ana = await sign_in(world)
    said = text(await ana.page(f"/holds/{payment.id}"))
    assert "Why is this still held?" in said
    assert re.search(
        r"Lesson ended .* Automatic capture refused 7 times since .*, last .* "
        r"\(processing error\)\. Next try .*\. Expires .* with no action\.",
        said,
    )


async def test_3_the_page_adds_up_and_the_story_names_everybody(world: World):
    booking = await world.book()
    payment = await world.payment(booking["id"])
    ana = await sign_in(world)
    await ana.move(payment.id, "capture", amount="60")
    await ana.move(payment.id, "refund", amount="20", reason="lesson_went_wrong", note="Late")
    page = await ana.page(f"/holds/{payment.id}")
    said = text(page)
    assert "Held $96.00 Captured $60.00 Released $36.00 Still held $0.00" in said
    assert "Refunded $20.00 Kept $40.00" in said
    assert "Lesson went wrong: Late" in said
    assert page.text.count("<time datetime=") >= 3
    assert "dashboard.stripe.com" not in page.text
    found = await Payment.objects().get(Payment.id == payment.id)
    assert found is not None and found.stripe_intent_id in said


async def test_a_decline_is_told_with_the_banks_reason(world: World):
    answer = await world.post_booking(payment_method="pm_card_chargeDeclinedInsufficientFunds")
    payment = await world.payment(answer.json()["booking"]["id"])
    ana = await sign_in(world)
    said = text(await ana.page(f"/holds/{payment.id}"))
    assert "Maya Chen’s card was not charged" in said
    assert "Card not charged: Your card has insufficient funds. Nothing was taken." in said
    assert f"/holds/{payment.id}/capture" not in said


async def test_other_attempts_are_listed(world: World):
    answer = await world.post_booking(payment_method="pm_card_chargeDeclined")
    booking = answer.json()["booking"]["id"]
    first = await world.payment(booking)
    await world.call(booking, "pay", {"payment_method": "pm_card_visa"})
    second = await world.payment(booking)
    ana = await sign_in(world)
    page = (await ana.page(f"/holds/{second.id}")).text
    assert "Other attempts" in page and f'href="/holds/{first.id}"' in page
    old = await ana.page(f"/holds/{first.id}")
    assert f"/holds/{first.id}/capture" not in old.text
