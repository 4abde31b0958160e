"""Spans of time as an address names them: from an instant on, up to and without another one."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

HOUR = timedelta(hours=1)
_FORM = "%Y-%m-%dT%H:%MZ"
# Far enough from both ends of the calendar that no arithmetic and no zone can leave it.
_YEARS = range(2000, 2200)


@dataclass(frozen=True, slots=True)
class Span:
    """Half-open, so that spans side by side hold every instant once. Both ends are in UTC."""

    start: datetime
    end: datetime

    def __str__(self) -> str:
        """As an address has it; an hour is named by its beginning alone."""
        if self.end - self.start == HOUR:
            return self.start.strftime(_FORM)
        return f"{self.start.strftime(_FORM)}/{self.end.strftime(_FORM)}"


def span(start: datetime, end: datetime) -> Span:
    """The span between two instants of any zone."""
    return Span(start.astimezone(UTC), end.astimezone(UTC))


def parse(text: str) -> Span | None:
    """An hour, "2026-11-24T02:00Z", or a span, "2026-11-01T05:00Z/2026-11-01T07:00Z"; else None."""
    first, slash, last = text.partition("/")
    start = _instant(first)
    end = _instant(last) if slash else start and start + HOUR
    return Span(start, end) if start and end and start < end else None


def _instant(text: str) -> datetime | None:
    try:
        at = datetime.strptime(text, _FORM).replace(tzinfo=UTC)
    except ValueError:
        return None
    return at if at.year in _YEARS else None
