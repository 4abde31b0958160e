"""Piccolo's SQL, compiled with less work: what never changes about a query is kept.

The text and the values that reach the database stay the same, which a test compares.
"""

from functools import cache
from string import Formatter
from typing import Any

from piccolo.columns.base import Column
from piccolo.querystring import Fragment, QueryString

_plain_select_string = Column.get_select_string


@cache
def _prefixes(template: str) -> tuple[str, ...]:
    return tuple(part[0] for part in Formatter().parse(template))


def _bundle(
    self: QueryString,
    start_index: int = 1,
    bundled: list[Fragment] | None = None,
    combined_args: list[Any] | None = None,
) -> tuple[int, list[Fragment], list[Any]]:
    bundled = [] if bundled is None else bundled
    combined_args = [] if combined_args is None else combined_args
    given = len(self.args)
    for index, prefix in enumerate(_prefixes(self.template)):
        fragment = Fragment(prefix=prefix)
        bundled.append(fragment)
        if index >= given:
            fragment.no_arg = True
            continue
        value = self.args[index]
        if isinstance(value, QueryString):
            fragment.no_arg = True
            start_index, _, _ = value.bundle(start_index, bundled, combined_args)
        else:
            fragment.index = start_index
            start_index += 1
            combined_args.append(value)
    return start_index, bundled, combined_args


_names: dict[tuple[str, str, bool], QueryString] = {}


def _select_string(self: Column, engine_type: str, with_alias: bool = True) -> QueryString:
    meta = self._meta
    if self._alias or meta.call_chain:
        return _plain_select_string(self, engine_type, with_alias)
    key = (meta.table._meta.tablename, meta.name, with_alias)
    found = _names.get(key)
    if found is None:
        found = _names[key] = _plain_select_string(self, engine_type, with_alias)
    return found


def hurry() -> None:
    """Use the quick forms in this process."""
    QueryString.bundle = _bundle  # type: ignore[method-assign]
    Column.get_select_string = _select_string  # type: ignore[method-assign]
