"""What is wrong now, for every door: the desk, /readyz, /metrics, the e-mails, the doctor.

Nothing here waits for the worker: when it stands still, its pages and numbers still tell.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime

from dashboard.alerts import lateness, machinery, money
from dashboard.alerts.kinds import Trouble, in_order
from dashboard.alerts.lateness import Beat
from dashboard.alerts.tables import Alert


async def standing(now: datetime) -> list[Trouble]:
    """Everything that is wrong now, the most severe first. Not to be asked in a transaction."""
    return await judged(await lateness.beats(), now)


async def judged(beats: Sequence[Beat], now: datetime) -> list[Trouble]:
    """The same, with the heartbeats that the caller has read already."""
    # Side by side: most of their time is the way to the database and back.
    found = await asyncio.gather(
        money.holds(now),
        money.operations(now),
        money.purchases(now),
        money.disputes(now),
        machinery.dead_letters(),
        machinery.webhooks(now),
        machinery.sweeps(beats, now),
        machinery.comparison(now),
        machinery.differences(),
        machinery.mail(now),
    )
    return in_order(one for some in found for one in some)


async def lately_closed(limit: int) -> list[Alert]:
    """What is over, the latest first."""
    return (
        await Alert.objects()
        .where(Alert.closed_at.is_not_null())
        .order_by(Alert.closed_at, ascending=False)
        .order_by(Alert.id, ascending=False)
        .limit(limit)
    )
