"""What stands above the list: how many there are in each view, what ends soon, what is disputed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from dashboard.bookings.queue import Filters, where_of
from dashboard.payments.tables import Payment

# Work is counted to the last row; an archive only so far, for its numbers must cost the same after
# a million bookings as after a thousand.
MOST = 10_000
EXPIRING = Filters(view="expiring")


async def numbers(chosen: Sequence[Filters], now: datetime) -> list[int]:
    """How many rows each of these lists has, up to MOST + 1, in one look at the database."""
    if not chosen:
        return []
    asked = ", ".join(
        f"(SELECT COUNT(*) FROM ({{}}) AS found_{place}) AS number_{place}"  # noqa: S608
        for place in range(len(chosen))
    )
    lists = [
        Payment.select(Payment.id).where(await where_of(one, now)).limit(MOST + 1).querystrings[0]
        for one in chosen
    ]
    row = (await Payment.raw(f"SELECT {asked}", *lists))[0]
    return [int(row[f"number_{place}"]) for place in range(len(chosen))]


@dataclass(frozen=True, slots=True)
class Ending:
    """A hold that is going to end. `person` tells that somebody must look at it."""

    at: datetime
    amount: int
    currency: str
    person: bool


async def ending(now: datetime, chosen: Filters = EXPIRING) -> list[Ending]:
    """Every hold of a list, the next to end first; by itself of those that end within 24 hours,
    which heading and strip add up."""
    rows = (
        await Payment.select(
            Payment.authorization_expires_at,
            Payment.authorized_amount,
            Payment.currency,
            Payment.purchase.attention.as_alias("attention"),
        )
        .where(await where_of(chosen, now))
        .order_by(Payment.authorization_expires_at)
    )
    return [
        Ending(
            row["authorization_expires_at"],
            row["authorized_amount"],
            row["currency"],
            row["attention"] is not None,
        )
        for row in rows
    ]


@dataclass(frozen=True, slots=True)
class Dispute:
    """A payment that is disputed; `due_at` is until when we may answer, where an answer is due."""

    amount: int
    currency: str
    due_at: datetime | None


async def disputes() -> list[Dispute]:
    """Every open dispute, the first that wants an answer first."""
    rows = (
        await Payment.select(
            Payment.disputed_amount,
            Payment.currency,
            Payment.dispute_due_at,
            Payment.dispute_status,
        )
        .where(Payment.disputed_amount > 0)
        .order_by(Payment.dispute_due_at)
    )
    return [
        Dispute(
            row["disputed_amount"],
            row["currency"],
            row["dispute_due_at"] if row["dispute_status"].endswith("needs_response") else None,
        )
        for row in rows
    ]


async def next_end(now: datetime) -> datetime | None:
    """When the next hold ends; None when nothing is held."""
    row = (
        await Payment.select(Payment.authorization_expires_at)
        .where((await where_of(Filters(), now)) & (Payment.authorization_expires_at > now))
        .order_by(Payment.authorization_expires_at)
        .first()
    )
    return row["authorization_expires_at"] if row else None


async def next_to_end(now: datetime, limit: int) -> list[int]:
    """The payments whose holds are going to end, the next one first."""
    rows = (
        await Payment.select(Payment.id)
        .where((await where_of(Filters(), now)) & (Payment.authorization_expires_at > now))
        .order_by(Payment.authorization_expires_at)
        .order_by(Payment.id)
        .limit(limit)
    )
    return [row["id"] for row in rows]
