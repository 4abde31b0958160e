"""The watch: what is wrong becomes alerts, alerts become e-mails, and a standstill is kept."""

import structlog

from dashboard import clock
from dashboard.alerts import outages, queries, record, telling
from jobs import mail

log = structlog.get_logger()


async def watch() -> int:
    """Look at everything that can be wrong; answers how many alerts opened or closed.

    After a standstill the other sweeps get a minute first, in which they do what was missed.
    """
    now = clock.now()
    if await outages.notice(watch.__name__, now) is not None:
        return await _tell(1)
    await outages.keep_misses(now)
    return await look()


async def look() -> int:
    """The same without a view to the past; whoever looks, each alert opens and is told once."""
    now = clock.now()
    return await _tell(await record.agree(await queries.standing(now), now))


async def _tell(changed: int) -> int:
    if await telling.tell(clock.now()):
        await mail.mail_at_once()
    return changed
