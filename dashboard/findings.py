"""The headings of the desk: what was found, with its numbers, instead of a noun."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from dashboard import disputes, formats, money, settings
from dashboard.bookings.holds import Hold
from dashboard.bookings.outlook import MOST, Dispute, Ending
from dashboard.payments.case import PLAN_MARGIN
from dashboard.payments.facts import Status


def tally(count: int) -> str:
    """How many rows a list has; "10,000+" where they were counted only so far."""
    return f"{MOST:,}+" if count > MOST else f"{count:,}"


def totals(endings: Iterable[Ending | Dispute]) -> dict[str, int]:
    """What is at stake per currency; amounts of two currencies are never added."""
    return money.sums((ending.currency, ending.amount) for ending in endings)


def worth(amounts: dict[str, int]) -> str:
    """Totals in words, our own currency first: "$308.00 and ¥9,600"."""
    parts = amounts_of(amounts)
    return " and ".join(parts) if len(parts) < 3 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def amounts_of(totals: dict[str, int]) -> list[str]:
    """Each total as people read it, our own currency first."""
    own = settings.current().default_currency
    ordered = sorted(totals.items(), key=lambda item: (item[0] != own, item[0]))
    return [formats.money(amount, currency) for currency, amount in ordered]


def queue(
    endings: Sequence[Ending], next_end: datetime | None, now: datetime, zone: ZoneInfo
) -> str:
    """The heading of the queue."""
    if not endings:
        if next_end is None:
            return "Nothing is held."
        near = next_end - now < timedelta(days=6)
        name = formats.weekday_and_time if near else formats.day_and_time
        return f"Nothing expires in the next 24 hours. Next: {name(next_end, zone)}."
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


def disputed(open_ones: Sequence[Dispute], now: datetime, zone: ZoneInfo) -> str:
    """The line about disputes under the queue's heading; nothing when there are none."""
    if not open_ones:
        return ""
    due = [one.due_at for one in open_ones if one.due_at is not None]
    one = len(open_ones) == 1
    some = "1 payment" if one else f"{len(open_ones)} payments"
    said = f"{some} worth {worth(totals(open_ones))} {'is' if one else 'are'} disputed"
    if not due:
        return f"{said}; the banks decide."
    first = "answer" if one else "the first answer is due"
    left = formats.countdown(min(due), now)
    over = left == "ended"
    until = "the time to answer is over" if over else f"{first} by {formats.moment(min(due), zone)}"
    return f"{said}; {until}{'' if over else f', {left} left'}."


def hold(found: Hold, now: datetime) -> str:
    """The heading of one payment's page."""
    facts, who = found.facts, found.subject.student or "somebody"

    def money(amount: int) -> str:
        return formats.money(amount, found.currency)

    if facts.held and facts.expires_at is not None:
        if facts.expires_at <= now:
            return f"{money(facts.authorized)} was held for {who}; the hold has just ended"
        left = formats.countdown(facts.expires_at, now)
        sure = " (estimated)" if facts.expires_estimated else ""
        return f"{money(facts.authorized)} is held for {who}, {left} left{sure}"
    if facts.status is Status.PENDING:
        return f"{money(found.books.purchase.price)} from {who} waits for the card or the bank"
    if facts.status is Status.FAILED:
        return f"{who}’s card was not charged"
    if facts.status is Status.RELEASED:
        return f"{money(facts.authorized)} went back to {who}, never charged"
    if facts.refund_trouble and not facts.disputed:
        still = max(0, facts.kept - (found.books.purchase.owed or 0))
        return f"A refund to {who} failed; {money(still)} is still with us"
    return _disputed(found, now) if facts.disputed else _paid(found)


def _disputed(found: Hold, now: datetime) -> str:
    payment, who = found.payment, found.subject.student or "somebody"
    asks = "asks about" if disputes.inquiry(payment) else "disputes"
    amount = formats.money(payment.disputed_amount, found.currency)
    left = disputes.left(payment, now)
    then = f"{left} to answer" if left.endswith("left") else left or "it has our answer"
    return f"{who}’s bank {asks} {amount}; {then}"


def _paid(found: Hold) -> str:
    facts, who = found.facts, found.subject.student or "somebody"

    def money(amount: int) -> str:
        return formats.money(amount, found.currency)

    if facts.status is Status.REFUNDED:
        return f"{money(facts.refunded)} was refunded to {who}"
    if facts.refunded or facts.refund_pending or facts.lost:
        said = f"{who} paid {money(facts.captured)}"
        said += f" and got {money(facts.refunded)} back" if facts.refunded else ""
        said += f"; {money(facts.lost)} was lost in a dispute" if facts.lost else ""
        pending = facts.refund_pending
        return said + (f"; {money(pending)} is on its way back" if pending else "")
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
        Status.AUTHORIZED: f"{money(facts.authorized)} reserved • Charged {charged(found)}",
        Status.PENDING: "Payment pending (waiting for the card or the bank)",
        Status.FAILED: f"Card not charged: {said}. Nothing was taken.",
        Status.RELEASED: f"{money(facts.authorized)} released • Never charged",
        Status.REFUNDED: f"{money(facts.refunded)} refunded",
        Status.CAPTURED: f"{money(facts.captured)} paid",
    }
    if facts.end_reason == "expired":
        return "Reservation ended before we charged it"
    pending = facts.refund_pending
    coming = f" • {money(pending)} on its way back" if pending else ""
    if facts.status is Status.CAPTURED and facts.refunded:
        return f"{money(facts.refunded)} of {part} refunded{coming}"
    if facts.status is Status.CAPTURED and facts.captured < facts.authorized:
        return f"{money(facts.captured)} of {part} paid • rest released{coming}"
    return texts[facts.status] + coming


def charged(found: Hold) -> str:
    """When a reserved amount is charged, also where the hold ends before that."""
    facts, purchase = found.facts, found.books.purchase_facts
    planned = found.books.case(facts.created_at).planned_at
    ends = facts.expires_at
    if ends is None or (planned is not None and planned <= ends - PLAN_MARGIN):
        return "after lesson"
    day = formats.day(ends, settings.current().zone)
    return {
        "capture": f"after lesson or by {day}, when the reservation ends",
        "renew": "after lesson",
    }.get(purchase.expiry_policy, f"after lesson, if that is before {day}")


def ended_by(found: Hold, actor: str, kind: str, at: datetime, now: datetime) -> str:
    """Who was faster, when, and that no harm came of it."""
    done = {"captured": "captured", "charged": "charged", "released": "released"}.get(kind, "")
    if not done:
        return ""
    harm = "Nothing was charged twice." if done != "released" else "Nothing was charged."
    return f"{actor} {done} this {formats.ago(at, now)} ago. {harm}"
