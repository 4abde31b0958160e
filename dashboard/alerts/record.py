"""Keeps alerts as rows: each opens when its trouble appears and closes when that is over."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import structlog

from dashboard import db, settings
from dashboard.alerts import wording
from dashboard.alerts.kinds import Trouble
from dashboard.alerts.tables import Alert
from dashboard.bookings.holds import NOBODY, subjects

log = structlog.get_logger()


async def agree(troubles: Sequence[Trouble], now: datetime) -> int:
    """Bring the rows in line with what is wrong now; answers how many opened or closed.

    Safe with several processes at it: one open row per trouble is a rule of the database.
    """
    said = await sentences(troubles)
    async with db.transaction():
        rows = {row.open_for: row for row in await open_ones()}
        changed = 0
        for one in troubles:
            row = rows.pop(one.key, None)
            if row is None:
                changed += await _open(one, said[one.key], now)
            elif (row.severity, row.said) != (one.severity, said[one.key]):
                await _renew(row, one, said[one.key])
        for row in rows.values():
            changed += await close(row, now)
    return changed


async def open_ones() -> list[Alert]:
    """The alerts that are open, the oldest first."""
    # Not "is not null": only a range goes through the unique index.
    return await Alert.objects().where(Alert.open_for > "").order_by(Alert.id)


async def sentences(troubles: Sequence[Trouble]) -> dict[str, str]:
    """Each trouble by itself, with the number of its booking, by the trouble's key."""
    about = await subjects({one.purchase for one in troubles if one.purchase is not None})
    zone = settings.current().zone
    return {
        one.key: wording.sentence(one, about.get(one.purchase or 0, NOBODY).number, zone)
        for one in troubles
    }


async def _open(one: Trouble, said: str, now: datetime) -> int:
    row = Alert(
        kind=one.kind,
        subject=one.subject,
        open_for=one.key,
        severity=one.severity,
        opened_at=now,
        **_values(one, said),
    )
    made = await Alert.insert(row).on_conflict(action="DO NOTHING", target=Alert.open_for)
    if made:
        log.warning("alert.opened", kind=one.kind, severity=one.severity, subject=one.subject)
    return len(made)


async def _renew(row: Alert, one: Trouble, said: str) -> None:
    values: dict[Any, Any] = {"severity": one.severity, **_values(one, said)}
    await Alert.update(values).where((Alert.id == row.id) & (Alert.open_for == row.open_for))


async def close(row: Alert, now: datetime) -> int:
    """Close an open alert; 0 when somebody else has."""
    values: dict[Any, Any] = {"open_for": None, "closed_at": now}
    closed = (
        await Alert.update(values)
        .where((Alert.id == row.id) & (Alert.open_for == row.open_for))
        .returning(Alert.id)
    )
    if closed:
        log.info("alert.closed", kind=row.kind, subject=row.subject)
    return len(closed)


def _values(one: Trouble, said: str) -> dict[str, Any]:
    return {
        "said": said[:500],
        "link": one.link,
        "amount": one.amount,
        "currency": one.currency,
        "payment": one.payment,
        "since": one.since,
    }
