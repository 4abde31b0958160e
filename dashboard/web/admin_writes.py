"""The writes of the administration: four tables, checked as everywhere else, each in the audit.

piccolo-admin reads and draws. It doesn't write: its own way past the checks of the desk would be
a second one, and an entry of the audit has to stand or fall with what it tells of.
"""

import uuid
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

from piccolo.columns import BigInt, Boolean, Integer
from piccolo.columns.base import Column
from piccolo.table import Table

from dashboard import clock, db
from dashboard.audit import record
from dashboard.audit.record import Action, Who
from dashboard.bookings import catalog
from dashboard.bookings.errors import BadOrder
from dashboard.bookings.tables import Instructor, PackageOffer, Student
from dashboard.staff import auth
from dashboard.staff.tables import ROLES, Staff, StaffSession
from dashboard.web.admin_tables import Shown

Values = dict[str, Any]
# A change of one of these ends the sessions of the person that it is about.
ENDING = {"role", "active", "password"}
_FALSE, _TRUE = ("false", "0", "off", ""), ("true", "1", "on")


class NoSuchRow(Exception):
    """There is no row with this id."""


async def create(shown: Shown, given: Mapping[str, Any], who: Who) -> int:
    """Add a row; answers its id. Raises BadOrder for what can't be one."""
    blank = {**shown.table(_ignore_missing=True).__dict__, "password": ""}
    before = {name: blank.get(name) for name in shown.fields}
    values = {**before, **_typed(shown, given, blank)}
    _check(shown.table, values)
    ready = {**await _ready(shown.table, values), **_born(shown.table)}

    async def insert() -> int:
        row = shown.table(**ready)
        await row.save()
        return int(row.to_dict()["id"])

    return await _kept(insert, shown, dict.fromkeys(values, ""), values, who)


async def change(shown: Shown, row_id: int, given: Mapping[str, Any], who: Who) -> None:
    """Change a row. Raises BadOrder for what can't be, NoSuchRow where there is none."""
    key = shown.table._meta.primary_key
    row = await shown.table.select().where(key == row_id).first()
    if row is None:
        raise NoSuchRow
    before = {**row, "password": ""}
    values = {
        name: value for name, value in _typed(shown, given, before).items() if value != before[name]
    }
    if not values:
        return
    # Rules that join two fields, like an amount and its currency, see the row as it will be.
    _check(shown.table, {**{name: before[name] for name in shown.fields}, **values}, values)
    ready = await _ready(shown.table, values)

    async def update() -> int:
        stored: dict[Column | str, Any] = dict(ready.items())
        await shown.table.update(stored).where(key == row_id)
        return row_id

    await _kept(update, shown, before, values, who)


async def _kept(
    write: Callable[[], Awaitable[int]], shown: Shown, before: Values, after: Values, who: Who
) -> int:
    """The write, what follows from it, and its entry in the audit: all of it or nothing."""
    detail = {
        name: f"{before[name]} → {value}" if before[name] != "" else str(value)
        for name, value in after.items()
    }
    try:
        async with db.transaction():
            if shown.table is Staff:
                await _hold_admins()
            row_id = await write()
            if shown.table is Staff:
                await _settle_staff(row_id, after)
            await record.write(who, Action.ADMIN_WRITE, f"{shown.name}/{row_id}", "done", detail)
    except Exception as error:
        if db.is_unique_violation(error):
            raise BadOrder(("email", "This e-mail is there already.")) from error
        raise
    return row_id


async def _hold_admins() -> None:
    """Let no other transaction change an admin: two could each take away the other one."""
    await Staff.update({Staff.admin: True}).where(Staff.role == "admin")


async def _settle_staff(row_id: int, changed: Values) -> None:
    if ENDING & set(changed):
        await StaffSession.delete().where(StaffSession.staff == row_id)
    admins = (Staff.role == "admin") & (Staff.active.eq(True))
    if not await Staff.exists().where(admins):
        raise BadOrder(("role", "One active admin has to stay, or nobody could get in here."))


