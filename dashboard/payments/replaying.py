"""Has a kept event handled once more, because somebody asked for it.

A replay only makes the row due: Stripe is read again, and what is known already counts once. It
sends no movement of money; what the rules then do is what they would have done anyway.
"""

from collections.abc import Sequence
from typing import Any

from dashboard import clock
from dashboard.payments import deliveries
from dashboard.payments.actors import Actor
from dashboard.payments.tables import StripeEvent

# An event that waits is due by itself, and one that we do not read has nothing to be handled.
FINISHED = ("dead", "orphan", "handled")
AT_ONCE = 100


class NotNow(Exception):
    """The event can't be replayed as it stands. `event` is the row, None if there is none."""

    def __init__(self, event: StripeEvent | None) -> None:
        super().__init__(event.id if event else "no such event")
        self.event = event


async def replay(event_id: str, shown: int, by: Actor) -> StripeEvent:
    """Make a finished event due, in the caller's transaction; answers the row as it was before.

    `shown` is how often it had been replayed when `by` looked at it: of two people at once one is
    refused. Raises NotNow.
    """
    before = await deliveries.event(event_id)
    if before is None or before.state not in FINISHED:
        raise NotNow(before)
    if not await _claim(before, shown, by):
        raise NotNow(await deliveries.event(event_id))
    return before


async def _claim(before: StripeEvent, shown: int, by: Actor) -> bool:
    values: dict[Any, Any] = {
        StripeEvent.state: "waiting",
        StripeEvent.due_at: clock.now(),
        StripeEvent.attempts: 0,
        StripeEvent.error: "",
        StripeEvent.replays: StripeEvent.replays + 1,
        StripeEvent.replayed_by: by.name[:255],
        StripeEvent.replayed_at: clock.now(),
    }
    rows = (
        await StripeEvent.update(values)
        .where(
            (StripeEvent.id == before.id)
            & (StripeEvent.state == before.state)
            & (StripeEvent.replays == shown)
        )
        .returning(StripeEvent.id)
    )
    return bool(rows)


async def dead(limit: int = AT_ONCE) -> Sequence[StripeEvent]:
    """The dead letters, those that came first before the others."""
    return (
        await StripeEvent.objects()
        .where(StripeEvent.state == "dead")
        .order_by(StripeEvent.received_at)
        .order_by(StripeEvent.id)
        .limit(limit)
    )
