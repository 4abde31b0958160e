"""The headings of the desk: what was found, with its numbers, instead of a noun."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from dashboard import formats, settings
from dashboard.bookings.holds import Hold
from dashboard.bookings.queue import Ending
from dashboard.payments.facts import Status


def totals(endings: Iterable[Ending]) -> dict[str, int]:
    """What is at stake per currency; amounts of two currencies are never added."""
    found: dict[str, int] = {}
    for ending in endings:
        found[ending.currency] = found.get(ending.currency, 0) + ending.amount
    return found


def worth(amounts: dict[str, int]) -> str:
    """Totals in words, our own currency first: "$308.00 and ¥9,600"."""
    own = settings.current().default_currency
    ordered = sorted(amounts.items(), key=lambda item: (item[0] != own, item[0]))
    parts = [formats.money(amount, currency) for currency, amount in ordered]
    return " and ".join(parts) if len(parts) < 3 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def queue(
    endings: Sequence[Ending], next_end: datetime | None, now: datetime, zone: ZoneInfo
) -> str:
    """The heading of the queue."""
    if not endings:
        if next_end is None:
            return "Nothing is held."
        return (
            f"Nothing expires in the next 24 hours. Next: {formats.day_and_time(next_end, zone)}."
        )
    some = "1 hold" if len(endings) == 1 else f"{len(endings)} holds"
    verb = "expires" if len(endings) == 1 else "expire"
    return f"{some} worth {worth(totals(endings))} {verb} in the next 24 hours"


def at_risk(endings: Sequence[Ending]) -> str:
    """The line under the heading: what of it waits for a person; nothing when nothing does."""
    risky = [ending for ending in endings if ending.person]
    if not risky:
        return ""
    some = "1 of them needs" if len(risky) == 1 else f"{len(risky)} of them need"
    if len(risky) == len(endings):
        some = "It needs" if len(endings) == 1 else "All of them need"
    return f"{worth(totals(risky))} is at risk: {some[:1].lower()}{some[1:]} a person."


def hold(found: Hold, now: datetime) -> str:
    """The heading of one payment's page."""
    facts, who = found.facts, found.subject.student or "somebody"

    def money(amount: int) -> str:
        return formats.money(amount, found.currency)

    if facts.held and facts.expires_at is not None:
        if facts.expires_at <= now:
            return f"{money(facts.authorized)} was held for {who}; the hold has just ended"
        left = formats.countdown(facts.expires_at, now)
        return f"{money(facts.authorized)} is held for {who}, {left} left"
    if facts.status is Status.PENDING:
        return f"{money(found.books.purchase.price)} from {who} waits for the card or the bank"
    if facts.status is Status.FAILED:
        return f"{who}’s card was not charged"
    if facts.status is Status.RELEASED:
        return f"{money(facts.authorized)} went back to {who}, never charged"
    return _paid(found)


def _paid(found: Hold) -> str:
    facts, who = found.facts, found.subject.student or "somebody"

    def money(amount: int) -> str:
        return formats.money(amount, found.currency)

    if facts.status is Status.REFUNDED:
        return f"{money(facts.refunded)} was refunded to {who}"
    if facts.refunded or facts.refund_pending:
        back = money(facts.refunded + facts.refund_pending)
        return f"{who} paid {money(facts.captured)} and got {back} back"
    if facts.captured < facts.authorized:
        return f"{who} paid {money(facts.captured)} of {money(facts.authorized)}"
    return f"{who} paid {money(facts.captured)}"


def message(found: Hold) -> str:
    """What the status means, in the words that student and staff share."""
    facts = found.facts

    def money(amount: int) -> str:
        return formats.money(amount, found.currency)

    said = (found.payment.refusal_message or "the payment was not finished").rstrip(".")
    part = money(facts.captured if facts.refunded else facts.authorized)
    texts = {
        Status.AUTHORIZED: f"{money(facts.authorized)} reserved • Charged after lesson",
        Status.PENDING: "Payment pending (waiting for the card or the bank)",
        Status.FAILED: f"Card not charged: {said}. Nothing was taken.",
        Status.RELEASED: f"{money(facts.authorized)} released • Never charged",
        Status.REFUNDED: f"{money(facts.refunded)} refunded",
        Status.CAPTURED: f"{money(facts.captured)} paid",
    }
    if facts.end_reason == "expired":
        return "Reservation ended before we charged it"
    if facts.status is Status.CAPTURED and facts.refunded:
        return f"{money(facts.refunded)} of {part} refunded"
    if facts.status is Status.CAPTURED and facts.captured < facts.authorized:
        return f"{money(facts.captured)} of {part} paid • rest released"
    return texts[facts.status]


def ended_by(found: Hold, actor: str, kind: str, at: datetime, now: datetime) -> str:
    """Who was faster, when, and that no harm came of it."""
    done = {"captured": "captured", "charged": "charged", "released": "released"}.get(kind, "")
    if not done:
        return ""
    harm = "Nothing was charged twice." if done != "released" else "Nothing was charged."
    return f"{actor} {done} this {formats.ago(at, now)} ago. {harm}"
