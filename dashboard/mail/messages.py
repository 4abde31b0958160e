"""What a student is told about one event of the story: one message, or none. No database here."""

from collections.abc import Callable

from dashboard.mail import later, phrases
from dashboard.mail.facts import Facts, Template
from dashboard.mail.letters import Letter
from dashboard.mail.phrases import Section, money
from dashboard.payments.case import ASKS_THE_STUDENT

# How a lesson had ended when it was charged, where it did not simply take place.
NOT_HELD = ("student_late", "student_no_show")


def letter(facts: Facts) -> Letter | None:
    """The message about this event; None when the student is not written to about it.

    Refunds that are pending or failed untold, disputes, decisions and what became of operations
    are the desk's own affair. So is a hold that only made way for another one.
    """
    template = template_of(facts)
    return None if template is None else _WRITERS[template](facts)


def template_of(facts: Facts) -> Template | None:
    """Which message an event leads to, if any."""
    if facts.kind == "captured":
        return Template.CHARGED_EARLY if _early(facts) else Template.PAID
    if facts.kind == "declined" and facts.automatic:
        return _refused_alone(facts)
    if facts.kind == "authorized" and facts.renews:
        return Template.RENEWED
    if facts.kind == "refund_failed":
        return Template.REFUND_FAILED if facts.corrects else None
    template = _BY_KIND.get(facts.kind)
    made_way = facts.replaced and template in _OF_A_HOLD
    return None if made_way or facts.reversed or _comes_to_nothing(facts) else template


def _comes_to_nothing(facts: Facts) -> bool:
    """Money that came after all was called off: that it goes back is told, and nothing before."""
    # A package is paid at once: a hold of its own would be none that we know how to announce.
    strange = facts.kind == "authorized" and facts.lesson is None
    return strange or (facts.called_off and facts.kind in ("authorized", "charged"))


def _refused_alone(facts: Facts) -> Template | None:
    """A hold that was tried while the student was away: told where there is something to do."""
    if facts.link is None:
        return None
    if facts.code == ASKS_THE_STUDENT:
        return Template.AUTHENTICATE
    first = facts.hold_due_at is not None and not facts.renews
    return Template.HOLD_REFUSED if first else None


def _early(facts: Facts) -> bool:
    """Charged before the lesson was over, and not because it had been called off."""
    lesson = facts.lesson
    return lesson is not None and not lesson.clause and facts.occurred_at < lesson.ends_at


def _reserved(facts: Facts) -> Letter:
    amount, charged = money(facts, facts.amount), phrases.charged(facts)
    return Letter(
        Template.RESERVED,
        f"{amount} reserved for {phrases.bought(facts)}",
        "authorized",
        f"{amount} reserved • Charged {charged}",
        phrases.hello(facts),
        (f"Your lesson is booked. {amount} is reserved on your card, and nothing is taken yet.",),
        (
            *phrases.rows(facts),
            ("Amount", amount),
            ("Charged", f"{charged[:1].upper()}{charged[1:]}"),
        ),
        (*phrases.why_early(facts), phrases.cancelling(facts)),
    )


def _paid(facts: Facts) -> Letter:
    rest = facts.given_back
    paid = f"{money(facts, facts.amount)} paid"
    if rest:
        paid = f"{money(facts, facts.amount)} of {money(facts, facts.amount + rest)} paid"
    rows = (*phrases.rows(facts), ("Paid", money(facts, facts.amount)), *_rest(facts))
    return Letter(
        Template.PAID,
        f"{paid} for {phrases.bought(facts)}",
        "captured",
        f"{paid} • rest released" if rest else paid,
        phrases.hello(facts),
        phrases.why_paid(facts),
        rows,
        (phrases.back_soon(facts, rest),) if rest else (),
        _rating(facts),
    )


def _rest(facts: Facts) -> tuple[tuple[str, str], ...]:
    """What a capture left of the reservation, as a table tells it."""
    return (("Released", money(facts, facts.given_back)),) if facts.given_back else ()


def _rating(facts: Facts) -> tuple[str, str] | None:
    """Where to rate a lesson that took place; a package has no lesson behind it yet."""
    url, lesson = facts.terms.rating_url, facts.lesson
    if not url or lesson is None or lesson.clause in NOT_HELD:
        return None
    return "Rate your lesson", url.replace("{booking}", facts.number.lstrip("#"))


