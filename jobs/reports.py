"""What finance is told by itself: crossed lines, and the month that is over."""

from dashboard import clock
from dashboard.reports import crossings
from jobs import mail


async def tell_finance() -> int:
    """Owe the e-mails that are due, each once, and have them sent; answers whether there were."""
    told = await crossings.tell(clock.now())
    if told:
        await mail.mail_at_once()
    return int(told)
