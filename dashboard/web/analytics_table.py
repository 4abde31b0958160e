"""A sheet of the analytics as a page shows it: words for its cells, and the way to their rows."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from urllib.parse import urlencode

from dashboard.metrics.figures import NOTHING
from dashboard.metrics.sheets import Cell, Column, Kind, Sheet
from dashboard.metrics.spans import Span, Step
from dashboard.web import analytics_words as words


@dataclass(frozen=True, slots=True)
class Text:
    """A cell: what it says, where its rows are, and the column's title for narrow screens; `sub`
    is what stands below it."""

    said: str
    href: str
    title: str
    sub: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A row, by the days that it is about."""

    days: str
    iso: str
    cells: Sequence[Text]


@dataclass(frozen=True, slots=True)
class Table:
    """What the template needs. `caption` says what the table is."""

    name: str
    caption: str
    titles: Sequence[str]
    lines: Sequence[Line]


def table(
    sheet: Sheet, caption: str, step: Step, today: date, *, newest_first: bool = True
) -> Table:
    """A sheet in words; its first two columns become the days of a row."""
    columns = sheet.columns[2:]
    lines = [_line(sheet, columns, row, step, today) for row in sheet.rows]
    if newest_first:
        lines.reverse()
    return Table(sheet.name, caption, [column.title for column in columns], lines)


def piles(
    sheet: Sheet, caption: str, step: Step, today: date, *, newest_first: bool = True
) -> Table:
    """A sheet of pairs in words: each count with its amount below it."""
    whole = table(sheet, caption, step, today, newest_first=newest_first)
    lines = [
        replace(line, cells=[_pile(*pair) for pair in _pairs(line.cells)]) for line in whole.lines
    ]
    return replace(whole, titles=whole.titles[::2], lines=lines)


def _pairs(cells: Sequence[Text]) -> list[tuple[Text, Text]]:
    return list(zip(cells[::2], cells[1::2], strict=True))


def _pile(count: Text, amount: Text) -> Text:
    return replace(count, sub=amount.said if count.said not in ("0", NOTHING) else "")


def _line(
    sheet: Sheet, columns: Sequence[Column], row: Sequence[Cell], step: Step, today: date
) -> Line:
    first, last = row[0], row[1]
    assert isinstance(first, date) and isinstance(last, date)
    span = Span(first, last)
    cells = [
        Text(
            _said(column, row, number, sheet.currency),
            rows_href(column.what, span, sheet.currency) if column.what and row[number] else "",
            column.title,
        )
        for number, column in enumerate(columns, start=2)
    ]
    return Line(words.days(span, step, today), first.isoformat(), cells)


def _said(column: Column, row: Sequence[Cell], number: int, currency: str) -> str:
    found = row[number]
    if column.kind is Kind.PERCENT and found is None and column.what and row[number + 2]:
        # Its two counts stand in the next two columns: they say more than a percentage would.
        return f"{row[number + 1]} of {row[number + 2]}"
    return words.cell(column.kind, found, currency)


def rows_href(what: str, span: Span, currency: str) -> str:
    """The page with the rows behind a number."""
    query = {
        "what": what,
        "from": span.first.isoformat(),
        "to": span.last.isoformat(),
        "currency": currency,
    }
    return f"/analytics/rows?{urlencode(query)}"
