"""When each sweep last ran, kept as rows: the pages say how fresh they are by them."""

from collections.abc import Awaitable, Callable, Collection
from datetime import datetime
from typing import Any

import structlog

from dashboard import clock
from dashboard.metrics.tables import Heartbeat

log = structlog.get_logger()


async def beating(name: str, sweep: Callable[[], Awaitable[int]]) -> int:
    """Run `sweep` between a recorded start and a recorded end; answers how much it handled.

    An error is recorded and raised again.
    """
    await _record(name, {Heartbeat.last_started_at: clock.now()})
    try:
        handled = await sweep()
    except Exception as error:
        said = f"{type(error).__name__}: {error}"[:500]
        await _record(name, {Heartbeat.last_finished_at: clock.now(), Heartbeat.last_error: said})
        first = (Heartbeat.name == name) & Heartbeat.failing_since.is_null()
        await Heartbeat.update({Heartbeat.failing_since: clock.now()}).where(first)
        raise
    await _record(
        name,
        {
            Heartbeat.last_finished_at: clock.now(),
            Heartbeat.last_error: "",
            Heartbeat.failing_since: None,
            Heartbeat.handled: handled,
        },
    )
    if handled:
        log.info("sweep.done", sweep=name, handled=handled)
    return handled


async def leap(names: Collection[str], to: datetime) -> None:
    """Let the clock leap to `to` without a sweep looking late: whoever moves it does their work."""
    await Heartbeat.update({Heartbeat.last_finished_at: to}).where(
        Heartbeat.name.is_in(list(names)) & Heartbeat.last_finished_at.is_not_null()
    )


async def _record(name: str, values: dict[Any, Any]) -> None:
    updated = await Heartbeat.update(values).where(Heartbeat.name == name).returning(Heartbeat.id)
    if not updated:
        first = Heartbeat({Heartbeat.last_started_at: clock.now(), Heartbeat.name: name} | values)
        await Heartbeat.insert(first).on_conflict(target=Heartbeat.name, action="DO NOTHING")
