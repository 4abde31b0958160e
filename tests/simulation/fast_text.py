"""The text of a query and its values, put together with less work than Piccolo has with them."""

from datetime import datetime
from functools import cache
from string import Formatter
from typing import Any

from piccolo.columns import Column
from piccolo.querystring import Fragment, QueryString

_plain_compile = QueryString.compile_string
# What is neither a column nor a query, and holds none: no need to ask at length.
PLAIN = frozenset((str, int, bool, float, type(None), datetime))


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
        if type(value) not in PLAIN and isinstance(value, QueryString):
            fragment.no_arg = True
            start_index, _, _ = value.bundle(start_index, bundled, combined_args)
        else:
            fragment.index = start_index
            start_index += 1
            combined_args.append(value)
    return start_index, bundled, combined_args


def _process_args(self: QueryString, args: Any) -> tuple[list[Any], list[Column]]:
    processed, columns = [], []
    for arg in args:
        if type(arg) in PLAIN:
            pass
        elif isinstance(arg, QueryString):
            columns.extend(arg.columns)
        elif isinstance(arg, Column):
            columns.append(arg)
            arg = QueryString(f"{arg._meta.get_full_name(with_alias=False)}")  # noqa: PLW2901
        processed.append(arg)
    return processed, columns


def _compile(self: QueryString, engine_type: str = "postgres") -> tuple[str, list[Any]]:
    args = self.args
    if engine_type != "sqlite":
        return _plain_compile(self, engine_type)
    if all(type(value) in PLAIN for value in args):
        return _sqlite_text(self.template), list(args)
    values: list[Any] = []
    return _nested(self, values), values


def _nested(query: QueryString, values: list[Any]) -> str:
    """The text of a query with others in it; what is asked with it is put into `values`."""
    parts, given = [], iter(query.args)
    for prefix, named in _pieces(query.template):
        parts.append(prefix)
        if not named:
            continue
        value = next(given)
        if type(value) not in PLAIN and isinstance(value, QueryString):
            parts.append(_nested(value, values))
        else:
            parts.append("?")
            values.append(value)
    return "".join(parts)


@cache
def _pieces(template: str) -> tuple[tuple[str, bool], ...]:
    return tuple((text, name is not None) for text, name, _, _ in Formatter().parse(template))


@cache
def _sqlite_text(template: str) -> str:
    parts = list(Formatter().parse(template))
    return "".join(text + ("" if name is None else "?") for text, name, _, _ in parts)


def hurry() -> None:
    """Use the quick forms in this process, which is to live for simulated schedules alone."""
    QueryString.bundle = _bundle  # type: ignore[method-assign]
    QueryString.process_args = _process_args  # type: ignore[method-assign]
    QueryString.compile_string = _compile  # type: ignore[method-assign]
