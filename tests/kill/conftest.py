import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.kill.stage import House, Stage, opened, played


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with opened(tmp_path_factory.mktemp("house")) as made:
        yield made


@pytest.fixture
async def stage(database: None, house: House, tmp_path: Path) -> AsyncIterator[Stage]:
    async for made in played(house, tmp_path):
        yield made


@pytest.fixture(scope="session")
def times() -> int:
    """How many times each point dies; 0 means a few points by a seed, for every run."""
    return int(os.environ.get("KILLS", "0"))
