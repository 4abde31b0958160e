"""A table as lines of CSV. Pure.

An amount is two columns, in minor units and in major ones, and never without its currency beside
it; an instant is two as well, in UTC and in the reporting zone. Numbers stay numbers, and a text
never becomes a formula.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Literal
from zoneinfo import ZoneInfo

from dashboard.money import Money, plain

Kind = Literal["text", "number", "money", "instant"]
Cell = str | int | Decimal | Money | datetime | date | None
Row = Sequence[Cell]
# What a spreadsheet takes for the beginning of a formula, in any width of letters.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
# A spreadsheet reads names with accents only behind this mark.
MARK = "\ufeff"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table; an amount and an instant become two in the file."""

    name: str
    kind: Kind = "text"


def columns(**kinds: Kind) -> tuple[Column, ...]:
    """Columns by name and kind, in this order."""
    return tuple(Column(name, kind) for name, kind in kinds.items())


def header(shown: Sequence[Column]) -> str:
    """The line of the columns' names."""
    names: list[str] = []
    for column in shown:
        match column.kind:
            case "money":
                names += [f"{column.name}_minor", column.name]
            case "instant":
                names += [f"{column.name}_utc", f"{column.name}_local"]
            case _:
                names.append(column.name)
    return _lines([names])


def body(shown: Sequence[Column], rows: Iterable[Row], zone: ZoneInfo) -> str:
    """The rows as lines, each ended as RFC 4180 has it."""
    return _lines(
        [
            cell
            for column, given in zip(shown, row, strict=True)
            for cell in _cells(column, given, zone)
        ]
        for row in rows
    )


def remark(text: str) -> str:
    """A line that is no row, for readers who skip what begins with #. Free of commas and quotes."""
    return _lines([[f"# {text}"]])


def safe(text: str) -> str:
    """The text as a spreadsheet shows it and does not run it."""
    return f"'{text}" if text.startswith(FORMULA) else text


def _cells(column: Column, given: Cell, zone: ZoneInfo) -> list[str]:
    match column.kind, given:
        case (("money" | "instant"), None):
            return ["", ""]
        case "money", Money(amount, currency):
            return [str(amount), plain(amount, currency)]
        case "instant", datetime():
            return [_utc(given), given.astimezone(zone).isoformat(timespec="seconds")]
        case "number", int() | Decimal():
            return [f"{given}"]
        case _, None:
            return [""]
        case "text", date():
            return [given.isoformat()]
        case "text", str() | int():
            return [safe(str(given))]
    raise TypeError(f"{column.name} is {column.kind}, not {given!r}")


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _lines(rows: Iterable[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue()
