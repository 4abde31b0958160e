"""What goes wrong in a shop, played on the real product, and what the alerts say of it."""

from datetime import datetime, timedelta
from typing import Any

from dashboard import clock
from dashboard.alerts import queries
from dashboard.alerts.kinds import Kind, Trouble
from dashboard.metrics.tables import Heartbeat
from dashboard.payments.tables import Operation, Payment, Purchase
from jobs import schedule
from tests.world import World

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
Json = dict[str, Any]
SWEEPS = tuple(schedule.name_of(sweep) for _, sweep in schedule.PLAN)


async def beat(*names: str, ago: timedelta = timedelta()) -> None:
    """Leave the heartbeats of a worker that ran so long ago."""
    then = clock.now() - ago
    for name in names or SWEEPS:
        values: Json = {"last_started_at": then, "last_finished_at": then}
        changed = (
            await Heartbeat.update(values).where(Heartbeat.name == name).returning(Heartbeat.id)
        )
        if not changed:
            await Heartbeat.insert(Heartbeat(name=name, **values))


async def wrong(at: datetime | None = None) -> list[Trouble]:
    """Everything that is wrong, now or at another instant."""
    return await queries.standing(at or clock.now())


async def kinds() -> list[Kind]:
    """The kinds of all that is wrong now, the most severe first."""
    return [one.kind for one in await wrong()]


async def only(kind: Kind, at: datetime | None = None) -> Trouble:
    """The one thing that is wrong, which has to be of this kind."""
    (found,) = await wrong(at)
    assert found.kind == kind
    return found


async def hold_for(world: World, life: timedelta, **more: Any) -> Payment:
    """A hold that lives so long, for a lesson that begins in an hour unless told otherwise."""
    world.sandbox.next_authorization(life.total_seconds())
    booked = await world.book(**({"starts_in": HOUR} | more))
    return await world.payment(booked["id"])


async def paused(world: World, life: timedelta = 20 * HOUR, **more: Any) -> Payment:
    """A hold whose capture staff have paused beyond its end: nothing captures it by itself."""
    payment = await hold_for(world, life, **more)
    until = clock.now() + 3 * DAY
    await Purchase.update({"paused_until": until, "due_at": clock.now()}).where(
        Purchase.id == payment.purchase
    )
    await world.tick()
    return payment


async def unknown(world: World) -> Operation:
    """A capture that Stripe never answered, and does not answer about either."""
    booked = await world.book()
    payment = await world.payment(booked["id"])
    world.sandbox.fault(
        "before", "drop", f"/v1/payment_intents/{payment.stripe_intent_id}*", method="*", times=99
    )
    assert (await world.call(booked["id"], "capture-payment")).status_code == 202
    operation = await Operation.objects().get(Operation.open_for == payment.purchase)
    assert operation is not None
    return operation