async def _ready(table: type[Table], values: Values) -> Values:
    """The values as they are stored."""
    ready = dict(values)
    if "email" in ready:
        ready["email"] = auth.account_of(ready["email"])
    if table is Staff:
        if "email" in ready:
            ready["username"] = ready["email"]
        if "role" in ready:
            ready["admin"] = ready["superuser"] = ready["role"] == "admin"
        if "password" in ready:
            try:
                ready["password"] = await auth.hashed(ready["password"])
            except ValueError as error:
                raise BadOrder(("password", str(error))) from error
    return ready


def _born(table: type[Table]) -> Values:
    """What a new row has that nobody types."""
    if table is Staff:
        return {}
    key = {"customer_key": str(uuid.uuid4())} if table is Student else {}
    return {"created_at": clock.now(), **key}


def _check(table: type[Table], row: Values, changed: Values | None = None) -> None:
    """Raise BadOrder with every fault of the row as it would be."""
    faults = {"name": catalog.text_fault(row["name"], 200)}
    if "email" in row:
        account = auth.account_of(row["email"])
        faults["email"] = catalog.email_fault(account)
        if table is Staff and len(account) > auth.LONGEST_EMAIL:
            faults["email"] = "This is too long."
    if "time_zone" in row:
        faults["time_zone"] = catalog.zone_fault(row["time_zone"])
    if "role" in row and row["role"] not in ROLES:
        faults["role"] = f"One of {', '.join(ROLES)}."
    if table is Staff and changed is None and not row["password"]:
        faults["password"] = "A new person needs one."  # noqa: S105
    if table is Instructor:
        faults["subject"] = "Too long." if len(row["subject"]) > 80 else None
        faults |= _price("rate", row)
    if table is PackageOffer:
        faults |= _price("price", row)
        right = 1 <= (row["lessons_count"] or 0) <= catalog.MOST_LESSONS
        faults["lessons_count"] = None if right else f"From 1 to {catalog.MOST_LESSONS}."
    if found := [(field, fault) for field, fault in faults.items() if fault]:
        raise BadOrder(*found)


def _price(field: str, row: Values) -> dict[str, str | None]:
    return dict(catalog.price_faults(field, row[field] or 0, row["currency"]))


def _typed(shown: Shown, given: Mapping[str, Any], before: Values) -> Values:
    """What was typed, by column. The page sends every field back, the untouched ones as well."""
    values: Values = {}
    faults = []
    for name, value in given.items():
        if name in shown.fields:
            try:
                values[name] = _as(shown.table._meta.get_column_by_name(name), value)
            except ValueError as error:
                faults.append((name, str(error)))
        elif name not in before or not _untouched(value, before[name]):
            faults.append((name, "This is kept by Holdfast itself."))
    if faults:
        raise BadOrder(*faults)
    if not values.get("password"):
        values.pop("password", None)
    return values


def _as(column: Column, value: Any) -> Any:
    """The value in the column's own type; ValueError says what it should be."""
    said = str("" if value is None else value).strip()
    if isinstance(column, Boolean):
        if said.lower() not in _FALSE + _TRUE:
            raise ValueError("Yes or no.")
        return said.lower() in _TRUE
    if isinstance(column, BigInt | Integer):
        if not (said.isascii() and said.isdigit() and len(said) < 16):
            raise ValueError("A whole number.")
        return int(said)
    return said if column._meta.name != "password" else str(value or "")


def _untouched(value: Any, before: Any) -> bool:
    if value in (None, "") or value == before or str(value) == str(before):
        return True
    if isinstance(before, bool):
        return str(value).lower() == str(before).lower()
    if not isinstance(before, datetime):
        return False
    try:
        # The page shows whole seconds.
        told = datetime.fromisoformat(str(value))
        return told.tzinfo is not None and abs((told - before).total_seconds()) < 1
    except ValueError:
        return False
