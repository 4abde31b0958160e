import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.conftest import POSTGRESQL, VAR_DIR
from tests.kill import disks
from tests.kill.disks import Disk
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


@pytest.fixture
def small_disk() -> Iterator[Disk]:
    """A disk of its own that is soon full."""
    with disks.small(VAR_DIR / "small") as made:
        yield made


if POSTGRESQL:

    @pytest.fixture
    async def disk(database: None, house: House, small_disk: Disk) -> AsyncIterator[Disk]:
        """The small disk, with the test's database on it where it could be mounted."""
        async with disks.postgresql_there(small_disk):
            yield small_disk

else:

    @pytest.fixture
    async def disk(migrated: Path, house: House, small_disk: Disk) -> AsyncIterator[Disk]:
        """The small disk, with the test's database on it."""
        async with disks.sqlite_there(small_disk, migrated):
            yield small_disk


@pytest.fixture
async def small_stage(disk: Disk, house: House, tmp_path: Path) -> AsyncIterator[Stage]:
    """A shop whose database is on the small disk."""
    async for made in played(house, tmp_path):
        yield made
