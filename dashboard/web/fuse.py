"""The fuse: the life of a hold on one line, from its authorization to its expiry."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from dashboard import formats
from dashboard.bookings.holds import Hold

CRITICAL = timedelta(hours=2)
URGENT = timedelta(hours=24)
# A lesson weeks away must not squeeze the hold into a corner: it sits at the end of this margin.
BEYOND = 0.2


@dataclass(frozen=True, slots=True)
class Mark:
    """A point on the fuse: where it is in percent, what it is, and when."""

    kind: str
    at: datetime
    percent: float
    label: str


@dataclass(frozen=True, slots=True)
class Fuse:
    """All positions in percent of the width; `burnt` is how far time, or an end, has come."""

    marks: list[Mark]
    over: bool
    burnt: float
    end: float
    level: str
    told: str


def level(expires_at: datetime | None, now: datetime) -> str:
    """How near the end is: "critical" under 2 hours, "urgent" under 24, "ended", else "calm"."""
    if expires_at is None:
        return "calm"
    left = expires_at - now
    if left <= timedelta():
        return "ended"
    return "critical" if left < CRITICAL else "urgent" if left < URGENT else "calm"


def fuse(hold: Hold, now: datetime, zone: ZoneInfo) -> Fuse | None:
    """The fuse of a payment that is, or was, held; None for one that never was."""
    start, expires = hold.payment.authorized_at, hold.payment.authorization_expires_at
    if start is None or expires is None or expires <= start:
        return None
    ended = None if hold.facts.held else hold.payment.ended_at
    end = expires - start
    plans = [at for at in (_planned(hold), hold.subject.starts_at) if at is not None]
    beyond = any(at > expires for at in plans) and ended is None
    whole = end * (1 + BEYOND) if beyond else end

    def percent(at: datetime) -> float:
        return round(min(max((at - start) / whole, 0.0), 1.0) * 100, 2)

    marks = [
        Mark(kind, at, percent(at), label)
        for kind, at, label in (
            ("lesson", hold.subject.starts_at, "lesson"),
            ("planned", _planned(hold) if ended is None else None, "capture planned"),
            ("ended" if ended else "now", ended or now, hold.payment.end_reason or "now"),
            ("expiry", expires, "expiry"),
        )
        if at is not None
    ]
    told = f"Held {formats.moment(start, zone)}; " + "; ".join(
        f"{mark.label} {formats.moment(mark.at, zone)}" for mark in marks if mark.kind != "now"
    )
    nearness = level(expires, now) if ended is None else "calm"
    return Fuse(marks, ended is not None, percent(ended or now), percent(expires), nearness, told)


def _planned(hold: Hold) -> datetime | None:
    """When the capture comes by itself, a pause included."""
    purchase = hold.books.purchase
    due, pause = purchase.capture_due_at, purchase.paused_until
    if due is None or pause is None or purchase.policy_override:
        return due
    return max(due, pause)
