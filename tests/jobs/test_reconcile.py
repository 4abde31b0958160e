"""The reconciliation in real processes: the worker's, by itself and on demand; the command's."""

import asyncio
import subprocess

from dashboard.metrics.tables import Heartbeat
from dashboard.payments.reconcile import differences, runs
from jobs import nudges
from tests.jobs.processes import of, spawn, until, worker
from tests.world import ANA, World


async def foreign_capture(world: World) -> None:
    payment = await world.payment((await world.book())["id"])
    world.sandbox.stripe().v1.payment_intents.capture(payment.stripe_intent_id)


async def test_the_worker_compares_by_itself_and_when_it_is_asked(world: World):
    await foreign_capture(world)

    async def compared() -> bool:
        run = await runs.latest()
        return run is not None and (run.asked_by, run.converged) == (runs.NIGHT, 1)

    async def asked() -> bool:
        run = await runs.latest()
        return run is not None and (run.asked_by, run.converged) == ("Ana", 1)

    with worker(world):
        await until(compared)
        await foreign_capture(world)
        nudges.reconcile((await runs.ask("Ana")).id)
        # Far less than the minute after which the clock would have looked.
        await until(asked, within=20)
    beat = await Heartbeat.objects().get(Heartbeat.name == "reconcile")
    assert beat is not None and beat.last_error == ""


async def test_the_command_tells_what_differs_by_its_exit_code(world: World):
    made = world.sandbox.stripe().v1.payment_intents.create({"amount": 500, "currency": "usd"})
    await foreign_capture(world)
    code, said = await command(world)
    assert code == 1
    assert "1 payment compared, 1 brought in line." in said
    assert made.id in said and "It was not made by the desk" in said
    (row,) = await differences.listed("open", 10)
    await differences.acknowledge(row.id, row.version, ANA, "A trial.")
    code, said = await command(world)
    assert (code, said) == (0, "1 payment compared, 0 brought in line.\n")


async def test_the_command_says_that_stripe_is_away(world: World):
    world.sandbox.fault("before", "500", method="GET", times=99)
    code, said = await command(world)
    assert code == 2 and "Stripe can't be read" in said
    assert await runs.unfinished() is not None


async def command(world: World) -> tuple[int, str]:
    """What `python -m dashboard reconcile` answers and says."""
    out = subprocess.PIPE
    process = spawn(["reconcile"], of(world), stdout=out, stderr=subprocess.STDOUT)
    said, _ = await asyncio.to_thread(process.communicate, timeout=60)
    return process.returncode, "".join(
        f"{line}\n" for line in said.splitlines() if not line.startswith("\x1b") and "[" not in line
    )
