"""SIGKILL at every commit and every call of each movement: whatever was asked comes true, once.

`make kill` dies at each point of each movement twenty times; every run of the tests dies at two
points of each, chosen by a seed.
"""

import json
import os
import random
from dataclasses import asdict
from pathlib import Path

import pytest

from tests.conftest import POSTGRESQL
from tests.kill import killing
from tests.kill.scenes import SCENES
from tests.kill.stage import Stage

TIMES = int(os.environ.get("KILLS", "0"))
FEW, ALL = 2, 1000
DATABASE = "postgresql" if POSTGRESQL else "sqlite"
TOLD = Path("var") / f"kill-{DATABASE}.jsonl"


@pytest.mark.parametrize("name", SCENES)
@pytest.mark.parametrize("turn", range(TIMES or 1))
async def test_a_killed_process_loses_nothing_and_moves_nothing_twice(
    stage: Stage, name: str, turn: int
) -> None:
    chance = random.Random(f"{DATABASE} {name} {turn}")
    batch = await killing.play(stage, name, SCENES[name], chance, ALL if TIMES else FEW)
    if TIMES:
        _keep(batch)
    assert batch.violations == []
    assert batch.killed


def _keep(batch: killing.Batch) -> None:
    """For the report of `make kill`, also of a run that is broken off."""
    TOLD.parent.mkdir(exist_ok=True)
    with TOLD.open("a") as out:
        out.write(f"{json.dumps(asdict(batch))}\n")
