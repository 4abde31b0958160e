"""SIGKILL at every commit and every call of each movement: whatever was asked comes true, once."""

import random

import pytest

from tests.kill import killing
from tests.kill.scenes import SCENES
from tests.kill.stage import Stage


@pytest.mark.parametrize("name", SCENES)
async def test_a_killed_process_loses_nothing_and_moves_nothing_twice(
    stage: Stage, name: str
) -> None:
    chance = random.Random(name)
    batch = await killing.play(stage, name, SCENES[name], chance, 2)
    print(len(batch.points), batch)
    assert batch.violations == []
    assert batch.killed
