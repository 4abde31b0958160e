"""What can be exported: each table once, with its columns, its filters, and its rows in pages."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlencode

from dashboard.exports.lines import Column, Row

Filters = Mapping[str, str]
# Longer than the longest search in letters that take the most room in an address.
LONGEST_QUERY = 4_000
# The rows behind the last one that is done with, and where the next page begins; "" at the end.
Page = tuple[list[Row], str]


class NoSuchTable(LookupError):
    """Nothing of that name can be exported."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table. `kept` reads an address and keeps what filters; `page` gives rows in the order of
    a key that never changes, so that no row is lost or doubled while people go on working."""

    name: str
    title: str
    address: str
    columns: tuple[Column, ...]
    kept: Callable[[Filters], dict[str, str]]
    count: Callable[[Filters, datetime], Awaitable[int]]
    page: Callable[[Filters, datetime, str], Awaitable[Page]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A table with its filters, as somebody asked for it at an instant."""

    sheet: Sheet
    filters: dict[str, str]
    at: datetime

    @property
    def query(self) -> str:
        """The filters as an address has them."""
        return urlencode(self.filters)

    @property
    def remark(self) -> str:
        """What the file says of itself above its columns."""
        asked = f"{self.sheet.name}?{self.query}" if self.query else self.sheet.name
        return f"Holdfast: {asked} as of {self.at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"

    @property
    def file_name(self) -> str:
        """The name that a browser saves it under: the table, its filters, and when."""
        told = [self.sheet.name]
        told += [f"{name} {value}" for name, value in self.filters.items()]
        plain = "".join(mark if _plain(mark) else "-" for mark in " ".join(told).lower())
        short = "-".join(part for part in plain.split("-") if part)[:120].rstrip("-")
        return f"holdfast-{short}-{self.at.astimezone(UTC):%Y%m%dT%H%M%SZ}.csv"


def _plain(mark: str) -> bool:
    return mark.isascii() and mark.isalnum()


def pairs(query: str) -> dict[str, str]:
    """The parameters of an address; of one that is given twice the last one counts, as on pages.

    Raises NoSuchTable for one that is longer than any page's: read in part, it would filter less.
    """
    if len(query) > LONGEST_QUERY:
        raise NoSuchTable("an address that is too long")
    return dict(parse_qsl(query))
