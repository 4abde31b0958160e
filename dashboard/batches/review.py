"""What a capture or a release of many holds would do: which can be moved, and why others can't."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from dashboard import money, sentences, settings
from dashboard.bookings.holds import Hold, holds
from dashboard.payments import checks
from dashboard.payments.facts import Verb

MOST = 200


@dataclass(frozen=True, slots=True)
class Movable:
    """A hold that can be moved now, and by how many minor units."""

    hold: Hold
    amount: int


@dataclass(frozen=True, slots=True)
class Left:
    """A hold that is left as it is, and why."""

    hold: Hold
    why: str


@dataclass(frozen=True, slots=True)
class Review:
    """All that was chosen. `unknown` counts the numbers that no payment has."""

    verb: Verb
    movable: list[Movable]
    left: list[Left]
    unknown: int = 0

    @property
    def totals(self) -> dict[str, int]:
        """What would be moved, per currency; two currencies are never added."""
        return money.sums((one.hold.currency, one.amount) for one in self.movable)


async def review(verb: Verb, payment_ids: Sequence[int], now: datetime) -> Review:
    """How the chosen holds stand, in the given order, each of them once. Nothing is moved."""
    chosen = list(dict.fromkeys(payment_ids))
    found = await holds(chosen)
    movable, left = [], []
    for one in found:
        why = _why_not(one, verb, now)
        if why:
            left.append(Left(one, why))
        else:
            movable.append(Movable(one, one.most(verb)))
    return Review(verb, movable, left, len(chosen) - len(found))


def _why_not(hold: Hold, verb: Verb, now: datetime) -> str:
    """The sentence that the single form would answer with; nothing when it can be moved."""
    zone = settings.current().zone
    if hold.books.operation is not None:
        return sentences.busy(hold.books.operation, zone)
    refused = checks.refusal(verb, hold.most(verb), hold.books.purchase_facts, hold.facts, now)
    if refused is None and verb is Verb.CAPTURE:
        elsewhere = checks.captured_elsewhere(hold.facts, hold.books.payment_facts)
        refused = ("already_captured", {"amount": elsewhere}) if elsewhere else None
    if refused is None and not hold.payment.current:
        refused = "replaced", {}
    return sentences.not_allowed(*refused, hold.currency, zone) if refused else ""
