"""What the columns refuse, on both databases."""

import sqlite3
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from dashboard import db
from dashboard.columns import Instant
from tests.db.toys import Box, Toy

pytestmark = pytest.mark.usefixtures("toys")
NAIVE = datetime(2026, 3, 29, 2, 30)  # noqa: DTZ001
CHECK_VIOLATIONS = (sqlite3.IntegrityError, asyncpg.CheckViolationError)
REFERENCE_VIOLATIONS = (
    sqlite3.IntegrityError,
    asyncpg.ForeignKeyViolationError,
    asyncpg.RestrictViolationError,
)


async def test_a_naive_datetime_is_refused_wherever_it_comes_in() -> None:
    with pytest.raises(db.NaiveDatetime):
        Toy(made_at=NAIVE)
    toy = Toy()
    toy.__dict__["made_at"] = NAIVE
    with pytest.raises(db.NaiveDatetime, match="no time zone"):
        await Toy.insert(toy)
    with pytest.raises(db.NaiveDatetime):
        await Toy.update({Toy.made_at: NAIVE}, force=True)
    with pytest.raises(db.NaiveDatetime):
        await Toy.select().where(Toy.made_at < NAIVE)
    with pytest.raises(db.NaiveDatetime):
        await Toy.select().where(Toy.made_at.is_in([datetime.now(UTC), NAIVE]))
    with pytest.raises(db.NaiveDatetime):
        await Toy.raw("SELECT * FROM toy WHERE made_at < {}", NAIVE)


async def test_an_instant_comes_back_in_utc_and_sorts_by_time() -> None:
    tokyo = timezone(timedelta(hours=9))
    first = datetime(2026, 1, 1, 9, 0, tzinfo=tokyo)
    second = datetime(2026, 1, 1, 0, 0, 0, 1, tzinfo=UTC)
    third = datetime(2026, 1, 1, 1, 0, tzinfo=UTC)
    await Toy.insert(Toy(made_at=third), Toy(made_at=first), Toy(made_at=second))
    rows = await Toy.select(Toy.made_at).order_by(Toy.made_at)
    assert [row["made_at"] for row in rows] == [first, second, third]
    assert all(row["made_at"].utcoffset() == timedelta() for row in rows)
    assert await Toy.count().where(Toy.made_at < second) == 1
    assert Toy(made_at=first).made_at.tzinfo is UTC


@pytest.mark.parametrize(
    "values",
    [{"price": -1}, {"price": 50, "paid": 51}, {"colour": "green"}, {"colour": ""}],
)
async def test_a_row_against_a_check_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(CHECK_VIOLATIONS):
        await Toy.insert(Toy(**values))
    await Toy.insert(Toy(price=100, paid=100, colour="blue's"))
    with pytest.raises(CHECK_VIOLATIONS):
        await Toy.update({Toy.paid: 101}, force=True)


async def test_an_amount_is_a_whole_number() -> None:
    for wrong in (1.5, 1.0, True, "1"):
        with pytest.raises(TypeError, match="minor units"):
            Toy(price=wrong)
    await Toy.insert(Toy())
    for fraction in (1.5, Decimal("1.5")):
        with pytest.raises(TypeError, match="whole numbers"):
            await Toy.update({Toy.price: fraction}, force=True)


async def test_not_even_plain_sql_gets_a_fraction_into_an_amount() -> None:
    await Toy.insert(Toy())
    if db.engine().engine_type == "sqlite":
        with pytest.raises(sqlite3.IntegrityError, match="price_whole"):
            await Toy.raw("UPDATE toy SET price = 1.5")
    else:
        await Toy.raw("UPDATE toy SET price = 1.5")
    assert all(isinstance(row["price"], int) for row in await Toy.select(Toy.price))


async def test_a_required_value_has_no_default() -> None:
    class Event(Toy, tablename="toy_event"):
        happened_at = Instant()

    with pytest.raises(ValueError, match="happened_at"):
        Event()


async def test_a_row_that_is_referred_to_stays() -> None:
    [box] = await Box.insert(Box(name="attic"))
    await Toy.insert(Toy(box=box["id"]))
    with pytest.raises(REFERENCE_VIOLATIONS):
        await Box.delete().where(Box.id == box["id"])
    with pytest.raises(REFERENCE_VIOLATIONS):
        await Toy.insert(Toy(box=999))


async def test_an_id_is_never_given_twice() -> None:
    first = (await Toy.insert(Toy(), Toy()))[-1]["id"]
    await Toy.delete(force=True)
    [second] = await Toy.insert(Toy())
    assert second["id"] > first


async def test_a_refused_duplicate_is_told_from_other_refusals() -> None:
    await Box.insert(Box(name="attic"))
    with pytest.raises((sqlite3.IntegrityError, asyncpg.UniqueViolationError)) as twice:
        await Box.insert(Box(name="attic"))
    assert db.is_unique_violation(twice.value)
    assert db.is_unique_violation(twice.value, "name")
    assert not db.is_unique_violation(twice.value, "colour")
    with pytest.raises(CHECK_VIOLATIONS) as check:
        await Toy.insert(Toy(price=-1))
    assert not db.is_unique_violation(check.value)


async def test_a_duplicate_of_several_columns_names_each() -> None:
    await db.engine().run_ddl("CREATE UNIQUE INDEX toy_pair ON toy (tally, price) WHERE tally > 5")
    await Toy.insert(Toy(tally=6))
    with pytest.raises((sqlite3.IntegrityError, asyncpg.UniqueViolationError)) as twice:
        await Toy.insert(Toy(tally=6))
    assert db.is_unique_violation(twice.value, "tally")
    assert db.is_unique_violation(twice.value, "price")
