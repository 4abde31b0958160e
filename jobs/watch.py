"""The watch: what is wrong becomes alerts, alerts become e-mails, and a standstill is kept."""

import asyncio
from datetime import datetime

import structlog

from dashboard import clock
from dashboard.alerts import lateness, outages, queries, record, telling
from dashboard.mail import delivery
from dashboard.mail.tables import Notice
from jobs import mail

log = structlog.get_logger()
STAND_IN_EVERY = 60.0
SEND_FOR = 20.0


async def watch() -> int:
    """Look at everything that can be wrong; answers how many alerts opened or closed.

    After a standstill the other sweeps get a minute first, in which they do what was missed.
    """
    now = clock.now()
    changed = 1
    if await outages.notice(watch.__name__, now) is None:
        await outages.keep_misses(now)
        changed = await _look(now)
    if await telling.tell(now):
        await mail.mail_at_once()
    return changed


async def _look(now: datetime) -> int:
    return await record.agree(await queries.standing(now), now)


async def stand_in() -> None:
    """Beside the web's requests: look in the worker's place whenever it has not for too long."""
    while True:
        await asyncio.sleep(STAND_IN_EVERY)
        try:
            await stand_in_once()
        except Exception as error:
            # Whatever it is, the next minute may be better, and nobody else looks.
            log.exception("watch.failed", error=type(error).__name__)


async def stand_in_once() -> bool:
    """Look if the worker does not, and send what there is to tell; nothing else is done for it.

    Whoever looks, each alert opens once and is told once. Leaves no heartbeat: the worker is late.
    """
    now = clock.now()
    beats = [beat for beat in await lateness.beats() if beat.name == watch.__name__]
    if any(now - beat.at <= lateness.LATE for beat in beats):
        return False
    await _look(now)
    await telling.tell(now)
    await delivery.deliver(SEND_FOR, (Notice,))
    return True
