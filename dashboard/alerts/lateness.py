"""Which of the recurring work is late, by its heartbeats."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from dashboard.metrics.tables import Heartbeat

LATE = timedelta(minutes=15)
# What does not run every minute may be older by what it is rarer.
ALLOWED = {"check_expiring_authorizations": timedelta(minutes=25)}


@dataclass(frozen=True, slots=True)
class Beat:
    """One sweep: when its last run ended (began, if none ever did), and since when it fails."""

    name: str
    at: datetime
    failing_since: datetime | None

    @property
    def good_at(self) -> datetime:
        """Until when its work is known to have been done."""
        return min(self.at, self.failing_since or self.at)

    def late(self, now: datetime) -> bool:
        """Whether it has not run, or has failed, for longer than it may."""
        return now - self.good_at > ALLOWED.get(self.name, LATE)


async def beats() -> list[Beat]:
    """Every sweep that has ever begun."""
    rows = await Heartbeat.select(
        Heartbeat.name,
        Heartbeat.last_started_at,
        Heartbeat.last_finished_at,
        Heartbeat.failing_since,
    ).order_by(Heartbeat.name)
    return [
        Beat(
            str(row["name"]),
            row["last_finished_at"] or row["last_started_at"],
            row["failing_since"],
        )
        for row in rows
    ]
