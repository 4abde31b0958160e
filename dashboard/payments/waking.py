"""After Stripe was out of reach: what was put off meanwhile is due as soon as it answers again.

Each row that finds Stripe away backs off by itself, up to an hour; nobody should wait for that hour
when the trouble is over.
"""

from typing import Any

from dashboard import clock
from dashboard.payments.facts import CardState, State
from dashboard.payments.tables import Operation, Purchase, StripeEvent
from dashboard.stripe_gateway import Unreachable, gateway

# As `settle.postpone` and the inbox keep it: the class of the error comes first.
_AWAY = f"{Unreachable.__name__}:%"
# As the gateway says why an answer is unclear; what Stripe itself answered keeps its own pace.
_SILENT = ("APIConnectionError", "no answer in time")


async def any_put_off() -> bool:
    """Whether anything waits longer because Stripe was out of reach."""
    for table, which, _ in _put_off():
        if await table.exists().where(which):
            return True
    return False


async def stripe_answers() -> bool:
    """Whether Stripe can be read now: one small read, for the customer of the newest purchase."""
    newest = await Purchase.select(Purchase.customer).order_by(Purchase.id, ascending=False).first()
    if newest is None:
        return True
    try:
        await gateway().find_created(newest["customer"], "nobody's", clock.now())
    except Unreachable:
        return False
    return True


async def wake() -> int:
    """Make all of it due now; answers how many rows that were."""
    woken = 0
    for table, which, column in _put_off():
        rows = await table.update({column: clock.now()}).where(which).returning(table.id)
        woken += len(rows)
        if table is Operation and rows:
            # An operation is taken up through its purchase.
            open_ones = Operation.select(Operation.purchase).where(
                Operation.id.is_in([row["id"] for row in rows])
            )
            await Purchase.update({Purchase.due_at: clock.now()}).where(
                Purchase.id.is_in(open_ones)
            )
    return woken


def _put_off() -> tuple[tuple[Any, Any, Any], ...]:
    """Tables, the rows in them that wait for Stripe, and the column that says until when."""
    now = clock.now()
    return (
        (
            Purchase,
            (Purchase.due_at > now) & Purchase.settle_error.like(_AWAY),
            Purchase.due_at,
        ),
        (
            StripeEvent,
            (StripeEvent.due_at > now)
            & (StripeEvent.state == "waiting")
            & StripeEvent.error.like(_AWAY),
            StripeEvent.due_at,
        ),
        (
            Operation,
            (Operation.due_at > now)
            & (Operation.state == State.UNKNOWN)
            & Operation.error_message.is_in(list(_SILENT)),
            Operation.due_at,
        ),
        (
            Purchase,
            (Purchase.card_due_at > now)
            & (Purchase.card_state == CardState.WANTED)
            & (Purchase.card_tries > 0),
            Purchase.card_due_at,
        ),
    )
