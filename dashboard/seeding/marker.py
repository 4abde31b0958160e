"""How far a seed has come, kept in a file: one that was killed goes on instead of starting anew."""

from datetime import UTC, datetime
from pathlib import Path

import msgspec

from dashboard.settings import Settings


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """`done` counts the clusters of the plan that are over; None of them is done twice.

    `bookings` is the size of a past that is written; a seed that is played has none.
    """

    number: int
    anchor: datetime
    done: int = 0
    finished: bool = False
    bookings: int = 0


def read(settings: Settings) -> Progress | None:
    """The seed's progress; None where none was begun, or the file is damaged."""
    try:
        return msgspec.json.decode(_file(settings).read_bytes(), type=Progress)
    except (FileNotFoundError, msgspec.DecodeError, msgspec.ValidationError):
        return None


def begin(settings: Settings, number: int, bookings: int = 0) -> Progress:
    """A fresh seed that ends at the present instant, by wall time."""
    anchor = datetime.now(UTC).replace(microsecond=0)
    progress = Progress(number=number, anchor=anchor, bookings=bookings)
    write(settings, progress)
    return progress


def write(settings: Settings, progress: Progress) -> None:
    """Replace the file in one step: a kill leaves the old one or the new one."""
    file = _file(settings)
    fresh = file.with_suffix(".new")
    fresh.write_bytes(msgspec.json.encode(progress))
    fresh.replace(file)


def _file(settings: Settings) -> Path:
    return settings.var_dir / "seed.json"
