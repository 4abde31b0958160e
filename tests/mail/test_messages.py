"""Which event leads to which message, and what it says. No database, no server."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from dashboard.mail import rendering
from dashboard.mail.facts import Facts, Lesson, Template, Terms
from dashboard.mail.letters import ICONS
from dashboard.mail.messages import letter, template_of
from dashboard.mail.samples import samples
from dashboard.settings import Settings

STARTS = datetime(2026, 3, 8, 18, tzinfo=UTC)
HOUR = timedelta(hours=1)


def facts(**changes: object) -> Facts:
    given = {
        "kind": "authorized",
        "amount": 9600,
        "currency": "usd",
        "occurred_at": STARTS - timedelta(days=2),
        "student": "Maya Chen",
        "time_zone": "America/New_York",
        "number": "#12",
        "title": "piano",
        "price": 9600,
        "lesson": Lesson("Ben Ode", STARTS, STARTS + HOUR),
        "captured": 9600,
        "expires_at": STARTS + timedelta(days=3),
        "capture_due_at": STARTS + 2 * HOUR,
    }
    return Facts(**(given | changes))  # type: ignore[arg-type]


def said(**changes: object) -> str:
    found = letter(facts(**changes))
    assert found is not None
    return rendering.text(found)


@pytest.mark.parametrize(
    ("kind", "template"),
    [
        ("authorized", Template.RESERVED),
        ("charged", Template.PAID),
        ("released", Template.RELEASED),
        ("expired", Template.EXPIRED),
        ("refund_succeeded", Template.REFUNDED),
        ("declined", Template.DECLINED),
        ("captured", Template.CHARGED_EARLY),
    ],
)
def test_each_movement_that_a_student_sees_has_one_message(kind: str, template: Template):
    assert template_of(facts(kind=kind)) == template


@pytest.mark.parametrize(
    "kind",
    "refund_pending refund_failed cancelled dispute_opened dispute_closed funds_withdrawn"
    " funds_reinstated expiry_decision operation_refused operation_unknown operation_stalled"
    " operation_withdrawn operation_given_up something_new".split(),
)
def test_what_is_the_desks_own_affair_has_none(kind: str):
    assert letter(facts(kind=kind)) is None


@pytest.mark.parametrize("kind", ["authorized", "released", "expired"])
def test_a_hold_that_made_way_for_another_is_not_told_of(kind: str):
    assert letter(facts(kind=kind, replaced=True)) is None


def test_money_that_moved_is_told_of_also_when_another_payment_stood():
    for kind in ("captured", "charged", "refund_succeeded", "declined"):
        assert letter(facts(kind=kind, replaced=True, occurred_at=STARTS + 3 * HOUR))


def test_reserved_tells_who_when_how_much_and_how_to_cancel():
    text = said()
    for part in (
        "💳 $96.00 reserved • Charged after lesson\n",
        "Instructor: Ben Ode",
        # The clocks went forward in the night before.
        "Date: Sunday 8 March 2026",
        "Time: 14:00–15:00 Eastern Daylight Time (New York)",
        "Amount: $96.00",
        "Charged: After lesson",
        "Reply to this e-mail and name booking #12.",
        "free until Sun 8 Mar 08:00 EDT, 6 hours before",
        "costs 50 % of the price, $48.00",
    ):
        assert part in text
    assert "reservation ends" not in text


def test_a_lesson_over_midnight_names_both_days():
    lesson = Lesson("Ben Ode", STARTS, STARTS + 2 * HOUR)
    text = said(time_zone="Asia/Tokyo", lesson=lesson)
    assert "Date: Monday 9 March 2026" in text and "03:00–05:00 Japan Standard Time" in text
    text = said(time_zone="Africa/Cairo", lesson=Lesson("B", STARTS, STARTS + 6 * HOUR))
    assert "Time: 20:00 to Monday 9 March 2026, 02:00 Eastern European Standard Time" in text


def test_reserved_announces_the_early_charge_where_the_hold_ends_first():
    text = said(expires_at=STARTS - timedelta(days=1))
    assert "Charged after lesson or by Sat 7 Mar, when the reservation ends" in text
    assert "Yours ends on Sat 7 Mar 13:00 EST." in text
    assert "We charge your card during the day before that, and write to you" in text


@pytest.mark.parametrize(
    ("margin", "early"), [(timedelta(hours=2), False), (timedelta(minutes=119), True)]
)
def test_the_early_case_begins_where_the_rules_begin_it(margin: timedelta, early: bool):
    text = said(expires_at=STARTS + 2 * HOUR + margin)
    assert ("when the reservation ends" in text) is early


@pytest.mark.parametrize(
    ("policy", "words"),
    [("release", "we give it back uncharged"), ("alert", "We look after it before that")],
)
def test_reserved_promises_what_the_policy_in_force_will_do(policy: str, words: str):
    text = said(expires_at=STARTS - timedelta(days=1), expiry_policy=policy)
    assert words in text and "We charge your card" not in text


def test_cancelling_is_told_by_the_policy_that_decides_it():
    assert "It costs nothing." in said(terms=Terms(late_percent=0))
    # A late fee below the smallest charge is waived, and so is the threat.
    assert "It costs nothing." in said(price=90)
    late = said(occurred_at=STARTS - 2 * HOUR)
    assert "It costs 50 % of the price, $48.00." in late and "free until" not in late
    assert "1 hour before" in said(terms=Terms(free_hours=1, late_percent=20))


def test_paid_after_the_lesson():
    text = said(kind="captured", occurred_at=STARTS + 2 * HOUR)
    assert text.startswith("✅ $96.00 paid\n")


def test_paid_in_part_tells_what_was_released():
    text = said(kind="captured", amount=6000, given_back=3600, occurred_at=STARTS + 2 * HOUR)
    assert "$60.00 of $96.00 paid • rest released" in text
    assert "Released: $36.00" in text


def test_a_rating_is_asked_for_a_lesson_that_took_place_only():
    terms = Terms(rating_url="https://shop.test/rate/{booking}")
    after = {"kind": "captured", "occurred_at": STARTS + 2 * HOUR, "terms": terms}
    assert "Rate your lesson: https://shop.test/rate/12" in said(**after)
    assert "Rate" not in said(**after | {"terms": Terms()})
    for clause in ("student_late", "student_no_show"):
        assert "Rate" not in said(**after, lesson=Lesson("B", STARTS, STARTS + HOUR, clause))
    assert "Rate" not in said(**after | {"kind": "charged"}, lesson=None, lessons=5)


def test_a_package_is_paid_at_once_with_its_lessons():
    text = said(kind="charged", amount=42000, lesson=None, lessons=5, title="Five lessons")
    assert "✅ $420.00 paid" in text and "5 lessons" in text
    assert "Package: Five lessons" in text


def test_a_late_fee_before_the_lesson_is_no_early_charge():
    lesson = Lesson("Ben Ode", STARTS, STARTS + HOUR, "student_late")
    text = said(
        kind="captured", amount=4800, given_back=4800, lesson=lesson, occurred_at=STARTS - HOUR
    )
    assert "$48.00 of $96.00 paid" in text and "late fee" in text


def test_an_early_charge_says_why():
    found = letter(facts(kind="captured", by_policy=True, expires_at=STARTS - 24 * HOUR))
    assert found is not None
    assert found.subject == "Payment processed for upcoming lesson"
    assert "would have ended on Sat 7 Mar 13:00 EST" in rendering.text(found)
    by_hand = said(kind="captured")
    assert "charged before the lesson" in by_hand and "would have ended" not in by_hand


def test_refunds_tell_their_part_and_their_total():
    first = said(kind="refund_succeeded", amount=4000, refunded=4000)
    assert "↩️ $40.00 of $96.00 refunded" in first and "You paid in the end: $56.00" in first
    second = said(kind="refund_succeeded", amount=5600, refunded=9600)
    assert "↩️ $96.00 refunded" in second and "This refund: $56.00" in second
    assert "Refunded in total: $96.00 of $96.00" in second


def test_released_and_expired_say_that_nothing_was_paid():
    assert "🔓 $96.00 released • Never charged" in said(kind="released")
    assert "🔓 Reservation ended before we charged it" in said(kind="expired")


def test_a_decline_gives_the_banks_reason_and_no_link():
    text = said(kind="declined", reason="Your card was declined.")
    assert "❌ Card not charged: Your card was declined. Nothing was taken." in text
    assert "://" not in text


@pytest.mark.parametrize(
    ("currency", "words"), [("jpy", "¥9,600"), ("kwd", "KWD\N{NO-BREAK SPACE}9.600")]
)
def test_27_amounts_have_their_currencys_decimals(currency: str, words: str):
    assert words in said(currency=currency)


@pytest.mark.parametrize("name", samples(Terms()))
def test_text_and_html_say_the_same(name: str):
    found = letter(samples(Terms(rating_url="https://shop.test/{booking}"))[name][1])
    assert found is not None
    text, html = rendering.text(found), rendering.html(found)
    for part in (found.headline, found.greeting, *found.opening):
        assert part in text and rendering.html(found).count(escaped(part))
    for label, value in found.rows:
        assert f"{label}: {value}" in text and f">{escaped(value)}</td>" in html
    for section in found.sections:
        assert all(one in text and escaped(one) in html for one in section.sentences)


@pytest.mark.parametrize("name", samples(Terms()))
def test_the_html_is_accessible_and_fetches_nothing(name: str):
    found = letter(samples(Terms())[name][1])
    assert found is not None
    html = rendering.html(found)
    assert '<html lang="en"' in html and f"<title>{escaped(found.subject)}</title>" in html
    assert len(re.findall("<h1", html)) == 1
    assert not re.search(r"<(img|script|link|iframe|form)|url\(|@import", html)
    assert "prefers-color-scheme: dark" in html


def _light(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((_light(one), _light(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_every_pair_of_colours_has_contrast_enough():
    pairs = [pair for theme in rendering.COLOURS.values() for pair in theme.values()]
    pairs += [("#14201C", "#FFFFFF"), ("#51605A", "#FFFFFF"), ("#51605A", "#F4F6F4")]
    pairs += [("#E6EDEA", "#151E1B"), ("#A3B1AB", "#151E1B"), ("#A3B1AB", "#0E1513")]
    pairs += [("#FFFFFF", "#0A5A63"), ("#0E1513", "#5FC6CF")]
    assert all(contrast(*pair) >= 4.5 for pair in pairs)
    assert set(ICONS) == set(rendering.COLOURS["light"]) == set(rendering.COLOURS["dark"])


def test_30_a_name_is_text_in_html_and_one_line_in_text():
    for name in ("<script>alert(1)</script>", "A\r\nBcc: all@example.test", "\u202egnirts"):
        clean = rendering.a_name(name)
        found = letter(replace(facts(), student=clean))
        assert found is not None
        html, text = rendering.html(found), rendering.text(found)
        assert "<script" not in html
        assert not re.search(r"^Bcc:", text, re.M)
        assert "\u202e" not in html + text


@pytest.mark.parametrize("name", ["Win at http://evil.test", "see WWW.evil.test now"])
def test_a_name_that_is_an_address_is_not_carried_to_strangers(name: str):
    assert rendering.a_name(name) == ""
    assert "Hello,\n" in said(student=rendering.a_name(name))


def escaped(part: str) -> str:
    from markupsafe import escape

    return str(escape(part))


def test_the_terms_of_the_shop_are_the_settings():
    chosen = Settings()
    assert Terms() == Terms(chosen.cancel_free_hours, chosen.cancel_late_percent, chosen.rating_url)
