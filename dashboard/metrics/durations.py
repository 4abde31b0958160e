"""Durations of a day, kept so that the median of any number of days can be told exactly.

Beside all of them in order, a day keeps how many fall into each hour. Of many days these counts are
added up, which tells the hour of a rank; only that hour's durations are then read. So a year of a
million captures costs hardly more than one of a thousand.
"""

from array import array
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from dashboard.metrics.figures import Spread
from dashboard.metrics.tables import Day

# Unsigned, 32 bits: as seconds 136 years, as a number of captures 4 thousand millions.
FORM = "I"
SIZE = array(FORM).itemsize
HOUR = 3600
# A week, which is how long most holds live, and a day; the last one takes what is longer.
HOURS = 192
EMPTY: dict[str, Any] = {
    **dict.fromkeys(("waited_count", "waited_seconds"), 0),
    **dict.fromkeys(("waited_low", "waited_high", "waited_p90"), 0),
    "waits": b"",
    "wait_hours": b"",
}
# What the figures need of a day; the durations themselves are read where they are asked for.
NUMBERS = tuple(name for name in EMPTY if name.startswith("waited_"))


class Moved(Exception):
    """A day was counted anew since its row was read, and has another row now."""


def packed(times: Sequence[int]) -> dict[str, Any]:
    """The columns of a day that had these durations, in seconds; at least one."""
    ordered = sorted(times)
    hours = array(FORM, bytes(HOURS * SIZE))
    for seconds in ordered:
        hours[_hour(seconds)] += 1
    low, high, p90 = (ordered[rank - 1] for rank in _ranks(len(ordered)))
    return {
        "waited_count": len(ordered),
        "waited_seconds": sum(ordered),
        "waited_low": low,
        "waited_high": high,
        "waited_p90": p90,
        "waits": array(FORM, ordered).tobytes(),
        "wait_hours": hours.tobytes(),
    }


def _hour(seconds: int) -> int:
    return min(seconds // HOUR, HOURS - 1)


def _ranks(count: int) -> tuple[int, int, int]:
    """Which ones, from 1, are the two in the middle, and the smallest that nine tenths reach."""
    return (count + 1) // 2, count // 2 + 1, -(-9 * count // 10)


def of_day(row: dict[str, Any]) -> Spread:
    """The spread of one day's durations, from its row."""
    found = (row["waited_low"], row["waited_high"], row["waited_p90"])
    return _spread(row["waited_count"], row["waited_seconds"], found)


async def of_days(rows: Sequence[dict[str, Any]]) -> Spread:
    """The spread of all durations of these days, from their rows and one more statement.

    Raises Moved when the rows are to be read again.
    """
    rows = [row for row in rows if row["waited_count"]]
    count = sum(row["waited_count"] for row in rows)
    if len(rows) < 2:
        return of_day(rows[0]) if rows else Spread()
    # Each count has a place of its own in a number: the sum of the numbers adds up all of them.
    total = sum(int.from_bytes(row["wait_hours"], "little") for row in rows)
    hours = array(FORM, total.to_bytes(HOURS * SIZE, "little"))
    ranks = [_place(hours, rank) for rank in _ranks(count)]
    within = await _durations(rows, sorted({hour for hour, _ in ranks}))
    found = tuple(within[hour][rank - 1] for hour, rank in ranks)
    return _spread(count, sum(row["waited_seconds"] for row in rows), found)


def _place(hours: Sequence[int], rank: int) -> tuple[int, int]:
    """The hour in which a rank falls, and its rank there."""
    for hour, count in enumerate(hours):
        if rank <= count:
            return hour, rank
        rank -= count
    raise AssertionError("more ranks than durations")


async def _durations(rows: Sequence[dict[str, Any]], wanted: Sequence[int]) -> dict[int, list[int]]:
    """The durations of these hours, in order, of all the days together."""
    parts = []
    for row in rows:
        hours = array(FORM, row["wait_hours"])
        for hour in wanted:
            if hours[hour]:
                start, size = sum(hours[:hour]) * SIZE + 1, hours[hour] * SIZE
                parts.append(f"({row['id']}, {hour}, {start}, {size})")
    read = await Day.raw(
        f"WITH wanted (id, hour, start, size) AS (VALUES {', '.join(parts)})"  # noqa: S608
        " SELECT w.hour AS hour, substr(d.waits, w.start, w.size) AS waits"
        " FROM wanted w JOIN metrics_day d ON d.id = w.id"
    )
    found: dict[int, list[int]] = {hour: [] for hour in wanted}
    if len(read) < len(parts):
        raise Moved
    for row in read:
        found[row["hour"]] += array(FORM, row["waits"])
    return {hour: sorted(times) for hour, times in found.items()}


def _spread(count: int, seconds: int, found: Sequence[int]) -> Spread:
    if count == 0:
        return Spread()
    low, high, p90 = found
    return Spread(count, Fraction(low + high, 2), p90, Fraction(seconds, count))
