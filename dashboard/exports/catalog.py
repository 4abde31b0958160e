"""Every table that can be exported, by name."""

from collections.abc import Mapping
from datetime import datetime

from dashboard.exports import behind, differences, figures, holds
from dashboard.exports.sheets import NoSuchTable, Sheet, Wanted, pairs

__all__ = ["SHEETS", "NoSuchTable", "wanted"]

SHEETS: Mapping[str, Sheet] = {
    sheet.name: sheet for sheet in (holds.SHEET, differences.SHEET, behind.SHEET, *figures.SHEETS)
}


def wanted(name: str, query: str, at: datetime) -> Wanted:
    """The table with the filters of an address; what filters nothing is left out of them.

    Raises NoSuchTable.
    """
    sheet = SHEETS.get(name)
    if sheet is None:
        raise NoSuchTable(name)
    return Wanted(sheet, sheet.kept(pairs(query)), at)
