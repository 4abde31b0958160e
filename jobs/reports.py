"""What finance is told by itself: crossed lines, and the month that is over."""

from dashboard import clock
from dashboard.reports import crossings, monthly
from jobs import mail, metrics


async def tell_finance() -> int:
    """Owe the e-mails that are due, each once, and have them sent; answers how many."""
    now = clock.now()
    told = int(await crossings.tell(now))
    if await monthly.owed(now):
        # A letter is written once, so it must not tell of days that are still to be counted, as
        # after a standstill or for another reporting zone.
        await metrics.keep_metrics()
        told += await monthly.tell(now)
    if told:
        await mail.mail_at_once()
    return told
