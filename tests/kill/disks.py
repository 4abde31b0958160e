"""A disk that is full: a small one of its own where that is permitted, else SQLite's own limit.

Against PostgreSQL every table and index is moved to the small disk. Its log of changes stays where
it is: a server that can't write that stops, which is an outage of its own.
"""

import asyncio
import contextlib
import os
import pwd
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

from dashboard import db
from tests.conftest import POSTGRESQL
from tests.kill.stage import Stage

SIZE = "24m"


@dataclass(frozen=True)
class Disk:
    """Where the database is; without a folder of its own it is only told to be full."""

    folder: Path
    mounted: bool

    @contextlib.contextmanager
    def full(self, stage: Stage) -> Iterator[None]:
        """There is no room for another page for the length of the block."""
        filler = self.folder / ("filler" if self.mounted else "full")
        if self.mounted:
            _fill(filler)
        else:
            stage.limit(True)
        try:
            yield
        finally:
            stage.limit(False)
            filler.unlink(missing_ok=True)


def _fill(file: Path) -> None:
    with contextlib.suppress(OSError), file.open("wb", buffering=0) as out:
        while out.write(b"\0" * 4096) == 4096:
            pass


@contextlib.contextmanager
def small(folder: Path) -> Iterator[Disk]:
    """A disk of `SIZE` at `folder`, where this process may mount one."""
    folder.mkdir(parents=True, exist_ok=True)
    line = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "none", str(folder)]
    mounted = subprocess.run(line, check=False, capture_output=True).returncode == 0
    try:
        yield Disk(folder, mounted)
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(folder)], check=True)


@contextlib.asynccontextmanager
async def sqlite_there(disk: Disk, migrated: Path) -> AsyncIterator[None]:
    """The database on that disk, migrated and empty."""
    db.engine().path = str(shutil.copy(migrated, disk.folder / "holdfast.sqlite"))
    async with db.lifespan():
        yield


@contextlib.asynccontextmanager
async def postgresql_there(disk: Disk) -> AsyncIterator[None]:
    """All tables and indexes on that disk, and back again afterwards."""
    assert POSTGRESQL
    with contextlib.suppress(KeyError):
        os.chown(disk.folder, pwd.getpwnam("pgserver").pw_uid, -1)
    # What tests before this one have deleted left room in the pages.
    await _run("VACUUM FULL")
    await _run(f"CREATE TABLESPACE small LOCATION '{disk.folder}'")
    await _move("pg_default", "small")
    try:
        yield
    finally:
        await _move("small", "pg_default")
        await _run("DROP TABLESPACE small")


async def _move(here: str, there: str) -> None:
    for kind in ("TABLE", "INDEX"):
        await _run(f"ALTER {kind} ALL IN TABLESPACE {here} SET TABLESPACE {there}")


async def _run(statement: str) -> None:
    connection = await db.engine().get_new_connection()
    try:
        async with asyncio.timeout(30):
            await connection.execute(statement)
    finally:
        await connection.close()
