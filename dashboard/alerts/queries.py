"""What is wrong now, for every door: the desk, /readyz, /metrics, the e-mails, the doctor.

Nothing here waits for the worker: when it stands still, its pages and numbers still tell.
"""

from collections.abc import Sequence
from datetime import datetime

from dashboard.alerts import lateness, machinery, money
from dashboard.alerts.kinds import Trouble, in_order
from dashboard.alerts.lateness import Beat
from dashboard.alerts.tables import Alert


async def standing(now: datetime) -> list[Trouble]:
    """Everything that is wrong now, the most severe first."""
    return await judged(await lateness.beats(), now)


async def judged(beats: Sequence[Beat], now: datetime) -> list[Trouble]:
    """The same, with the heartbeats that the caller has read already."""
    return in_order(
        [
            *await money.holds(now),
            *await money.operations(now),
            *await money.purchases(now),
            *await money.disputes(now),
            *await machinery.dead_letters(),
            *await machinery.webhooks(now),
            *await machinery.sweeps(beats, now),
            *await machinery.mail(now),
        ]
    )


async def lately_closed(limit: int) -> list[Alert]:
    """What is over, the latest first."""
    return (
        await Alert.objects()
        .where(Alert.closed_at.is_not_null())
        .order_by(Alert.closed_at, ascending=False)
        .order_by(Alert.id, ascending=False)
        .limit(limit)
    )
