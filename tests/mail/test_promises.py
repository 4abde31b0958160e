"""No message promises or claims what is not so, whatever the facts that it is made of."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as some

from dashboard.mail import rendering
from dashboard.mail.facts import Facts, Lesson, Template
from dashboard.mail.messages import letter, template_of
from dashboard.payments.case import ASKS_THE_STUDENT
from dashboard.payments.facts import POLICIES

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
KINDS = (
    "authorized captured charged released expired refund_succeeded declined card_saved"
    " card_refused card_waiting let_go paused unpaused policy_chosen fee_waived expiry_decision"
).split()
LINK = "https://desk.example/pay/token"
TAKEN = (Template.PAID, Template.CHARGED_EARLY, Template.REFUNDED)
hours = some.one_of(some.none(), some.integers(-48, 600)).map(
    lambda count: None if count is None else NOW + timedelta(hours=count)
)


@some.composite
def stories(draw: some.DrawFn) -> Facts:
    """Every combination of event, policy, far or near, lesson or package."""
    starts = NOW + timedelta(hours=draw(some.integers(-24, 600)))
    package = draw(some.booleans())
    price = draw(some.integers(2, 10**6))
    amount = draw(some.integers(1, price))
    return Facts(
        kind=draw(some.sampled_from(KINDS)),
        amount=amount,
        currency=draw(some.sampled_from(["usd", "jpy", "eur"])),
        occurred_at=NOW,
        student=rendering.a_name(draw(some.text(max_size=30))),
        time_zone=draw(some.sampled_from(["Asia/Tokyo", "America/New_York"])),
        number="#1",
        title="Five lessons" if package else "piano",
        price=price,
        given_back=price - amount,
        reason=rendering.one_line(draw(some.text(max_size=30))),
        code=draw(some.sampled_from(["", "card_declined", ASKS_THE_STUDENT])),
        automatic=draw(some.booleans()),
        renews=draw(some.booleans()),
        hold_due_at=draw(hours),
        give_up_at=draw(hours),
        next_try_at=draw(hours),
        confirm_by=draw(hours),
        booked=draw(some.booleans()),
        link=draw(some.sampled_from([None, LINK])),
        lesson=None if package else Lesson("Ben Ode", starts, starts + timedelta(hours=1)),
        lessons=5 * package,
        captured=amount,
        expires_at=draw(hours),
        capture_due_at=starts + timedelta(hours=2),
        expiry_policy=draw(some.sampled_from(POLICIES)),
        otherwise=draw(some.sampled_from(POLICIES)),
    )


@settings(max_examples=400, deadline=None)
@given(stories())
def test_no_message_says_that_money_was_taken_unless_it_was(facts: Facts):
    found = letter(facts)
    if found is None:
        return
    text = rendering.text(found)
    moved = facts.kind in ("captured", "charged", "refund_succeeded")
    assert (found.template in TAKEN) is moved
    if not moved:
        assert " paid" not in text.replace("you paid nothing", "").replace("never paid", "")
        assert "we charged your card" not in text.lower()


@settings(max_examples=400, deadline=None)
@given(stories())
def test_a_link_is_there_only_while_there_is_something_to_go_on_with(facts: Facts):
    found = letter(replace(facts, link=None))
    if found is not None:
        assert "/pay/" not in rendering.text(found) + rendering.html(found)


@settings(max_examples=400, deadline=None)
@given(stories())
def test_only_the_hold_of_a_lesson_not_yet_reserved_threatens_its_end(facts: Facts):
    found = letter(facts)
    if found is None:
        return
    text = rendering.text(found)
    if "the lesson is cancelled" in text:
        assert facts.hold_due_at is not None and not facts.renews
    if "nothing is booked yet" in text:
        assert found.template is Template.CARD_REFUSED or not facts.booked
    if facts.renews and facts.kind == "declined" and found.template is Template.AUTHENTICATE:
        early = "we charge your card shortly before" in text
        assert early is (facts.otherwise == "capture" and facts.expires_at is not None)


@settings(max_examples=200, deadline=None)
@given(stories())
def test_html_and_text_say_the_same_and_staff_words_are_no_news(facts: Facts):
    found = letter(facts)
    silent = ("paused", "unpaused", "policy_chosen", "fee_waived", "expiry_decision")
    assert found is None or facts.kind not in silent
    assert (found.template if found else None) == template_of(facts)
    if found is not None:
        assert (found.link is not None) == ("<a " in rendering.html(found))
