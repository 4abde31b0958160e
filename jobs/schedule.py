"""Every crontab, on one page, and the nudges.

Rows are the queue: a tick only says "look now". A missed or doubled tick changes nothing, because
a sweep claims each row by compare-and-set and a row stays due until it is done.
"""

import concurrent.futures
import functools
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from huey import Huey, crontab

from jobs import batches, exports, mail, metrics, reconcile, reports, sweeps, watch
from jobs.bridge import Bridge
from jobs.heartbeat import beating

log = structlog.get_logger()
Sweep = Callable[[], Awaitable[int]]

EVERY_MINUTE = crontab(minute="*")
# An hour would do; a tick that falls into a restart is not caught up by Huey, though.
EVERY_TEN_MINUTES = crontab(minute="*/10")
OFTEN = (EVERY_MINUTE, EVERY_TEN_MINUTES)

PLAN: tuple[tuple[Callable[..., bool], Sweep], ...] = (
    (EVERY_MINUTE, sweeps.handle_events),
    (EVERY_MINUTE, sweeps.save_due_cards),
    (EVERY_MINUTE, sweeps.post_due_payments),
    (EVERY_MINUTE, sweeps.resume_open_operations),
    (EVERY_MINUTE, sweeps.make_up_for_an_outage),
    (EVERY_MINUTE, sweeps.auto_capture_completed_lessons),
    (EVERY_MINUTE, batches.carry_out_batches),
    (EVERY_MINUTE, sweeps.follow_payments),
    (EVERY_MINUTE, mail.send_mail),
    (EVERY_MINUTE, metrics.keep_metrics),
    (EVERY_MINUTE, reconcile.reconcile),
    (EVERY_MINUTE, reports.tell_finance),
    (EVERY_MINUTE, exports.make_exports),
    (EVERY_MINUTE, watch.watch),
    (EVERY_TEN_MINUTES, sweeps.check_expiring_authorizations),
)
NUDGES: tuple[Callable[[Any], Awaitable[Any]], ...] = (
    sweeps.settle_at_once,
    sweeps.handle_at_once,
    reconcile.reconcile_at_once,
    batches.carry_out_at_once,
    exports.make_exports_at_once,
)
# A sweep ends itself before the next tick; this is for one that hangs.
SWEEP_WITHIN = 300.0
NUDGE_WITHIN = 120.0
# A tick or nudge that waited for longer than a minute has been overtaken by the next tick.
STALE_AFTER = 60

_running: set[str] = set()
_lock = threading.Lock()


def register(huey: Huey, bridge: Bridge | None) -> dict[str, Callable[[Any, str], Any]]:
    """Make the plan's tasks and the nudges known to `huey`; answers what puts a nudge in."""
    for when, sweep in PLAN:
        name = name_of(sweep)
        task = functools.partial(_tick, bridge, name, sweep)
        _named(task, name)
        huey.periodic_task(when, name=name, expires=STALE_AFTER)(task)
    nudges = {}
    for nudge in NUDGES:
        name = nudge.__name__
        task = functools.partial(_nudged, bridge, name, nudge)
        _named(task, name)
        nudges[name] = huey.task(name=name, expires=STALE_AFTER)(task)
    return nudges


def name_of(sweep: Sweep) -> str:
    """The name under which a sweep is scheduled and its heartbeat kept."""
    return str(sweep.__name__)


def _named(task: Any, name: str) -> None:
    task.__name__, task.__module__ = name, "jobs"


def _tick(bridge: Bridge | None, name: str, sweep: Sweep) -> None:
    """Run a sweep, unless the one of the minute before is still at it."""
    with _lock:
        if name in _running:
            return
        _running.add(name)
    try:
        _on(bridge, lambda: beating(name, sweep), SWEEP_WITHIN, name)
    finally:
        _running.discard(name)


def _nudged(
    bridge: Bridge | None, name: str, nudge: Callable[[Any], Any], row: Any, cause: str = ""
) -> None:
    # The bridge's loop takes over the context of the thread that hands it the work.
    told = {"request_id": cause} if cause else {}
    with structlog.contextvars.bound_contextvars(job=name, **told):
        _on(bridge, lambda: nudge(row), NUDGE_WITHIN, name)


def _on(bridge: Bridge | None, work: Any, timeout: float, name: str) -> None:
    assert bridge is not None
    try:
        bridge.run(work, timeout)
    except TimeoutError:
        log.error("job.too_slow", job=name, seconds=timeout)
    except concurrent.futures.CancelledError:
        log.info("job.cancelled", job=name)
