"""Tells the worker to look at a row at once. A nudge that gets lost costs a minute, nothing else.

A nudge never raises for trouble with the queue and never keeps its caller waiting: it is put in by
a thread of its own, since Redis may be away and SQLite's lock may be taken.
"""

import threading
from concurrent.futures import ThreadPoolExecutor

import structlog

from dashboard import db, settings
from jobs.queue import Queue, open_queue

log = structlog.get_logger()
# With the queue out of reach, more waiting nudges are worth less than the memory they take.
MOST_WAITING = 1000

_thread = ThreadPoolExecutor(1, thread_name_prefix="nudges")
_waiting = threading.BoundedSemaphore(MOST_WAITING)
_queue: Queue | None = None


def settle(purchase_id: int) -> None:
    """Have a purchase settled at once, best effort.

    Raises RuntimeError inside a transaction: the worker would look before the commit.
    """
    _put("settle_at_once", purchase_id)


def event(event_id: str) -> None:
    """Have a kept webhook event handled at once, best effort; RuntimeError as for `settle`."""
    _put("handle_at_once", event_id)


def reconcile(run_id: int) -> None:
    """Have a reconciliation begun at once, best effort; RuntimeError as for `settle`."""
    _put("reconcile_at_once", run_id)


def batch(batch_id: int) -> None:
    """Have a batch carried out at once, best effort; RuntimeError as for `settle`."""
    _put("carry_out_at_once", batch_id)


def export(export_id: int) -> None:
    """Have an export made at once, best effort; RuntimeError as for `settle`."""
    _put("make_exports_at_once", export_id)


def flush(timeout: float = 5.0) -> None:
    """Wait until every nudge so far has been put in, or has failed."""
    _thread.submit(lambda: None).result(timeout)


def forget() -> None:
    """Open the queue anew at the next nudge, for settings that have changed."""
    global _queue
    _queue = None


def _put(name: str, row: int | str) -> None:
    db.require_no_transaction("a nudge")
    if not _waiting.acquire(blocking=False):
        log.warning("nudge.dropped", task=name)
        return
    try:
        _thread.submit(_enqueue, name, row, _cause())
    except RuntimeError:
        # The interpreter is on its way out; the row stays due.
        _waiting.release()


def _cause() -> str:
    """The request that asks for it: the worker's lines then carry the same name."""
    return str(structlog.contextvars.get_contextvars().get("request_id", ""))


def _enqueue(name: str, row: int | str, cause: str) -> None:
    global _queue
    try:
        if _queue is None:
            _queue = open_queue(settings.current())
        _queue.nudges[name](row, cause)
    except Exception as error:  # noqa: BLE001 - whatever kept it out, the row itself stays due
        log.warning("nudge.lost", task=name, error=type(error).__name__)
    finally:
        _waiting.release()
