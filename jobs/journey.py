"""A journey of the sandbox's clock that somebody at the desk asked for, beside the requests.

It goes from due time to due time as `advance` does, so a jump over a week captures, renews,
releases and writes to students at the hours at which a week of waiting would have. There is one at
a time in a process. A process that ends in the middle leaves the clock where it is, and nothing
undone that was due by then.
"""

import asyncio
import contextlib
import time
from dataclasses import dataclass
from datetime import datetime

import httpx
import structlog

from dashboard import clock, db
from dashboard.settings import Settings
from jobs import mail, schedule
from jobs.advance import Controls, steps
from jobs.heartbeat import beating, leap

_OFTEN = [schedule.name_of(sweep) for when, sweep in schedule.PLAN if when in schedule.OFTEN]
# Seconds of wall time: each step does what is due anyway, so this is for the alerts alone.
TICK_EVERY = 3.0

log = structlog.get_logger()


class UnderWay(Exception):
    """The clock is on a journey already."""


@dataclass(slots=True)
class Journey:
    """How far one journey has come. `done` counts what fell due on the way."""

    start: datetime
    target: datetime
    done: int = 0
    trouble: str = ""
    stopping: bool = False
    tick_at: float = 0.0
    task: asyncio.Task[None] | None = None

    @property
    def going(self) -> bool:
        return self.task is not None and not self.task.done()


_latest: Journey | None = None


def latest() -> Journey | None:
    """The journey of this process that is on its way, or the last one that was."""
    return _latest


def begin(target: datetime, settings: Settings) -> Journey:
    """Set out for `target`; raises UnderWay while another journey goes on.

    Raises NotOnTheSandbox where the clock is Stripe's own.
    """
    global _latest
    if _latest is not None and _latest.going:
        raise UnderWay
    controls = Controls(settings)
    journey = _latest = Journey(clock.now(), target)
    journey.task = db.spawn(_go(journey, controls), name="journey")
    return journey


async def wait(journey: Journey, seconds: float) -> bool:
    """Whether the journey ends within so many seconds; it goes on if not."""
    if journey.task is not None:
        await asyncio.wait({journey.task}, timeout=seconds)
    return not journey.going


async def end() -> None:
    """Stop whatever is on its way: the process ends, and its connections with it."""
    if _latest is not None and _latest.task is not None and _latest.going:
        _latest.task.cancel()
        await asyncio.gather(_latest.task, return_exceptions=True)


async def _tick(journey: Journey) -> None:
    """What the worker does every minute, with its heartbeat: a leap is no reason to call it late.

    The worker's own tick comes at the next minute of wall time, days too late by the clock.
    """
    for when, sweep in schedule.PLAN:
        if when in schedule.OFTEN:
            await beating(schedule.name_of(sweep), sweep)
    journey.tick_at = time.monotonic() + TICK_EVERY


async def _go(journey: Journey, controls: Controls) -> None:
    try:
        await leap(_OFTEN, journey.target)
        async with controls, contextlib.aclosing(steps(journey.target, controls)) as walked:
            async for done in walked:
                journey.done += done
                # A message that is written days later would be too old to be sent.
                await mail.mail_at_once()
                if time.monotonic() >= journey.tick_at:
                    await _tick(journey)
                if journey.stopping:
                    break
                # The worker's own tick may fall between any two steps.
                await leap(_OFTEN, journey.target)
        await _tick(journey)
    except httpx.HTTPError as error:
        log.warning("journey.away", error=type(error).__name__)
        journey.trouble = "The sandbox stopped answering on the way."
    except Exception as error:
        log.exception("journey.failed", error=type(error).__name__)
        journey.trouble = "Something went wrong on the way. It has been written down."
