"""Times in which nothing ran by itself, and the holds that ended in them."""

from datetime import datetime, timedelta

import structlog

from dashboard import db, formats, settings
from dashboard.alerts import record
from dashboard.alerts.kinds import ABOUT, Kind, Severity
from dashboard.alerts.lateness import LATE
from dashboard.alerts.tables import Alert, Outage
from dashboard.metrics.tables import Heartbeat
from dashboard.payments.actors import SWEEP
from dashboard.payments.case import LAST_SEND_BEFORE_EXPIRY
from dashboard.payments.events import write_word
from dashboard.payments.tables import Payment

log = structlog.get_logger()
# So long after an outage the holds that ended in it may still be read from Stripe.
READ_WITHIN = timedelta(days=2)


async def notice(watch: str, now: datetime) -> Outage | None:
    """Keep the time since the last tick of `watch` as an outage, if it is too long; once.

    To be asked before this tick's own heartbeat ends.
    """
    beat = await Heartbeat.objects().get(Heartbeat.name == watch)
    last = beat.last_finished_at if beat is not None else None
    if last is None or now - last <= LATE:
        return None
    async with db.transaction():
        row = Outage(started_at=last, ended_at=now)
        made = await Outage.insert(row).on_conflict(action="DO NOTHING", target=Outage.started_at)
        if made:
            await _tell(row)
    log.warning("worker.back", since=last.isoformat(), new=bool(made))
    return row


async def _tell(outage: Outage) -> None:
    """Close the alert that was open meanwhile; nobody could open one if the desk was down too."""
    for row in await record.open_ones():
        if row.kind == Kind.SWEEP_LATE:
            await record.close(row, outage.ended_at)
            return
    await Alert.insert(
        Alert(
            kind=Kind.SWEEP_LATE,
            severity=Severity.CRITICAL,
            said=f"{ABOUT[Kind.SWEEP_LATE].name}: nothing ran by itself {span(outage)}",
            link="/alerts",
            since=outage.started_at,
            opened_at=outage.started_at,
            closed_at=outage.ended_at,
        )
    )


def span(outage: Outage) -> str:
    """From when to when nothing ran, in the desk's zone."""
    zone = settings.current().zone
    start, end = (formats.moment(at, zone) for at in (outage.started_at, outage.ended_at))
    return f"from {start} to {end}"


async def keep_misses(now: datetime) -> int:
    """Write into the story of each hold that ended, unpaid, while nothing ran; answers how many."""
    outages = await Outage.objects().where(Outage.ended_at > now - READ_WITHIN)
    return sum([await _keep_misses_of(outage) for outage in outages])


async def _keep_misses_of(outage: Outage) -> int:
    ended = (
        await Payment.objects()
        .where(
            (Payment.ended_at >= outage.started_at)
            & (Payment.ended_at <= outage.ended_at + READ_WITHIN)
            & (Payment.end_reason == "expired")
            & Payment.current.eq(True)
            & (Payment.purchase.owed.is_null() | (Payment.purchase.owed > 0))
        )
        .order_by(Payment.id)
    )
    written = 0
    for payment in ended:
        if _within(payment.authorization_expires_at, outage):
            said, key = f"Nothing ran by itself {span(outage)}", f"missed:{payment.id}"
            written += await write_word(
                payment, "missed", said, SWEEP, key=key, amount=payment.authorized_amount
            )
    return written


def _within(expires_at: datetime | None, outage: Outage) -> bool:
    """Whether the last moment to capture fell into the outage."""
    if expires_at is None:
        return False
    return outage.started_at <= expires_at <= outage.ended_at + LAST_SEND_BEFORE_EXPIRY
