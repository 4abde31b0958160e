import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.conftest import POSTGRESQL
from tests.kill.stage import House, Stage, opened, played
from tests.payments.conftest import desk, sandbox_server
from tests.world import sandbox, world

__all__ = ["desk", "sandbox", "sandbox_server", "world"]


@pytest.fixture(scope="package")
def house(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The processes that are started once; their clock must not outlive these tests."""
    folder = tmp_path_factory.mktemp("house")
    url = os.environ["DATABASE_URL"]
    if not POSTGRESQL:
        url = f"sqlite:///{shutil.copy(migrated, folder / 'rehearsal.sqlite')}"
    with opened(folder, url) as made:
        yield made


@pytest.fixture
async def stage(house: House, database: None, tmp_path: Path) -> AsyncIterator[Stage]:
    async for made in played(house, tmp_path):
        yield made
