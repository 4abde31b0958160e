"""The mail: messages of new events, then whatever is due. Rows are its queue, too."""

import time
from collections.abc import Awaitable, Callable

import structlog

from dashboard import db
from dashboard.mail import delivery, writing

log = structlog.get_logger()
BATCH = 200
# Together less than a minute: the next tick looks again.
READ_FOR = 20.0
SEND_FOR = 30.0

_busy: set[str] = set()


async def send_mail() -> int:
    """Write the messages of events that nobody has read yet, and send those that are due."""
    await _one_at_a_time("writing", _write)
    return await _one_at_a_time("sending", lambda: delivery.deliver(SEND_FOR))


async def _one_at_a_time(name: str, work: Callable[[], Awaitable[int]]) -> int:
    """Do it unless this process is at it already: whoever is goes on until nothing is left.

    So a mail server that is slow holds up one of the worker's threads, and not all of them.
    """
    if name in _busy:
        return 0
    _busy.add(name)
    try:
        return await work()
    finally:
        _busy.discard(name)


async def _write() -> int:
    """Derive messages from events, the oldest first; answers how many were queued."""
    ends_at, queued = time.monotonic() + READ_FOR, 0
    while time.monotonic() < ends_at and (found := await writing.due_events(BATCH)):
        for event_id in found:
            if time.monotonic() < ends_at:
                queued += await writing.read(event_id)
    return queued


async def mail_at_once() -> None:
    """What follows a nudge: its mail goes out now instead of within a minute, if it can."""
    try:
        await send_mail()
    except db.CONNECTION_ERRORS as error:
        log.warning("mail.later", error=type(error).__name__)
