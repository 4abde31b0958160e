"""The figures that finance sees, with what they are made of. Pure.

Whoever shows a figure is given its text. A percentage can't be had where there are too few cases
for one, and nothing is ever divided by nothing.
"""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

# Of fewer cases than this a percentage would say more than they do.
ENOUGH = 20
NOTHING = "–"
_TENTH = Decimal("0.1")


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many. Shares are added up by adding their cases, never their percentages."""

    numerator: int = 0
    denominator: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.numerator <= self.denominator:
            raise ValueError(f"{self.numerator} of {self.denominator}")

    @property
    def exact(self) -> Fraction | None:
        """In percent; None where there are too few cases to speak of percent."""
        if self.denominator < ENOUGH:
            return None
        return Fraction(100 * self.numerator, self.denominator)

    @property
    def percent(self) -> Decimal | None:
        """The same with one digit after the point: what chart, table and CSV show.

        Only all is 100.0, and only none is 0.0.
        """
        if self.exact is None:
            return None
        if self.numerator in (0, self.denominator):
            return tenths(self.exact)
        return min(max(tenths(self.exact), _TENTH), 100 - _TENTH)

    @property
    def told(self) -> str:
        """What a page says: "95.2 %", "3 of 8", or a dash where there is nothing."""
        if self.denominator == 0:
            return NOTHING
        if self.percent is None:
            return f"{self.numerator} of {self.denominator}"
        return f"{self.percent} %"


@dataclass(frozen=True, slots=True)
class PerHundred:
    """So many tickets for so many holds, of which they need not be a part."""

    tickets: int = 0
    holds: int = 0

    @property
    def value(self) -> Decimal | None:
        """Tickets per 100 holds, with one digit after the point; None for too few holds."""
        if self.holds < ENOUGH:
            return None
        return tenths(Fraction(100 * self.tickets, self.holds))

    @property
    def told(self) -> str:
        """What a page says: "2.5", "3 for 8 holds", or a dash where no hold was placed."""
        if self.holds == 0:
            return NOTHING
        return f"{self.tickets} for {self.holds} holds" if self.value is None else str(self.value)


def tenths(exact: Fraction) -> Decimal:
    """With one digit after the point, halves away from nothing."""
    # Enough digits for any two whole numbers of ours: the division itself decides no rounding.
    return (Decimal(exact.numerator) / Decimal(exact.denominator)).quantize(_TENTH, ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class Average:
    """A mean of durations, from their number and their sum in seconds."""

    count: int = 0
    seconds: int = 0

    @property
    def mean(self) -> Fraction | None:
        """In seconds, exactly; None where nothing was measured."""
        return Fraction(self.seconds, self.count) if self.count else None


@dataclass(frozen=True, slots=True)
class Spread:
    """Durations in seconds: exactly their median, their 90th percentile and their mean.

    The median is the middle one, or half-way between the middle two. The percentile is the smallest
    duration that at least nine tenths of them don't exceed. None where nothing was measured.
    """

    count: int = 0
    median: Fraction | None = None
    p90: int | None = None
    mean: Fraction | None = None


@dataclass(frozen=True, slots=True)
class Money:
    """The money of one currency that moved in some days, in minor units, and what stands after.

    `refunded` is less what came back of refunds; `released` is all that went back unused, of which
    `expired` by itself. `held` and `in_dispute` are how things stood at the end. `person` is what
    of the held money needed a person by the last day's forecast; None when none was kept. `fees`
    are those that Stripe has told; `unpriced` is what was taken whose fee is not known.
    """

    reserved: int = 0
    captured: int = 0
    released: int = 0
    expired: int = 0
    charged: int = 0
    refunded: int = 0
    disputed: int = 0
    withdrawn: int = 0
    reinstated: int = 0
    lost: int = 0
    fees: int = 0
    unpriced: int = 0
    held: int = 0
    in_dispute: int = 0
    person: int | None = None

    @property
    def net(self) -> int:
        """What was taken and kept: captured and charged, less refunds and lost disputes."""
        return self.captured + self.charged - self.refunded - self.lost

    @property
    def after_fees(self) -> int:
        """The same less the fees that are known; what they are of `unpriced`, nobody knows yet."""
        return self.net - self.fees

    @property
    def at_risk(self) -> int:
        """Taken money in dispute, and held money that needs a person."""
        return self.in_dispute + (self.person or 0)

    def held_before(self) -> int:
        """What was held at the beginning: held + reserved = captured + released + held after."""
        return self.captured + self.released + self.held - self.reserved


@dataclass(frozen=True, slots=True)
class Figures:
    """The six metrics and the money of some days in one currency; tickets have no currency."""

    authorization: Share
    capture_time: Spread
    expiry: Share
    still_open: int
    capture_failure: Share
    hold_duration: Average
    tickets: int
    tickets_per_100: PerHundred
    money: Money