def _charged_early(facts: Facts) -> Letter:
    amount = money(facts, facts.amount)
    why = "Your card was charged before the lesson."
    if facts.by_policy and facts.expires_at:
        ends = phrases.moment(facts, facts.expires_at)
        why = (
            f"The reservation on your card would have ended on {ends}."
            " A charge after the lesson would have come too late, so we charged it now."
        )
    return Letter(
        Template.CHARGED_EARLY,
        "Payment processed for upcoming lesson",
        "captured",
        f"{amount} paid • Your lesson is still to come",
        phrases.hello(facts),
        (why, "Nothing more will be charged for this lesson."),
        (*phrases.rows(facts), ("Paid", amount), *_rest(facts)),
        (phrases.cancelling(facts),),
    )


def _released(facts: Facts) -> Letter:
    amount = money(facts, facts.amount)
    return Letter(
        Template.RELEASED,
        f"{amount} released for {phrases.bought(facts)}",
        "released",
        f"{amount} released • Never charged",
        phrases.hello(facts),
        (
            f"{amount} was reserved for {phrases.bought(facts)}.",
            "It is free again: you paid nothing.",
        ),
        (*phrases.rows(facts), ("Released", amount)),
        (phrases.back_soon(facts, facts.amount),),
    )


def _expired(facts: Facts) -> Letter:
    amount = money(facts, facts.amount)
    return Letter(
        Template.EXPIRED,
        f"Reservation of {amount} ended, nothing was charged",
        "released",
        "Reservation ended before we charged it",
        phrases.hello(facts),
        (
            f"{amount} was reserved for {phrases.bought(facts)}.",
            "It is free again: you paid nothing.",
        ),
        (*phrases.rows(facts), ("Was reserved", amount)),
        (phrases.back_soon(facts, facts.amount),),
    )


def _refunded(facts: Facts) -> Letter:
    total, paid = money(facts, facts.refunded), money(facts, facts.captured)
    whole, first = facts.refunded >= facts.captured, facts.refunded <= facts.amount
    amount = money(facts, facts.amount)
    rows = [*phrases.rows(facts), ("Refunded" if first else "This refund", amount)]
    if not first:
        rows.append(("Refunded in total", f"{total} of {paid}"))
    if not whole:
        rows.append(("You paid in the end", money(facts, facts.captured - facts.refunded)))
    return Letter(
        Template.REFUNDED,
        f"{amount} refunded for {phrases.bought(facts)}",
        "refunded",
        f"{total} refunded" if whole else f"{total} of {paid} refunded",
        phrases.hello(facts),
        (f"We sent {amount} back to the card that you paid with.",),
        tuple(rows),
        (Section("When it arrives", ("Most banks show a refund within 5 to 10 days.",)),),
    )


def _refund_failed(facts: Facts) -> Letter:
    amount = money(facts, facts.amount)
    return Letter(
        Template.REFUND_FAILED,
        f"Your refund of {amount} came back to us",
        "failed",
        f"{amount} not refunded yet",
        phrases.hello(facts),
        (
            f"We wrote to you that {amount} is on its way back to your card. Your bank could not"
            " take it and returned it to us.",
            "You don’t lose it: we look after it and write to you again.",
        ),
        (*phrases.rows(facts), ("Not refunded yet", amount)),
        (
            Section(
                "What you can do",
                ("If that card was closed or replaced, reply to this e-mail and tell us so.",),
            ),
        ),
    )


def _declined(facts: Facts) -> Letter:
    reason, booked = phrases.reason(facts), phrases.still_booked(facts)
    return Letter(
        Template.DECLINED,
        f"Card not charged for {phrases.bought(facts)}",
        "failed",
        f"Card not charged: {reason}. Nothing was taken.",
        phrases.hello(facts),
        (f"We could not use your card for {phrases.bought(facts)}, {booked}.",),
        (*phrases.rows(facts), ("Amount", f"{money(facts, facts.amount)}, not taken")),
        (Section("What you can do", ("Try another card, or ask your bank.",)),),
        later.way("Pay with another card", facts),
    )


_OF_A_HOLD = (Template.RESERVED, Template.RELEASED, Template.EXPIRED)
_BY_KIND = {
    "authorized": Template.RESERVED,
    "charged": Template.PAID,
    "released": Template.RELEASED,
    "expired": Template.EXPIRED,
    "refund_succeeded": Template.REFUNDED,
    "declined": Template.DECLINED,
    "card_saved": Template.PLANNED,
    "card_refused": Template.CARD_REFUSED,
    "card_waiting": Template.CONFIRM_CARD,
    "let_go": Template.LET_GO,
}
_WRITERS: dict[Template, Callable[[Facts], Letter]] = {
    Template.RESERVED: _reserved,
    Template.PAID: _paid,
    Template.CHARGED_EARLY: _charged_early,
    Template.RELEASED: _released,
    Template.EXPIRED: _expired,
    Template.REFUNDED: _refunded,
    Template.REFUND_FAILED: _refund_failed,
    Template.DECLINED: _declined,
    **later.WRITERS,
}
