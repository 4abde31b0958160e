"""The metrics: days that events and tickets have touched are counted again, then looked at."""

import time
from collections.abc import Iterable
from datetime import date

import structlog

from dashboard import db
from dashboard.metrics import forecast, rollup, thresholds
from dashboard.metrics.queries import today

log = structlog.get_logger()
# The next tick goes on with what is left.
BUDGET = 40.0


async def keep_metrics() -> int:
    """Count every touched day again and look at what it says; answers how many days changed."""
    ends_at, after, changed = time.monotonic() + BUDGET, 0, set[date]()
    await forecast.keep()
    while time.monotonic() < ends_at:
        batch = await rollup.touched(after)
        if not batch.ids:
            break
        after = batch.ids[-1]
        well = await _counted(batch.days, changed)
        await _compare(batch.days)
        if well:
            await rollup.settled(batch)
    await _counted(await rollup.misdated(), changed)
    # A line that was drawn a moment ago says something about this day, though nothing happened.
    await _compare([today()])
    return len(changed)


async def _compare(days: Iterable[date]) -> None:
    for crossing in await thresholds.record(days):
        log.warning(
            "metrics.crossed",
            metric=crossing.metric,
            currency=crossing.currency,
            day=str(crossing.day),
        )


async def _counted(days: Iterable[date], changed: set[date]) -> bool:
    """Count these days; false when one of them failed, which keeps it marked for the next tick."""
    well = True
    for day in days:
        try:
            if await rollup.recount(day):
                changed.add(day)
        except db.CONNECTION_ERRORS:
            raise
        except Exception as error:
            log.exception("metrics.day_failed", day=str(day), error=type(error).__name__)
            well = False
    return well
