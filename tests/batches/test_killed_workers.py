"""kill -9 of a worker in the middle of a batch: another one goes on, and nothing moves twice."""

from datetime import timedelta

from dashboard.batches.tables import BatchRow
from dashboard.payments.facts import State
from dashboard.payments.tables import Operation
from jobs import nudges
from tests.batches.choosing import confirm, held, order_of, seen, states
from tests.jobs.processes import kill, until, worker
from tests.world import World

SIX = 6


async def _working() -> int:
    return int(await BatchRow.count().where(BatchRow.state == "working"))


async def _finished() -> int:
    return int(await BatchRow.count().where(BatchRow.finished_at.is_not_null()))


async def test_a_worker_that_is_killed_in_a_batch_is_made_up_for_by_the_next(world: World):
    chosen = await held(world, SIX)
    # Stripe carries one of them out, and nobody hears so.
    world.sandbox.fault("after", "hang", "/v1/payment_intents/*/capture", seconds=60)
    with worker(world) as first:
        batch = await confirm(await order_of(chosen))

        async def hanging() -> bool:
            nudges.batch(batch)
            return await _finished() == SIX - 1 and await _working() == 1

        await until(hanging, within=40)
        kill(first.pid)
    assert sorted(set(states(await seen(batch)))) == ["done", "working"]
    await world.advance(timedelta(minutes=2))
    with worker(world):

        async def done() -> bool:
            nudges.batch(batch)
            await world.advance(timedelta(seconds=20))
            return await _finished() == SIX

        await until(done, within=60)
    assert states(await seen(batch)) == ["done"] * SIX
    assert len(world.money_calls("/capture")) == SIX
    sent = await Operation.objects().where(Operation.verb == "capture")
    assert [one.state for one in sent] == [State.SUCCEEDED] * SIX
