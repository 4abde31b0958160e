"""Every table that can be exported, by name."""

from collections.abc import Mapping
from datetime import datetime

from dashboard.exports import differences, holds
from dashboard.exports.sheets import Sheet, Wanted, pairs

SHEETS: Mapping[str, Sheet] = {sheet.name: sheet for sheet in (holds.SHEET, differences.SHEET)}


class NoSuchTable(LookupError):
    """Nothing of that name can be exported."""


def wanted(name: str, query: str, at: datetime) -> Wanted:
    """The table with the filters of an address; what filters nothing is left out of them.

    Raises NoSuchTable.
    """
    sheet = SHEETS.get(name)
    if sheet is None:
        raise NoSuchTable(name)
    return Wanted(sheet, sheet.kept(pairs(query)), at)
