"""Killed and started again without a clock that is moved: the worker's own ticks make up for it.

Two minutes of waiting: `make kill` only.
"""

import time

from tests.kill import books
from tests.kill.outage import REAL, WITHIN
from tests.kill.scenes import SCENES, Subject, sign_in
from tests.kill.stage import Process, Stage, until

# Where the most is left undone: before and after Stripe hears of it.
POINTS = ("before POST", "after POST")
NAMES = ("web authorize", "web capture", "web release", "web refund")

if REAL:

    async def test_in_real_time_all_is_well_within_two_minutes(stage: Stage) -> None:
        await stage.start("web")
        await sign_in(stage)
        stage.sandbox.webhooks("drop")
        for name in NAMES:
            for point in POINTS:
                await _kill_at(stage, name, point)
        assert await books.violations(stage.sandbox) != []
        stage.end()
        started = time.monotonic()
        await stage.start("web")
        await stage.start("worker")

        async def well() -> bool:
            return not await books.violations(stage.sandbox)

        await until(well, WITHIN)
        took = time.monotonic() - started
        with (stage.folder / "took").open("w") as told:
            told.write(f"{took:.0f}")
        assert took < WITHIN
        assert books.integrity() == "ok"


async def _kill_at(stage: Stage, name: str, point: str) -> None:
    """Kill the web where it is about to ask Stripe to move money, or has just done so."""
    scene = SCENES[name]
    counted = Subject()
    await scene.arrange(stage, counted)
    order = stage.order("web", 0)
    await scene.act(stage, counted, order)
    labels = [line["label"] for line in stage.journal("web", order)]
    # A customer is no money.
    found = [at for at, label in enumerate(labels, 1) if label.startswith(point)]
    subject = Subject()
    await scene.arrange(stage, subject)
    order = stage.order("web", found[-1])
    await scene.act(stage, subject, order)
    web = stage.processes["web"]
    await until(lambda: _dead(web))
    stage.take_back("web")
    await stage.start("web")


async def _dead(process: Process) -> bool:
    return not process.alive
