"""Sends the messages that are due: at least once each, whichever process dies on the way.

A row is claimed by compare-and-set and leased, then sent, then marked. Who dies between sending and
marking leaves a lease that runs out: the message goes out again under the same Message-ID.
"""

import asyncio
import concurrent.futures
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import structlog

from dashboard import clock, settings
from dashboard.mail.facts import OPEN, State
from dashboard.mail.outboxes import Away, NotNow, Outbox, outbox
from dashboard.mail.parcels import Refused, pack
from dashboard.mail.tables import Message, Notice
from dashboard.mail.writing import delay

log = structlog.get_logger()
BATCH = 50
# Longer than the slowest conversation about one message can take.
LEASE = timedelta(minutes=5)
# An address or a server that takes nothing for so long is not waited for any more.
TRIES_FOR = timedelta(days=3)
# What we tell ourselves goes first: it may be why the others wait.
Queue = type[Notice] | type[Message]
QUEUES: tuple[Queue, ...] = (Notice, Message)
_open_states = [str(state) for state in OPEN]


async def deliver(seconds: float, queues: Sequence[Queue] = QUEUES) -> int:
    """Send what is due for at most so long; answers how many messages were sent.

    One connection serves them all. A message that is not taken is backed off and the others go on;
    a server that is away leaves them all due. Raises nothing for either.
    """
    for queue in queues:
        await _give_up(queue)
    due = await _due(queues)
    if not due:
        return 0
    box, ends_at, sent = outbox(settings.current()), time.monotonic() + seconds, 0
    try:
        # Nothing is claimed for a server that can't be reached.
        await _in_thread(box.open)
        while due and time.monotonic() < ends_at:
            for queue, message_id in due:
                if time.monotonic() < ends_at:
                    sent += await _deliver_one(box, queue, message_id)
            due = await _due(queues)
    except Away as error:
        for queue in queues:
            await _note(queue, str(error))
    finally:
        await _in_thread(box.close)
    return sent


async def _in_thread(work: Callable[[], None]) -> None:
    """Do blocking work beside the loop. A server that is silent keeps no process from ending."""
    done: concurrent.futures.Future[None] = concurrent.futures.Future()

    def run() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            done.set_exception(error)
        else:
            done.set_result(None)

    done.set_running_or_notify_cancel()
    threading.Thread(target=run, name="mail", daemon=True).start()
    await asyncio.wrap_future(done)


async def _due(queues: Sequence[Queue]) -> list[tuple[Queue, int]]:
    found: list[tuple[Queue, int]] = []
    for queue in queues:
        rows = (
            await queue.select(queue.id)
            .where((queue.due_at <= clock.now()) & queue.state.is_in(_open_states))
            .order_by(queue.due_at)
            .order_by(queue.id)
            .limit(BATCH)
        )
        found += [(queue, row["id"]) for row in rows]
    return found


async def _deliver_one(box: Outbox, queue: Queue, message_id: int) -> bool:
    row = await _claim(queue, message_id)
    if row is None:
        return False
    try:
        parcel = pack(row, settings.current().mail_from, clock.now())
        await _in_thread(lambda: box.send(parcel))
    except Refused as error:
        await _finish(row, {"state": State.FAILED, "due_at": None, "error": str(error)[:500]})
        log.warning("mail.refused", message=row.id, error=str(error)[:200])
        return False
    except (NotNow, Away) as error:
        await _postpone(row, str(error))
        if isinstance(error, Away):
            raise
        return False
    now = clock.now()
    await _finish(row, {"state": State.SENT, "due_at": None, "sent_at": now, "error": ""})
    log.info("mail.sent", message=row.id, template=row.template)
    return True


async def _claim(queue: Queue, message_id: int) -> Message | Notice | None:
    """Take a due message for the length of a lease; None when somebody else has."""
    now, lease = clock.now(), str(uuid.uuid4())
    taken = (
        await queue.update(
            {
                queue.state: State.SENDING,
                queue.due_at: now + LEASE,
                queue.lease: lease,
                queue.attempts: queue.attempts + 1,
            }
        )
        .where((queue.id == message_id) & (queue.due_at <= now) & queue.state.is_in(_open_states))
        .returning(queue.id)
    )
    return await queue.objects().get(queue.id == message_id) if taken else None


async def _finish(row: Message | Notice, values: dict[Any, Any]) -> None:
    """Record how the sending ended, unless the lease was lost to somebody else."""
    queue = type(row)
    await queue.update({**values, "lease": None}).where(
        (queue.id == row.id) & (queue.lease == row.lease)
    )


async def _postpone(row: Message | Notice, error: str) -> None:
    due_at = clock.now() + delay(row.attempts)
    await _finish(row, {"state": State.WAITING, "due_at": due_at, "error": error[:500]})
    log.warning("mail.postponed", message=row.id, attempts=row.attempts, error=error[:200])


async def _note(queue: Queue, error: str) -> None:
    """Tell with every waiting message why it waits; no attempt was made, so none is counted."""
    log.warning("mail.server_away", error=error[:200])
    await queue.update({"error": error[:500]}).where(
        (queue.due_at <= clock.now()) & (queue.state == State.WAITING)
    )


async def _give_up(queue: Queue) -> None:
    long_ago = clock.now() - TRIES_FOR
    old: Any = queue.created_at <= long_ago
    if queue is Message:
        # A message that staff had sent again is as young as that.
        old &= Message.resent_at.is_null() | (Message.resent_at <= long_ago)
    rows = (
        await queue.update({"state": State.FAILED, "due_at": None})
        .where(old & (queue.state == State.WAITING))
        .returning(queue.id)
    )
    for row in rows:
        log.warning("mail.given_up", message=row["id"])
