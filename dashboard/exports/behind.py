"""The rows behind a number of the analytics as a file: as many as the number says."""

from datetime import datetime

from dashboard.exports import figures
from dashboard.exports.lines import Row, columns
from dashboard.exports.sheets import Filters, NoSuchTable, Page, Sheet
from dashboard.metrics.behind import Behind
from dashboard.metrics.numbers import NAMES, named
from dashboard.money import Money

AT_ONCE = 1_000
# However many days there are behind a number: none of them is a point of a curve.
ANY_DAYS = 1000 * 366
COLUMNS = columns(
    row="text", kind="text", at="instant", payment="text", currency="text", amount="money"
)


def _kept(given: Filters) -> dict[str, str]:
    what = given.get("what", "")
    if what not in NAMES:
        raise NoSuchTable(what)
    return {"what": what, **figures.kept(given, ANY_DAYS)}


def _behind(filters: Filters) -> Behind:
    days = figures.span_of(filters)
    return named(filters["what"], days.first, days.last, filters["currency"])


async def _count(filters: Filters, _: datetime) -> int:
    return (await _behind(filters).come_to())[0]


async def _page(filters: Filters, _at: datetime, cursor: str) -> Page:
    at, _, last = cursor.rpartition(" ")
    place = (datetime.fromisoformat(at), int(last)) if at else None
    found = await _behind(filters).page(place, AT_ONCE)
    rows: list[Row] = [
        (
            one.id,
            one.kind,
            one.at,
            one.payment_id,
            one.currency.upper(),
            Money(one.amount, one.currency) if one.currency else None,
        )
        for one in found
    ]
    more = len(found) == AT_ONCE
    return rows, f"{found[-1].at.isoformat()} {found[-1].id}" if more else ""


SHEET = Sheet("rows", "Rows behind a number", "/analytics/rows", COLUMNS, _kept, _count, _page)
