"""Rows and values with less work than Piccolo has with them; what comes out is the same."""

import sqlite3
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import Any

from piccolo import table as piccolo_table
from piccolo.columns import Column
from piccolo.columns import combination as piccolo_combination
from piccolo.columns.base import ColumnMeta
from piccolo.columns.column_types import JSON, JSONB
from piccolo.conf.apps import Finder
from piccolo.query import mixins as piccolo_mixins
from piccolo.querystring import QueryString
from piccolo.table import Table
from piccolo.utils.sql_values import convert_to_sql_value

_plain_init = Table.__init__


@cache
def _checked(table: type[Table]) -> dict[str, Column | None]:
    """The columns of a table by name, with those that look at a value that they are given."""
    return {
        one._meta.name: one if type(one).__module__ == "dashboard.columns" else None
        for one in table._meta.columns
    }


def _init(
    self: Table,
    _data: Any = None,
    _ignore_missing: bool = False,
    _exists_in_db: bool = False,
    **row: Any,
) -> None:
    checked = _checked(type(self))
    if _data or row.keys() != checked.keys():
        _plain_init(self, _data, _ignore_missing, _exists_in_db, **row)
        return
    self._exists_in_db, self._was_created = _exists_in_db, None
    values = self.__dict__
    for name, column in checked.items():
        value = row[name]
        if column is None or value is None:
            values[name] = value
        else:
            column.__set__(self, value)


def _sql_value(value: Any, column: Column) -> Any:
    kind = type(value)
    if value is None or kind is str:
        return value
    if kind in (int, bool, datetime) and not isinstance(column, JSON | JSONB):
        return value
    return convert_to_sql_value(value, column)


def _inserted(self: Table) -> QueryString:
    values = self.__dict__
    columns = self._meta.columns
    args = [_sql_value(values[column._meta.name], column) for column in columns]
    return QueryString(_placeholders(len(args)), *args)


@cache
def _placeholders(count: int) -> str:
    return f"({','.join(['{}'] * count)})"


def _as_text(instant: datetime) -> str:
    if instant.tzinfo is not UTC:
        instant = instant.astimezone(UTC) if instant.tzinfo else instant
    return instant.isoformat(" ")


@lru_cache(2000)
def _instant(value: str) -> datetime:
    return datetime.fromisoformat(value).replace(tzinfo=UTC)


_READ: dict[str, Callable[[Any], Any]] = {"TIMESTAMPTZ": _instant, "BOOLEAN": bool}


def _readings() -> dict[str, Callable[[Any], Any] | None]:
    """What the driver would make of a column's value, by the column's name."""
    kinds: dict[str, set[str]] = defaultdict(set)
    for table in Finder().get_table_classes():
        for column in table._meta.columns:
            kinds[column._meta.db_column_name].add(column.column_type)
    # A name of columns of different types would have to be asked for in full.
    return {
        name: _READ.get(next(iter(types))) for name, types in kinds.items() if _same_reading(types)
    }


def _same_reading(types: set[str]) -> bool:
    return len(types) == 1 or types.isdisjoint({*_READ, "DATE"})


def reader() -> Callable[[str, sqlite3.Cursor], list[Any]]:
    """What makes dictionaries of the rows of a statement."""
    readings = _readings()
    shapes: dict[str, tuple[tuple[str, ...], list[tuple[str, Callable[[Any], Any]]]]] = {}

    def shape(sql: str, cursor: sqlite3.Cursor) -> Any:
        names = tuple(one[0] for one in cursor.description)
        told = [(name, how) for name in names if (how := readings.get(name))]
        shapes[sql] = names, told
        return shapes[sql]

    def read(sql: str, cursor: sqlite3.Cursor) -> list[Any]:
        found = cursor.fetchall()
        if not found:
            return found
        names, told = shapes.get(sql) or shape(sql, cursor)
        rows = [dict(zip(names, row, strict=True)) for row in found]
        for row in rows:
            for name, how in told:
                value = row[name]
                if value is not None:
                    row[name] = how(value)
        return rows

    return read


class _Named:
    """What a column is called, for those that were not told beforehand."""

    def __init__(self, name: str) -> None:
        self._plain = getattr(ColumnMeta, name).fget

    def __get__(self, meta: ColumnMeta, _kind: type[ColumnMeta]) -> str:
        return str(self._plain(meta))


def _tell_names() -> None:
    """Every read of a value asks its column's name: an attribute is quicker than a property."""
    for name in ("name", "db_column_name"):
        setattr(ColumnMeta, name, _Named(name))
    for table in Finder().get_table_classes():
        for column in table._meta.columns:
            meta = column._meta
            meta.__dict__.update(name=meta.name, db_column_name=meta.db_column_name)


def hurry() -> None:
    """Use the quick forms in this process, which is to live for simulated schedules alone."""
    _tell_names()
    Table.__init__ = _init  # type: ignore[method-assign]
    Table.querystring = property(_inserted)  # type: ignore[assignment]
    piccolo_table.convert_to_sql_value = _sql_value
    piccolo_mixins.convert_to_sql_value = _sql_value
    piccolo_combination.convert_to_sql_value = _sql_value
    sqlite3.register_adapter(datetime, _as_text)
