"""The dispute of a payment as its page shows it: how much, why, whose turn, until when, where."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from dashboard import disputes, formats
from dashboard.bookings.holds import Hold
from dashboard.web import fuse, lines


@dataclass(frozen=True, slots=True)
class Panel:
    """A payment's dispute: the pressing one, where there are several."""

    open: bool
    amount: str
    reason: str
    state: str
    due: lines.Due | None
    dispute_id: str
    link: str


def panel(hold: Hold, now: datetime, zone: ZoneInfo) -> Panel | None:
    """None for a payment that was never disputed."""
    payment = hold.payment
    if not payment.dispute_id:
        return None
    pending = disputes.open_now(payment)
    amount = payment.disputed_amount if pending else payment.lost_amount
    return Panel(
        open=pending,
        amount=formats.money(amount, hold.currency),
        reason=disputes.reason(payment.dispute_reason),
        state=disputes.state(payment),
        due=_due(hold, now, zone),
        dispute_id=payment.dispute_id,
        link=lines.dispute_link(payment.dispute_id),
    )


def _due(hold: Hold, now: datetime, zone: ZoneInfo) -> lines.Due | None:
    at = hold.payment.dispute_due_at
    if at is None or not disputes.our_turn(hold.payment):
        return None
    return lines.Due(
        formats.countdown(at, now),
        formats.moment(at, zone),
        at.isoformat(),
        fuse.level(at, now),
        estimated=False,
    )
