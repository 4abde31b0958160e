"""How large a past is, and when it ends."""

from dataclasses import dataclass
from datetime import datetime, timedelta

_DAYS_OF_A_MONTH = 30.4375
FEWEST, MOST = 20, 1_000_000
LONGEST = 36


@dataclass(frozen=True, slots=True)
class Size:
    """So many bookings in so many months that end at the anchor; `number` chooses which ones."""

    bookings: int
    months: int
    number: int
    anchor: datetime

    @property
    def start(self) -> datetime:
        return self.anchor - timedelta(days=int(self.months * _DAYS_OF_A_MONTH))


def fault(bookings: int, months: int) -> str | None:
    """Why no past can have this size; None when one can."""
    if not FEWEST <= bookings <= MOST:
        return f"--bookings must be between {FEWEST} and {MOST}."
    if not 1 <= months <= LONGEST:
        return f"--months must be between 1 and {LONGEST}."
    return None
