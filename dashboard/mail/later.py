"""The messages about cards that are saved for later, holds that are placed later, and renewals."""

from collections.abc import Callable

from dashboard.mail import phrases
from dashboard.mail.facts import Facts, Template
from dashboard.mail.letters import Letter
from dashboard.mail.phrases import Section, money


def way(label: str, facts: Facts) -> tuple[str, str] | None:
    """The button to the page where the student goes on, while there is something to go on with."""
    return (label, facts.link) if facts.link else None


def _planned(facts: Facts) -> Letter:
    amount = money(facts, facts.price)
    at = f"on {phrases.moment(facts, facts.hold_due_at)}" if facts.hold_due_at else "later"
    said = f"{amount} will be reserved on your card {at}, and charged after the lesson."
    sections = (phrases.cancelling(facts),) if facts.lesson else ()
    return Letter(
        Template.PLANNED,
        f"Booked: {phrases.bought(facts)}",
        "authorized",
        f"Card saved • {amount} charged after lesson",
        phrases.hello(facts),
        (
            "Your lesson is booked. Your card is saved, and nothing is reserved or taken yet.",
            f"Banks keep a reservation for some days only. {said}",
        ),
        (*phrases.rows(facts), ("Amount", f"{amount}, reserved {at}")),
        sections,
    )


def _card_refused(facts: Facts) -> Letter:
    reason = phrases.reason(facts)
    return Letter(
        Template.CARD_REFUSED,
        f"Card not saved for {phrases.bought(facts)}",
        "failed",
        f"Card not saved: {reason}. Nothing was taken.",
        phrases.hello(facts),
        (f"We could not save your card for {phrases.bought(facts)}, so nothing is booked yet.",),
        (*phrases.rows(facts), ("Amount", f"{money(facts, facts.price)}, not taken")),
        (Section("What you can do", ("Try another card, or ask your bank.",)),),
        way("Use another card", facts),
    )


def _confirm_card(facts: Facts) -> Letter:
    end = f" by {phrases.moment(facts, facts.confirm_by)}" if facts.confirm_by else " in time"
    return Letter(
        Template.CONFIRM_CARD,
        f"Please confirm your card for {phrases.bought(facts)}",
        "pending",
        "Your bank asks you to confirm",
        phrases.hello(facts),
        (
            f"To book {phrases.bought(facts)}, your bank wants you to confirm your card.",
            "Nothing is reserved or taken by that."
            f" If it is not confirmed{end}, the booking lapses.",
        ),
        phrases.rows(facts),
        link=way("Confirm your card", facts),
    )


def _authenticate(facts: Facts) -> Letter:
    amount = money(facts, facts.amount)
    return Letter(
        Template.AUTHENTICATE,
        f"Please confirm {amount} for {phrases.bought(facts)}",
        "pending",
        f"Your bank asks you to confirm {amount}",
        phrases.hello(facts),
        (
            f"We wanted to reserve {amount} for {phrases.bought(facts)}."
            " Your bank wants you to confirm it first.",
            _otherwise(facts),
        ),
        (*phrases.rows(facts), ("Amount", f"{amount}, not taken")),
        link=way("Confirm the reservation", facts),
    )


def _otherwise(facts: Facts) -> str:
    """What happens if the student does nothing, by the same rules that do it."""
    if facts.hold_due_at is not None and not facts.renews:
        return _let_go_then(facts)
    if facts.expires_at is None:
        return "Nothing was taken."
    ends = phrases.moment(facts, facts.expires_at)
    old = f"The reservation that you have ends on {ends}."
    then = {
        "capture": " If nothing is confirmed, we charge your card shortly before that.",
        "release": " If nothing is confirmed, we give it back shortly before that.",
    }.get(facts.otherwise, " If nothing is confirmed by then, we get in touch with you.")
    return old + then


def _let_go_then(facts: Facts) -> str:
    by = f" by {phrases.moment(facts, facts.give_up_at)}" if facts.give_up_at else " in time"
    return f"If it can’t be reserved{by}, the lesson is cancelled and nothing is charged."


def _hold_refused(facts: Facts) -> Letter:
    amount, reason = money(facts, facts.amount), phrases.reason(facts)
    again = "You can use another card at any time."
    if facts.next_try_at is not None:
        again = f"We try again on {phrases.moment(facts, facts.next_try_at)}. {again}"
    return Letter(
        Template.HOLD_REFUSED,
        f"{amount} could not be reserved for {phrases.bought(facts)}",
        "failed",
        f"Not reserved: {reason}. Nothing was taken.",
        phrases.hello(facts),
        (
            f"Your card did not let us reserve {amount} for {phrases.bought(facts)}.",
            again,
            _let_go_then(facts),
        ),
        (*phrases.rows(facts), ("Amount", f"{amount}, not taken")),
        link=way("Use another card", facts),
    )


def _renewed(facts: Facts) -> Letter:
    amount, charged = money(facts, facts.amount), phrases.charged(facts)
    return Letter(
        Template.RENEWED,
        f"Reservation renewed for {phrases.bought(facts)}",
        "authorized",
        f"{amount} reserved • Charged {charged}",
        phrases.hello(facts),
        (
            f"The reservation of {amount} for {phrases.bought(facts)} would have ended before it"
            " was charged, so we replaced it by a new one.",
            "Your bank may show both for a short while. Only one of them is ever charged.",
        ),
        (*phrases.rows(facts), ("Amount", amount)),
        phrases.why_early(facts),
    )


def _let_go(facts: Facts) -> Letter:
    why = {
        "abandoned": "The payment was not confirmed within 30 minutes.",
        "called_off": "The lesson was called off before anything was reserved on your card.",
        "never_held": "The price could not be reserved on your card in time.",
    }.get(facts.reason, "It was never paid.")
    return Letter(
        Template.LET_GO,
        f"Cancelled: {phrases.bought(facts)}",
        "released",
        "Booking cancelled • Nothing was charged",
        phrases.hello(facts),
        (why, f"{_capital(phrases.bought(facts))} is cancelled, and you paid nothing."),
        phrases.rows(facts),
        (Section("What you can do", ("Book again where you booked, with any card.",)),),
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


WRITERS: dict[Template, Callable[[Facts], Letter]] = {
    Template.PLANNED: _planned,
    Template.CARD_REFUSED: _card_refused,
    Template.CONFIRM_CARD: _confirm_card,
    Template.AUTHENTICATE: _authenticate,
    Template.HOLD_REFUSED: _hold_refused,
    Template.RENEWED: _renewed,
    Template.LET_GO: _let_go,
}
