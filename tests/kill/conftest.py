from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.kill.stage import House, Stage, opened, played
from tests.payments.conftest import desk, sandbox_server
from tests.world import sandbox, world

__all__ = ["desk", "sandbox", "sandbox_server", "world"]


@pytest.fixture(scope="package")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The processes that are started once; their clock must not outlive these tests."""
    with opened(tmp_path_factory.mktemp("house")) as made:
        yield made


@pytest.fixture
async def stage(database: None, house: House, tmp_path: Path) -> AsyncIterator[Stage]:
    async for made in played(house, tmp_path):
        yield made
