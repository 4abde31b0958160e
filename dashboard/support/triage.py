"""What needs a person, one after the other, and what one person has done about it in a sitting."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dashboard.bookings.holds import holds
from dashboard.payments.facts import State, Status
from dashboard.payments.tables import Operation, Payment
from dashboard.support import snoozes
from dashboard.support.tables import Snooze

# More than anybody goes through in a sitting; the queue has them all.
MOST = 1000
Key = tuple[int, datetime, int]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A payment that needs a person. `ends_at` is when its hold ends; None when nothing is held."""

    payment_id: int
    key: Key
    ends_at: datetime | None


@dataclass(frozen=True, slots=True)
class Sitting:
    """What one person moved and left for later since an instant, the oldest first."""

    moved: Sequence[Operation]
    left: Sequence[Snooze]


async def waiting(now: datetime) -> list[Waiting]:
    """Everything that needs a person and that nobody has left for later: holds in order of their
    expiry, then what holds nothing, by how long it has waited."""
    rows = (
        await Payment.select(*_COLUMNS)
        .where(Payment.current.eq(True) & Payment.purchase.attention.is_not_null())
        .order_by(Payment.purchase.attention_since)
        .limit(MOST)
    )
    asleep = await snoozes.standing([row["id"] for row in rows], now)
    left_out = asleep.keys() | await _over(rows, now)
    found = [_waiting(row) for row in rows if row["id"] not in left_out]
    return sorted(found, key=lambda one: one.key)


async def _over(rows: Sequence[dict[str, Any]], now: datetime) -> set[int]:
    """What holds nothing and is settled: its mark stands until the sweep comes by again."""
    ended = [row["id"] for row in rows if row["payment_status"] != Status.AUTHORIZED]
    return {one.payment.id for one in await holds(ended) if one.step(now).why == "done"}


def following(all_of_them: Sequence[Waiting], key: Key) -> Waiting | None:
    """The first one that comes after this place; None at the end."""
    return next((one for one in all_of_them if one.key > key), None)


async def place(payment_id: int, since: datetime) -> Key | None:
    """Where a payment stands in the order; None if there is no such payment.

    What ended in this sitting, which began at `since`, keeps the place that its hold had: who
    stands there goes on from there.
    """
    row = await Payment.select(*_COLUMNS).where(Payment.id == payment_id).first()
    if row is None:
        return None
    ended, ends = row["ended_at"], row["authorization_expires_at"]
    if ended is not None and ended >= since and ends is not None:
        return (0, ends, payment_id)
    return _waiting(row).key


_COLUMNS = (
    Payment.id,
    Payment.payment_status,
    Payment.authorization_expires_at,
    Payment.ended_at,
    Payment.purchase.attention_since.as_alias("since"),
    Payment.created_at,
)


def _waiting(row: dict[str, Any]) -> Waiting:
    ends = row["authorization_expires_at"]
    if row["payment_status"] == Status.AUTHORIZED and ends is not None:
        return Waiting(row["id"], (0, ends, row["id"]), ends)
    return Waiting(row["id"], (1, row["since"] or row["created_at"], row["id"]), None)


async def sitting(staff_id: int, since: datetime) -> Sitting:
    """What this person moved, and left for later, since then."""
    moved = (
        await Operation.objects()
        .where(
            (Operation.closed_at >= since)
            & (Operation.asked_by_staff == staff_id)
            & (Operation.cause == "staff")
            & (Operation.state == State.SUCCEEDED)
        )
        .order_by(Operation.closed_at)
    )
    left = (
        await Snooze.objects()
        .where((Snooze.made_at >= since) & (Snooze.author_staff == staff_id))
        .order_by(Snooze.id)
    )
    return Sitting(moved, left)
