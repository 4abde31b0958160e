"""What this process has lately failed to reach, and since when: remembered, for nothing else could
be asked about a database that answers no more."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dashboard import clock

# Without a miss for so long, the next one begins another outage.
ENDS_AFTER = timedelta(minutes=2)
# So long after its last miss a part is still named: a page in between may only have read.
STANDS_FOR = timedelta(minutes=1)
DATABASE, STRIPE = "The database", "Stripe"


@dataclass(frozen=True, slots=True)
class Outage:
    """A part by its name at the beginning of a sentence, its first and its last miss."""

    what: str
    first: datetime
    last: datetime


_missed: dict[str, Outage] = {}


def miss(what: str) -> Outage:
    """Remember that `what` was missed just now; answers the outage that this belongs to."""
    now = clock.now()
    known = _missed.get(what)
    first = known.first if known and now - known.last <= ENDS_AFTER else now
    _missed[what] = Outage(what, first, now)
    return _missed[what]


def standing(now: datetime) -> Sequence[Outage]:
    """What was missed within the last minute, the longest outage first."""
    lately = [one for one in _missed.values() if timedelta() <= now - one.last <= STANDS_FOR]
    return sorted(lately, key=lambda one: one.first)


def reached(what: str) -> None:
    """Forget what was missed: it has just answered."""
    _missed.pop(what, None)


def away(what: str, now: datetime) -> bool:
    """Whether it was missed within the last minute and has not answered since."""
    return any(one.what == what for one in standing(now))
