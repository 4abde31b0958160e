"""What somebody did in a sitting: one sentence, and the rows behind each of its numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from dashboard import findings, formats, money
from dashboard.bookings import holds
from dashboard.payments.facts import Verb
from dashboard.support.triage import Sitting, Waiting

_DONE = {Verb.CAPTURE: "captured", Verb.RELEASE: "released", Verb.REFUND: "refunded"}
# What goes back uncharged needs no sum: nobody gained or lost it.
_WORTH = (Verb.CAPTURE, Verb.REFUND)


@dataclass(frozen=True, slots=True)
class Deed:
    """One row behind the sentence."""

    payment_id: int
    called: str
    what: str
    amount: str
    when: str
    iso: str


def summary(sitting: Sitting, waiting: Sequence[Waiting], zone: ZoneInfo) -> str:
    """The heading of the last screen: "You captured 3 ($288.00), released 1, snoozed 2; …"."""
    parts = [part for verb in _DONE if (part := _moved(sitting, verb))]
    left = len({row.payment for row in sitting.left})
    parts += [f"snoozed {left}"] if left else []
    did = f"You {', '.join(parts)}" if parts else "You moved nothing and snoozed nothing"
    return f"{did}; {_left(waiting, zone)}"


def _moved(sitting: Sitting, verb: Verb) -> str:
    rows = [row for row in sitting.moved if row.verb == verb]
    if not rows:
        return ""
    sums = money.sums((row.currency, row.amount) for row in rows)
    worth = f" ({findings.worth(sums)})" if verb in _WORTH else ""
    return f"{_DONE[verb]} {len(rows)}{worth}"


def _left(waiting: Sequence[Waiting], zone: ZoneInfo) -> str:
    if not waiting:
        return "nothing is left."
    said = "1 is left" if len(waiting) == 1 else f"{len(waiting)} are left"
    ends = [one.ends_at for one in waiting if one.ends_at is not None]
    first = "due" if len(waiting) == 1 else "the first due"
    return f"{said}, {first} {formats.day_and_time(min(ends), zone)}." if ends else f"{said}."


async def deeds(sitting: Sitting, zone: ZoneInfo) -> list[Deed]:
    """The rows, in order of time."""
    about = await holds.subjects([row.purchase for row in sitting.moved])
    about |= await holds.subjects([row.purchase for row in sitting.left])

    def deed(purchase: int, payment: int, what: str, amount: str, at: datetime) -> Deed:
        subject = about.get(purchase, holds.NOBODY)
        called = f"{subject.number} {subject.student}"
        return Deed(payment, called, what, amount, formats.time_of_day(at, zone), at.isoformat())

    found = []
    for row in sitting.moved:
        what, amount = _DONE.get(Verb(row.verb), row.verb), formats.money(row.amount, row.currency)
        found.append(deed(row.purchase, row.payment, what.capitalize(), amount, row.closed_at))
    for left in sitting.left:
        until = f"Snoozed until {formats.moment(left.until, zone)}"
        found.append(deed(left.purchase, left.payment, until, "", left.made_at))
    return sorted(found, key=lambda one: one.iso)
