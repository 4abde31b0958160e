"""The folder of the exports: parts while they are made, whole files afterwards. These block.

A worker writes to a part of its own. What one that lost its lease writes still, nobody reads.
"""

import os
import re
import secrets
import shutil
from collections.abc import Collection
from datetime import datetime
from pathlib import Path

from dashboard import settings

_NAME = re.compile(r"[0-9a-f]{48}")


def folder() -> Path:
    """Where the files are, readable for nobody else on this machine."""
    path = settings.current().var_dir / "exports"
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    return path


def path_of(name: str) -> Path:
    """The file of that name; ValueError for a text that we never made a name of."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no export")
    return folder() / name


def begin(before: str, size: int) -> tuple[str, int]:
    """A part of one's own, with the first `size` bytes of an earlier one if they are there.

    Answers its name and its size: 0 where the earlier part is gone, and all begins anew.
    """
    name = secrets.token_hex(24)
    fresh = path_of(name)
    fresh.touch(mode=0o600)
    old = path_of(before) if before else None
    if old is None or not old.is_file() or old.stat().st_size < size:
        return name, 0
    shutil.copyfile(old, fresh)
    os.truncate(fresh, size)
    return name, size


def append(name: str, text: str) -> int:
    """Write to the end, on to the disk; answers the size."""
    with path_of(name).open("ab") as file:
        file.write(text.encode())
        file.flush()
        os.fsync(file.fileno())
        return file.tell()


def remove(name: str) -> None:
    """Take a file away, if it is there."""
    if name:
        path_of(name).unlink(missing_ok=True)


def sweep(known: Collection[str], before: datetime) -> int:
    """Take away what no row speaks of and is older than `before`; answers how many files."""
    lost = [
        path
        for path in folder().iterdir()
        if path.name not in known and path.stat().st_mtime < before.timestamp()
    ]
    for path in lost:
        path.unlink(missing_ok=True)
    return len(lost)
