"""The only clock of the product.

Everything that decides about money asks `now()`. On the built-in sandbox, and there alone, the
clock follows an offset kept in a small file, so that days can pass in a moment; against Stripe
itself `follow` is never called and `now()` is the wall clock.
"""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

_offset_file: Path | None = None


def follow(path: Path | None) -> None:
    """Follow the offset in `path` (seconds as a decimal number) from now on; None stops it."""
    global _offset_file
    _offset_file = path


def offset() -> timedelta:
    """The present distance from wall time; zero when no file is followed or it is not there."""
    if _offset_file is None:
        return timedelta()
    try:
        return timedelta(seconds=float(_offset_file.read_text()))
    except FileNotFoundError:
        return timedelta()


def move_to(instant: datetime) -> None:
    """Make `now()` answer `instant` for everybody who follows the same file.

    Raises RuntimeError where no file is followed, which is everywhere but on the sandbox.
    """
    if _offset_file is None:
        raise RuntimeError("the clock can be moved on the sandbox only")
    seconds = (instant - wall()).total_seconds()
    # The rename is atomic: a reader in another process sees the old offset or the new one.
    fresh = _offset_file.with_suffix(".new")
    _offset_file.parent.mkdir(parents=True, exist_ok=True)
    fresh.write_text(f"{seconds:.6f}")
    fresh.replace(_offset_file)


def now() -> datetime:
    """The product's present instant, aware, in UTC."""
    return wall() + offset()


def wall() -> datetime:
    """Wall time, aware, in UTC: for webhook signatures, which Stripe signs with real time."""
    return datetime.now(UTC)


def boot_seconds() -> float:
    """Seconds since boot, time in suspension included.

    A lease is measured with this clock: a laptop that slept for an hour has lost its lease.
    """
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
