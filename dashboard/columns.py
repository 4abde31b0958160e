"""The kinds of column that the tables are made of, with the checks that the database keeps.

Piccolo's own Check and Unique constraints need ALTER TABLE, which SQLite lacks. A CHECK as part
of the column works in CREATE TABLE on both databases, and its text travels in the column's
parameters into the migrations. Changing one makes a migration that does nothing, though: the
test on `schema.differences` is there to notice.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from piccolo.columns import BigInt, BigSerial, ForeignKey, Timestamptz, Varchar
from piccolo.columns.base import Column, OnDelete, OnUpdate, ReferencedTable
from piccolo.columns.reference import LazyTableReference
from piccolo.table import Table

from dashboard.engine_parts import NaiveDatetime


class Checked(Column):
    """A column with SQL CHECKs of its own; `check="…"` may name other columns of the table."""

    def checks(self) -> dict[str, str]:
        """The conditions by constraint name; a null passes, as SQL has it."""
        check = self._meta.params.get("check")
        return {f"{self._meta.db_column_name}_check": check} if check else {}

    @property
    def ddl(self) -> str:
        """The column's part of CREATE TABLE."""
        checks = "".join(
            f' CONSTRAINT "{name}" CHECK ({condition})' for name, condition in self.checks().items()
        )
        return f"{super().ddl}{checks}"


class Instant(Checked, Timestamptz):
    """A moment in UTC. A datetime without a time zone is refused. There is no default."""

    def __init__(self, default: Any = None, check: str | None = None, **kwargs: Any) -> None:
        super().__init__(default=default, **{"check": check, **kwargs})

    @property
    def column_type(self) -> str:
        """Also what tells the SQLite driver to make a datetime of the text."""
        return "TIMESTAMPTZ"

    def __set__(self, obj: Table, value: datetime | None) -> None:
        if isinstance(value, datetime):
            if value.utcoffset() is None:
                raise NaiveDatetime(value)
            value = value.astimezone(UTC)
        super().__set__(obj, value)


class Minor(Checked, BigInt):
    """An amount in minor units: a whole number, never a float. There is no default."""

    def __init__(self, default: Any = None, check: str | None = None, **kwargs: Any) -> None:
        super().__init__(default=default, **{"check": check, **kwargs})

    def checks(self) -> dict[str, str]:
        """SQLite would keep 1.5 in an INTEGER column."""
        name = self._meta.db_column_name
        found = super().checks()
        if self._meta.engine_type == "sqlite":
            found[f"{name}_whole"] = f"typeof(\"{name}\") IN ('integer', 'null')"
        return found

    def __set__(self, obj: Table, value: int | None) -> None:
        if value is not None and type(value) is not int:
            raise TypeError(f"{self._meta.name} is an amount in minor units, not {value!r}")
        super().__set__(obj, value)


class OneOf(Checked, Varchar):
    """One of a few words, as an Enum class or a list; others are refused. No default."""

    def __init__(
        self,
        values: type[Enum] | Iterable[str],
        default: Any = None,
        length: int = 40,
        check: str | None = None,
        **kwargs: Any,
    ) -> None:
        words = [str(word.value if isinstance(word, Enum) else word) for word in values]
        plain = default.value if isinstance(default, Enum) else default
        if plain is not None and plain not in words:
            raise ValueError(f"{plain!r} is none of {words}")
        if too_long := [word for word in words if len(word) > length]:
            raise ValueError(f"{too_long} are longer than {length}")
        more = {"check": check, "values": words, **kwargs}
        super().__init__(length=length, default=plain, **more)

    def checks(self) -> dict[str, str]:
        """The words, beside a condition that was given."""
        name = self._meta.db_column_name
        quoted = [word.replace("'", "''") for word in self._meta.params["values"]]
        words = ", ".join(f"'{word}'" for word in quoted)
        return {**super().checks(), f"{name}_word": f'"{name}" IN ({words})'}


class Reference(ForeignKey[ReferencedTable]):
    """A row of another table that can't be deleted while it is referred to. Never null."""

    def __init__(
        self,
        references: type[ReferencedTable] | LazyTableReference | str,
        default: Any = None,
        null: bool = False,
        on_delete: OnDelete = OnDelete.restrict,
        on_update: OnUpdate = OnUpdate.restrict,
        target_column: str | Column | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            references,
            default=default,
            null=null,
            on_delete=on_delete,
            on_update=on_update,
            target_column=target_column,
            **kwargs,
        )


class SerialId(BigSerial):
    """A counting primary key: 64 bits, and never given twice, even after a deletion."""

    def __init__(self, **kwargs: Any) -> None:
        # The database indexes a primary key by itself.
        super().__init__(**{**kwargs, "primary_key": True, "index": False})

    @property
    def ddl(self) -> str:
        """The column's part of CREATE TABLE."""
        name = self._meta.db_column_name
        if self._meta.engine_type == "sqlite":
            # Without AUTOINCREMENT SQLite gives the id of a deleted last row to the next one.
            return f'"{name}" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL'
        return f'"{name}" BIGSERIAL PRIMARY KEY NOT NULL'
