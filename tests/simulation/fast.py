"""Piccolo with less work: what never changes about a query or a column is kept.

Statements, values and rows stay the same: a test plays schedules with and without this and compares
every statement that reached the database.
"""

from functools import cache
from typing import Any

from piccolo.columns import Column, ForeignKey
from piccolo.columns.combination import UNDEFINED, Combination, Where
from piccolo.query.methods.objects import Objects
from piccolo.query.methods.select import Select
from piccolo.query.methods.update import Update
from piccolo.query.mixins import Returning
from piccolo.querystring import QueryString
from piccolo.table import Table, TableMeta

from tests.simulation import fast_rows, fast_text

_plain_columns = Column.get_select_string
_plain_select = Select.default_querystrings.fget  # type: ignore[attr-defined]
_plain_objects = Objects.default_querystrings.fget  # type: ignore[attr-defined]
_plain_change = Where.querystring_for_update_and_delete.fget  # type: ignore[attr-defined]
_plain_reference = ForeignKey.__getattribute__
_plain_column = TableMeta.get_column_by_name
# What a foreign key is, beside the columns that it leads to.
_OWN_NAMES = frozenset(dir(ForeignKey))


_names: dict[tuple[str, str, bool], QueryString] = {}


def _select_string(self: Column, engine_type: str, with_alias: bool = True) -> QueryString:
    meta = self._meta
    if self._alias or meta.call_chain:
        return _plain_columns(self, engine_type, with_alias)
    key = (meta.table._meta.tablename, meta.name, with_alias)
    found = _names.get(key)
    if found is None:
        found = _names[key] = _plain_columns(self, engine_type, with_alias)
    return found


def _simple_select(self: Select) -> list[QueryString]:
    """A select from one table, in one piece; anything else as Piccolo has it."""
    where, order = self.where_delegate, self.order_by_delegate._order_by
    read = [*where.get_where_columns(), *self.order_by_delegate.get_order_by_columns()]
    wanted = self.columns_delegate.selected_columns
    unusual = (
        any(not isinstance(one, Column) or one._alias or one._meta.call_chain for one in wanted)
        or self.exclude_secrets
        or self.distinct_delegate._distinct.enabled
        or self.as_of_delegate._as_of
        or self.group_by_delegate._group_by
        or self.having_delegate._where
        or self.offset_delegate._offset
        or self.lock_rows_delegate._lock_rows
        or any(isinstance(column, Column) and column._meta.call_chain for column in read)
    )
    if unusual:
        return _plain_select(self)  # type: ignore[no-any-return]
    self.columns_delegate.selected_columns = wanted or self.table._meta.columns
    query = (
        _some_of(self.table, tuple(one._meta.name for one in wanted))
        if wanted
        else _rows_of(self.table)
    )
    return [_filtered(query, where, order, self.limit_delegate)]


def _whole_rows(self: Objects) -> list[QueryString]:
    """The same for objects, without a select in between."""
    where, order = self.where_delegate, self.order_by_delegate._order_by
    read = [*where.get_where_columns(), *self.order_by_delegate.get_order_by_columns()]
    unusual = (
        self.prefetch_delegate.fk_columns
        or self.as_of_delegate._as_of
        or self.offset_delegate._offset
        or self.lock_rows_delegate._lock_rows
        or any(isinstance(column, Column) and column._meta.call_chain for column in read)
    )
    if unusual:
        return _plain_objects(self)  # type: ignore[no-any-return]
    return [_filtered(_rows_of(self.table), where, order, self.limit_delegate)]


def _filtered(query: str, where: Any, order: Any, limit: Any) -> QueryString:
    args: list[Any] = []
    if where._where:
        wanted = where._where.querystring
        query += f" WHERE {wanted.template}"
        args.extend(wanted.args)
    for part in (order if order.order_by_items else None, limit._limit):
        if part:
            more = part.querystring
            query += more.template
            args.extend(more.args)
    return QueryString(query, *args)


