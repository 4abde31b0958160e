"""A sheet of counts and amounts as the parts of a stacked chart."""

from collections.abc import Sequence
from datetime import date

from dashboard import formats
from dashboard.metrics.sheets import Sheet
from dashboard.metrics.spans import Span
from dashboard.metrics.stacks import Bar, Part
from dashboard.money import to_decimal
from dashboard.web.analytics_table import rows_href


def parts_of(sheet: Sheet, first: int, *, by_amount: bool) -> list[Part]:
    """Each pair of columns from the `first` one on, as high as its count or as its amount."""
    pairs = range(2 + 2 * first, len(sheet.columns), 2)
    return [_part(sheet, column, by_amount=by_amount) for column in pairs]


def _part(sheet: Sheet, column: int, *, by_amount: bool) -> Part:
    bars = [_bar(sheet, row, column, by_amount=by_amount) for row in sheet.rows]
    return Part(sheet.columns[column].title, bars)


def _bar(sheet: Sheet, row: Sequence[object], column: int, *, by_amount: bool) -> Bar:
    first, last, count, amount = row[0], row[1], row[column], row[column + 1]
    assert isinstance(first, date) and isinstance(last, date)
    assert isinstance(count, int) and isinstance(amount, int)
    high = float(to_decimal(amount, sheet.currency)) if by_amount else float(count)
    title, worth = sheet.columns[column].title, formats.money(amount, sheet.currency)
    what = sheet.columns[column].what
    href = rows_href(what, Span(first, last), sheet.currency) if what and count else ""
    return Bar(high, f"{title}: {count:,}<br>worth {worth}", href)
