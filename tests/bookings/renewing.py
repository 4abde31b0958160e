"""What the tests of far lessons and renewals share: the policy `renew`, and a walk of the clock."""

from datetime import datetime, timedelta

import msgspec
import pytest

from dashboard import clock, settings
from dashboard.payments.tables import Purchase
from tests.world import World

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
ASKS = "pm_card_authenticationRequired"


@pytest.fixture
def renew(world: World) -> World:
    """The shop with EXPIRY_POLICY=renew."""
    settings.use(msgspec.structs.replace(settings.current(), expiry_policy="renew"))
    return world


async def purchase_of(world: World, booking_id: int) -> Purchase:
    return (await world.books(booking_id)).purchase


async def take(world: World, booking_id: int, card: str) -> None:
    """Have the saved card of a booking be another one, which the customer has attached."""
    row = await purchase_of(world, booking_id)
    methods = world.sandbox.stripe().v1.payment_methods
    saved = methods.attach(card, {"customer": row.customer})
    await Purchase.update({"payment_method": saved.id}).where(Purchase.id == row.id)


async def walk(world: World, until: datetime) -> None:
    """Go from due time to due time as the minute's sweeps would, delivering every webhook."""
    for _ in range(400):
        await world.deliver()
        row = (
            await Purchase.select(Purchase.due_at)
            .where(Purchase.due_at > clock.now())
            .order_by(Purchase.due_at)
            .first()
        )
        due = row["due_at"] if row else None
        if due is None or due >= until:
            break
        await world.move_to(due + timedelta(seconds=1))
        await world.tick()
    if clock.now() < until:
        await world.move_to(until)
    await world.deliver()
