"""Reads what of the machinery stands still or falls behind now; each query through an index."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from dashboard.alerts.kinds import Kind, Severity, Trouble
from dashboard.alerts.lateness import COMPARED_WITHIN, LATE, Beat, compared
from dashboard.alerts.money import MOST
from dashboard.mail.facts import State as MailState
from dashboard.mail.tables import Message, Notice
from dashboard.payments.reconcile import differences
from dashboard.payments.tables import Purchase, StripeEvent

MAIL_LATE = timedelta(hours=1)


async def dead_letters() -> list[Trouble]:
    """Events that were given up; a person may replay them."""
    rows = (
        await StripeEvent.select(
            StripeEvent.id,
            StripeEvent.type,
            StripeEvent.received_at,
            StripeEvent.error,
        )
        .where(StripeEvent.state == "dead")
        .order_by(StripeEvent.received_at)
        .limit(MOST)
    )
    return [
        # Not the error itself: it may quote what the event was about.
        Trouble(Kind.DEAD_LETTER, row["received_at"], subject=row["id"], detail=row["type"])
        for row in rows
    ]


async def oldest_waiting() -> datetime | None:
    """When the webhook event came that has waited longest; None when none waits."""
    row = (
        await StripeEvent.select(StripeEvent.received_at)
        .where(StripeEvent.state == "waiting")
        .order_by(StripeEvent.received_at)
        .first()
    )
    return None if row is None else row["received_at"]


async def webhooks(now: datetime) -> list[Trouble]:
    """An event that has waited for too long."""
    oldest = await oldest_waiting()
    late = oldest is not None and now - oldest > LATE
    return [Trouble(Kind.WEBHOOK_LATE, oldest)] if late and oldest else []


async def sweeps(beats: Sequence[Beat], now: datetime) -> list[Trouble]:
    """Recurring work that is late. A worker that has never run is so once something is overdue."""
    found, late = [], [beat for beat in beats if beat.late(now)]
    if late:
        since, names = min(beat.good_at for beat in late), [beat.name for beat in late]
        detail = "Every sweep" if len(names) == len(beats) else ", ".join(names)
        found.append(Trouble(Kind.SWEEP_LATE, since, Severity.CRITICAL, detail=detail))
    overdue = None if beats else await _overdue(now)
    if overdue is not None:
        never = "It has never run"
        found.append(Trouble(Kind.SWEEP_LATE, overdue, Severity.CRITICAL, detail=never))
    return found


async def comparison(now: datetime) -> list[Trouble]:
    """What differs from Stripe and waits for a person; or that nobody has compared for a day."""
    _, since = await compared()
    late = since is not None and now - since > COMPARED_WITHIN
    found = [Trouble(Kind.RECONCILE_LATE, since)] if late and since else []
    return found + [
        Trouble(
            Kind.DIFFERENCE_OPEN,
            row.first_seen_at,
            subject=str(row.id),
            detail=row.kind.replace("_", " ").capitalize(),
        )
        for row in await differences.listed("open", MOST)
    ]


async def _overdue(now: datetime) -> datetime | None:
    """Since when the oldest due purchase has waited, if that is too long."""
    row = (
        await Purchase.select(Purchase.due_at)
        .where(Purchase.due_at < now - LATE)
        .order_by(Purchase.due_at)
        .first()
    )
    return None if row is None else row["due_at"]


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
