"""What became of the holds that were placed in a week."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta

from dashboard import settings
from dashboard.metrics.cells import FATES
from dashboard.metrics.tables import Day


@dataclass(frozen=True, slots=True)
class Pile:
    """So many holds, and what they had reserved in minor units."""

    count: int = 0
    amount: int = 0

    def __add__(self, other: "Pile") -> "Pile":
        return Pile(self.count + other.count, self.amount + other.amount)

    def __sub__(self, other: "Pile") -> "Pile":
        return Pile(self.count - other.count, self.amount - other.amount)


@dataclass(slots=True)
class Cohort:
    """The holds placed in the week that begins on Monday, `week`; each has one fate, or is open.

    `refunded` are those of which all that was captured went back. Amounts are the holds' own.
    """

    week: date
    placed: Pile = field(default_factory=Pile)
    captured: Pile = field(default_factory=Pile)
    refunded: Pile = field(default_factory=Pile)
    released: Pile = field(default_factory=Pile)
    expired: Pile = field(default_factory=Pile)

    @property
    def still_open(self) -> Pile:
        """What has not ended yet."""
        return self.placed - self.captured - self.refunded - self.released - self.expired


async def cohorts(first: date, last: date, currency: str) -> list[Cohort]:
    """The weeks that hold `first` to `last`, whole, the oldest first; empty weeks are left out.

    A renewed hold counts in its own week, and the one that it replaced as released.
    """
    start, end = _monday(first), _monday(last) + timedelta(days=6)
    names = ["placed", *(f"fate_{fate}" for fate in FATES)]
    columns = [getattr(Day, f"{name}_{what}") for name in names for what in ("count", "amount")]
    rows = (
        await Day.select(Day.day, *columns)
        .where((Day.day >= start) & (Day.day <= end) & (Day.currency == currency))
        .where((Day.zone == settings.current().zone.key) & (Day.placed_count > 0))
        .order_by(Day.day)
    )
    piles: dict[date, dict[str, Pile]] = defaultdict(lambda: defaultdict(Pile))
    for row in rows:
        for name in names:
            more = Pile(row[f"{name}_count"], row[f"{name}_amount"])
            piles[_monday(row["day"])][name.removeprefix("fate_")] += more
    return [Cohort(week, **found) for week, found in piles.items()]


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())
