"""How many deliveries we refused, and why: what is refused is counted, and never kept.

A stranger can knock as often as he likes. The counts wait in memory and are written at most once in
ten seconds and reason, into one row a day: a flood costs no disk. A process that is killed forgets
what it had not written, so a count is "at least".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic

import structlog
from piccolo.querystring import QueryString

from dashboard import clock, db
from dashboard.payments.tables import RefusedDelivery

log = structlog.get_logger()
WRITE_EVERY = 10.0
LATELY = timedelta(days=7)
# What a delivery is refused for; the page has words for each.
REASONS = ("unsigned", "signature", "stale", "malformed", "too_large")


@dataclass(frozen=True, slots=True)
class Count:
    """How many were refused for one reason since `LATELY`, and when the last one came."""

    reason: str
    count: int
    last_at: datetime


@dataclass(slots=True)
class _Waiting:
    count: int
    last_at: datetime


class RefusedDeliveries:
    """The counts of this process that were not written yet."""

    def __init__(self) -> None:
        self._waiting: dict[str, _Waiting] = {}
        self._written: dict[str, float] = {}

    async def note(self, reason: str) -> None:
        """Count one more. Never raises for trouble with the database: the answer goes out."""
        now = clock.now()
        waiting = self._waiting.setdefault(reason, _Waiting(0, now))
        waiting.count, waiting.last_at = waiting.count + 1, now
        if monotonic() < self._written.get(reason, -WRITE_EVERY) + WRITE_EVERY:
            return
        self._written[reason] = monotonic()
        await self._write(reason, self._waiting.pop(reason))

    async def write_down(self) -> None:
        """Write what waits, for a process that ends."""
        for reason in list(self._waiting):
            await self._write(reason, self._waiting.pop(reason))

    async def _write(self, reason: str, waiting: _Waiting) -> None:
        try:
            await _add(reason, waiting.count, waiting.last_at)
        except db.CONNECTION_ERRORS as error:
            log.warning("webhook.refused_not_counted", reason=reason, error=type(error).__name__)
            later = self._waiting.setdefault(reason, _Waiting(0, waiting.last_at))
            later.count += waiting.count

    async def lately(self) -> Sequence[Count]:
        """By reason, the most frequent first; what this process has not written is included."""
        since = clock.now() - LATELY
        found = {
            reason: Count(reason, waiting.count, waiting.last_at)
            for reason, waiting in self._waiting.items()
        }
        for row in await RefusedDelivery.objects().where(RefusedDelivery.last_at >= since):
            had = found.get(row.reason, Count(row.reason, 0, row.last_at))
            last_at = max(row.last_at, had.last_at)
            found[row.reason] = Count(row.reason, had.count + row.number, last_at)
        return sorted(found.values(), key=lambda one: (-one.count, one.reason))


async def _add(reason: str, count: int, last_at: datetime) -> None:
    day = last_at.replace(hour=0, minute=0, second=0, microsecond=0)
    row = RefusedDelivery(
        id=f"{day:%Y-%m-%d}:{reason}", day=day, reason=reason, number=count, last_at=last_at
    )
    more = QueryString('"refused_delivery"."number" + {}', count)
    await RefusedDelivery.insert(row).on_conflict(
        action="DO UPDATE",
        target=RefusedDelivery.id,
        values=[(RefusedDelivery.number, more), RefusedDelivery.last_at],
    )