def _update(self: Update) -> list[QueryString]:
    """The same in one piece: its parts are put into each other, not kept apart."""
    parts = [_head(self.table, tuple(self.values_delegate._values))]
    args = self.values_delegate.get_sql_values()
    if self.where_delegate._where:
        wanted = self.where_delegate._where.querystring_for_update_and_delete
        parts.append(f" WHERE {wanted.template}")
        args.extend(wanted.args)
    if self.returning_delegate._returning:
        parts.append(_returned(tuple(self.returning_delegate._returning.columns)))
    return [QueryString("".join(parts), *args)]


def _head(table: type[Table], columns: tuple[Column, ...]) -> str:
    names = ", ".join(f'"{column._meta.db_column_name}" = {{}}' for column in columns)
    return f"UPDATE {table._meta.get_formatted_tablename()} SET {names}"  # noqa: S608


def _returned(columns: tuple[Column, ...]) -> str:
    key = tuple(id(column) for column in columns)
    found = _returns.get(key)
    if found is None:
        # The columns are kept, too, so that their ids stay theirs.
        found = _returns[key] = (Returning(list(columns)).querystring.template, columns)
    return found[0]


_returns: dict[tuple[int, ...], tuple[str, tuple[Column, ...]]] = {}


def _both(self: Combination) -> QueryString:
    first, second = self.first.querystring, self.second.querystring
    text = f"({first.template} {self.operator} {second.template})"
    return QueryString(text, *first.args, *second.args)


def _condition(self: Where) -> QueryString:
    column = self.column
    name = _select_string(column, "sqlite", with_alias=False).template
    args: list[Any] = [] if self.value is UNDEFINED else [self.value]
    if self.values is not UNDEFINED:
        args.append(self.get_values_querystring(self.values))
    return QueryString(_conditioned(self.operator.template, name), *args)


@cache
def _conditioned(template: str, name: str) -> str:
    return template.format(name=name, value="{}", values="{}")


def _condition_of_a_change(self: Where) -> QueryString:
    return _plain_change(self) if self.column._meta.call_chain else _condition(self)


def _objects(cls: type[Table], *prefetch: Any) -> Objects:
    return Objects(table=cls, prefetch=prefetch)


def _all_columns(cls: type[Table], exclude: Any = None) -> list[Column]:
    left_out = {one._meta.name if isinstance(one, Column) else one for one in exclude or ()}
    return [one for one in cls._meta.columns if one._meta.name not in left_out]


@cache
def _rows_of(table: type[Table]) -> str:
    return str(_plain_select(table.select())[0])


@cache
def _some_of(table: type[Table], names: tuple[str, ...]) -> str:
    return str(_plain_select(table.select(*names))[0])


def _reference(self: ForeignKey, name: str) -> Any:
    if name in _OWN_NAMES:
        return object.__getattribute__(self, name)
    return _plain_reference(self, name)


_columns: dict[tuple[str, str], Column] = {}


def _column(self: TableMeta, name: str, match_db_column_name: bool = False) -> Column:
    key = (self.tablename, name)
    found = _columns.get(key)
    if found is None:
        found = _columns[key] = _plain_column(self, name, match_db_column_name)
    return found


def hurry() -> None:
    """Use the quick forms in this process, which is to live for simulated schedules alone."""
    Column.get_select_string = _select_string  # type: ignore[method-assign]
    Select.default_querystrings = property(_simple_select)  # type: ignore[assignment]
    Objects.default_querystrings = property(_whole_rows)  # type: ignore[assignment]
    Update.default_querystrings = property(_update)  # type: ignore[assignment]
    Combination.querystring = property(_both)  # type: ignore[assignment]
    Where.querystring = property(_condition)  # type: ignore[assignment]
    Where.querystring_for_update_and_delete = property(  # type: ignore[assignment]
        _condition_of_a_change
    )
    Table.objects = classmethod(_objects)  # type: ignore[assignment]
    Table.all_columns = classmethod(_all_columns)  # type: ignore[assignment]
    ForeignKey.__getattribute__ = _reference  # type: ignore[method-assign]
    TableMeta.get_column_by_name = _column  # type: ignore[method-assign]
    fast_rows.hurry()
    fast_text.hurry()
