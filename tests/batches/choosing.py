"""A review page and its confirmation, without a browser."""

import uuid
from collections.abc import Sequence

from dashboard import clock, db
from dashboard.batches import queries, record
from dashboard.batches.queries import Progress
from dashboard.batches.record import Item, Order
from dashboard.batches.review import review
from dashboard.payments.actions import Shown, Stood
from dashboard.payments.actors import Actor
from dashboard.payments.facts import Verb
from jobs import batches
from tests.world import ANA, World


async def held(world: World, count: int = 1) -> list[int]:
    """So many holds of lessons; the payments' ids."""
    booked = [await world.book() for _ in range(count)]
    return [int((await world.payment(one["id"])).id) for one in booked]


async def order_of(payment_ids: Sequence[int], verb: Verb = Verb.CAPTURE, key: str = "") -> Order:
    """What a review page would ask for now."""
    found = await review(verb, payment_ids, clock.now())
    items = [
        Item(
            one.hold.payment.id,
            one.amount,
            Shown(
                one.hold.facts.authorized,
                one.hold.facts.captured,
                one.hold.facts.refunded + one.hold.facts.refund_pending,
            ),
            Stood(
                one.hold.books.purchase.owed is None,
                one.hold.books.purchase.paused_until,
            ),
        )
        for one in found.movable
    ]
    reason = "requested_by_customer" if verb is Verb.RELEASE else ""
    return Order(key or str(uuid.uuid4()), verb, items, reason, "")


async def confirm(order: Order, by: Actor = ANA) -> int:
    async with db.transaction():
        batch_id, _ = await record.confirm(order, by)
    return batch_id


async def work(batch_id: int) -> Progress:
    """What the worker's next look does; how the batch stands then."""
    await batches.carry_out_batches()
    return await seen(batch_id)


async def seen(batch_id: int) -> Progress:
    found = await queries.progress(batch_id)
    assert found is not None
    return found


def states(progress: Progress) -> list[str]:
    return [str(line.state) for line in progress.lines]
