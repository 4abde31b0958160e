"""The watch: what is wrong becomes alerts, alerts become e-mails, and a standstill is kept."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from dashboard import clock, db
from dashboard.alerts import lateness, outages, queries, record, telling
from dashboard.alerts.kinds import Kind
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
        changed = await record.agree(await queries.standing(now), now)
    if await telling.tell(now):
        await mail.mail_at_once()
    return changed


@asynccontextmanager
async def standing_in() -> AsyncIterator[None]:
    """Beside a web process: look in the worker's place whenever it has not for too long.

    If the worker dies, nobody else can tell.
    """
    watching = db.spawn(_stand_in(), name="stand-in")
    try:
        yield
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


async def _stand_in() -> None:
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
    beats = await lateness.beats()
    own = [beat for beat in beats if beat.name == watch.__name__]
    if any(now - beat.at <= lateness.LATE for beat in own):
        return False
    troubles = await queries.judged(beats, now)
    if not own and not any(one.kind is Kind.SWEEP_LATE for one in troubles):
        # It has never run, and nothing is overdue: a first start, or a seed that is being played.
        return False
    await record.agree(troubles, now)
    await telling.tell(now)
    await delivery.deliver(SEND_FOR, (Notice,))
    return True
