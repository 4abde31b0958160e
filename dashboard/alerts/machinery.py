"""Reads what of the machinery stands still or falls behind now; each query through an index."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from urllib.parse import quote

from dashboard.alerts.kinds import Kind, Severity, Trouble
from dashboard.alerts.lateness import LATE, Beat
from dashboard.alerts.money import MOST
from dashboard.mail.facts import State as MailState
from dashboard.mail.tables import Message, Notice
from dashboard.payments.reconcile import runs
from dashboard.payments.reconcile.tables import ReconcileDifference
from dashboard.payments.tables import Purchase, StripeEvent

MAIL_LATE = timedelta(hours=1)
# It is begun once a day.
COMPARE_LATE = timedelta(hours=26)


async def dead_letters() -> list[Trouble]:
    """Events that were given up; a person may replay them."""
    rows = (
        await StripeEvent.select(
            StripeEvent.id,
            StripeEvent.type,
            StripeEvent.received_at,
        )
        .where(StripeEvent.state == "dead")
        .order_by(StripeEvent.received_at)
        .limit(MOST)
    )
    return [
        Trouble(
            Kind.DEAD_LETTER,
            row["received_at"],
            subject=row["id"],
            # Not the error itself: it may quote what the event was about.
            detail=row["type"],
            page=f"/webhooks/{quote(row['id'], safe='')}",
        )
        for row in rows
    ]


async def oldest_waiting() -> datetime | None:
    """Since when an event has waited that has waited longest; None when none waits.

    One that somebody replays waits since then, however old it is.
    """
    waiting = StripeEvent.state == "waiting"
    fresh = (
        await StripeEvent.select(StripeEvent.received_at)
        .where(waiting & StripeEvent.replayed_at.is_null())
        .order_by(StripeEvent.received_at)
        .first()
    )
    again = (
        await StripeEvent.select(StripeEvent.replayed_at)
        .where(waiting & StripeEvent.replayed_at.is_not_null())
        .order_by(StripeEvent.replayed_at)
        .first()
    )
    found = [fresh["received_at"]] if fresh else []
    return min([*found, again["replayed_at"]] if again else found, default=None)


async def webhooks(now: datetime) -> list[Trouble]:
    """An event that has waited for too long."""
    oldest = await oldest_waiting()
    late = oldest is not None and now - oldest > LATE
    return [Trouble(Kind.WEBHOOK_LATE, oldest)] if late and oldest else []


async def sweeps(beats: Sequence[Beat], now: datetime) -> list[Trouble]:
    """Recurring work that is late. A worker that has never run is so once something is overdue."""
    late = [beat for beat in beats if beat.late(now)]
    if late:
        since = min(beat.good_at for beat in late)
        names = ", ".join(beat.name for beat in late)
        detail = "Every sweep" if len(late) == len(beats) else names
        return [Trouble(Kind.SWEEP_LATE, since, Severity.CRITICAL, detail=detail)]
    overdue = None if beats else await _overdue(now)
    if overdue is None:
        return []
    return [Trouble(Kind.SWEEP_LATE, overdue, Severity.CRITICAL, detail="It has never run")]


async def _overdue(now: datetime) -> datetime | None:
    """Since when the oldest due purchase has waited, if that is too long."""
    row = (
        await Purchase.select(Purchase.due_at)
        .where(Purchase.due_at < now - LATE)
        .order_by(Purchase.due_at)
        .first()
    )
    return None if row is None else row["due_at"]


async def last_compared() -> datetime | None:
    """When our rows and Stripe's lists were last compared from end to end."""
    run = await runs.latest()
    return None if run is None else run.finished_at


async def comparison(now: datetime) -> list[Trouble]:
    """A comparison that is overdue; where none has ended yet, one that takes too long."""
    since = await last_compared()
    if since is None:
        run = await runs.unfinished()
        since = None if run is None else run.asked_at
    late = since is not None and now - since > COMPARE_LATE
    return [Trouble(Kind.RECONCILE_LATE, since)] if late and since else []


async def differences() -> list[Trouble]:
    """What our rows and Stripe say differently, and nobody has decided about."""
    rows = (
        await ReconcileDifference.select(
            ReconcileDifference.id,
            ReconcileDifference.cause,
            ReconcileDifference.first_seen_at,
        )
        .where(ReconcileDifference.state == "open")
        .order_by(ReconcileDifference.id)
        .limit(MOST)
    )
    return [
        Trouble(
            Kind.RECONCILE_OPEN,
            row["first_seen_at"],
            subject=str(row["id"]),
            detail=row["cause"],
        )
        for row in rows
    ]


async def mail(now: datetime) -> list[Trouble]:
    """An e-mail that has waited for long; or the last one to ourselves, if it was refused."""
    before = now - MAIL_LATE
    asked_before = Message.resent_at.is_null() | (Message.resent_at <= before)
    message = (
        await Message.select(Message.created_at, Message.resent_at)
        .where((Message.state == MailState.WAITING) & (Message.created_at <= before) & asked_before)
        .order_by(Message.id)
        .first()
    )
    notice = (
        await Notice.select(Notice.created_at, Notice.state, Notice.error)
        .order_by(Notice.id, ascending=False)
        .first()
    )
    if message is not None:
        since = message["resent_at"] or message["created_at"]
        return [Trouble(Kind.MAIL_LATE, since)]
    if notice is None:
        return []
    old = notice["state"] == MailState.WAITING and notice["created_at"] <= before
    if not old and notice["state"] != MailState.FAILED:
        return []
    said = "An alert" if old else "The address of ALERT_EMAIL was refused"
    detail = f"{said}: {notice['error']}" if notice["error"] else said
    return [Trouble(Kind.MAIL_LATE, notice["created_at"], detail=detail)]
