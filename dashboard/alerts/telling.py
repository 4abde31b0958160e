"""Which alerts an e-mail to ALERT_EMAIL is owed for: written down here, delivered with the mail.

Each is told once; again when it grows pressing; and once a day whatever is still open.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog

from dashboard import db, settings
from dashboard.alerts import letters, record
from dashboard.alerts.kinds import Severity
from dashboard.alerts.tables import Alert
from dashboard.mail.notices import notice
from dashboard.mail.tables import Notice

log = structlog.get_logger()
# What is not critical waits so long after the e-mail before: troubles come in crowds.
APART = timedelta(minutes=10)
AGAIN = timedelta(hours=24)


async def tell(now: datetime) -> bool:
    """Write one e-mail about all that is to be told now; false when there is nothing, or nobody."""
    to = settings.current().alert_email
    if not to:
        return False
    found = await _to_tell(now)
    if not found or not await _may_now(found, now):
        return False
    async with db.transaction():
        news = await _claim(found, now)
        if not news:
            return False
        told = {row.id for row in news}
        still = [row for row in await record.open_ones() if row.id not in told]
        await Notice.insert(notice(letters.letter(news, still, now), to, now))
    log.info("alert.told", alerts=len(news), open=len(news) + len(still))
    return True


async def _to_tell(now: datetime) -> list[Alert]:
    """Open alerts that are news, that grew pressing, or were told a day ago; and news of the past.

    What closed more than a day ago without being told is history: nobody was to be told then.
    """
    open_ones = await record.open_ones()
    over = (
        await Alert.objects()
        .where((Alert.closed_at > now - AGAIN) & Alert.told_at.is_null())
        .order_by(Alert.id)
    )
    return [row for row in open_ones if _owed(row, now)] + over


def _owed(row: Alert, now: datetime) -> bool:
    if row.told_at is None or now - row.told_at >= AGAIN:
        return True
    return row.severity == Severity.CRITICAL and row.told_as != Severity.CRITICAL


async def _may_now(found: Sequence[Alert], now: datetime) -> bool:
    if any(row.severity == Severity.CRITICAL and row.closed_at is None for row in found):
        return True
    # Letters about other matters, which go the same way, hold up no alert.
    about_alerts = Notice.template == letters.TEMPLATE
    last = (
        await Notice.select(Notice.created_at)
        .where(about_alerts)
        .order_by(Notice.id, ascending=False)
        .first()
    )
    return last is None or now - last["created_at"] >= APART


async def _claim(found: Sequence[Alert], now: datetime) -> list[Alert]:
    """Mark them as told, each unless another process was faster; answers the ones that are ours."""
    ours = []
    for row in found:
        as_it_was = Alert.told_at.is_null() if row.told_at is None else Alert.told_at == row.told_at
        values: dict[Any, Any] = {"told_at": now, "told_as": row.severity}
        changed = (
            await Alert.update(values).where((Alert.id == row.id) & as_it_was).returning(Alert.id)
        )
        ours += [row] if changed else []
    return ours
