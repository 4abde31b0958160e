"""Input of every bad kind is refused at its field, and nothing is stored."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dashboard import clock
from dashboard.bookings import catalog
from dashboard.bookings.errors import BadOrder
from dashboard.bookings.tables import IdempotencyKey, Instructor, Package, PackageOffer, Student
from dashboard.payments.tables import Operation, Purchase
from tests.world import World

HUGE = 10**40


def put(body: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """The body with another value, or without the field when it is `...`."""
    changed = json.loads(json.dumps(body))
    *parents, last = path.split(".")
    place = changed
    for parent in parents:
        place = place[parent]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return changed


async def stored() -> list[int]:
    tables = (Student, Purchase, Operation, IdempotencyKey, Package)
    return [await table.count() for table in tables]


async def refuse(world: World, body: bytes, field: str, status: int = 422) -> None:
    headers = {"Content-Type": "application/json", "Idempotency-Key": "one"}
    answer = await world.client.post("/bookings", content=body, headers=headers)
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    told = answer.json()
    assert told["status"] == status
    assert field in [error["field"] for error in told["errors"]], told
    assert all(error["message"] for error in told["errors"])
    assert await stored() == [0] * 5
    assert await world.bookings() == 0
    assert world.sandbox.requests() == []


@pytest.mark.parametrize(
    "path",
    [
        "student",
        "student.name",
        "student.email",
        "instructor_id",
        "starts_at",
        "minutes",
        "payment_method",
    ],
)
async def test_a_missing_field_is_named(world: World, path: str):
    await refuse(world, json.dumps(put(world.order(), path, ...)).encode(), path)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("student", None),
        ("student", "Maya"),
        ("student.name", ""),
        ("student.name", "   "),
        ("student.name", "x" * 201),
        ("student.name", "a\0b"),
        ("student.name", "a\nb"),
        ("student.name", 7),
        ("student.email", ""),
        ("student.email", "maya"),
        ("student.email", "maya@"),
        ("student.email", "@example.test"),
        ("student.email", "maya@example"),
        ("student.email", "maya chen@example.test"),
        ("student.email", "maya@example.test\nBcc: eve@example.test"),
        ("student.email", "x" * 250 + "@example.test"),
        ("student.time_zone", "Mars/Olympus"),
        ("student.time_zone", "../../etc/passwd"),
        ("student.time_zone", ""),
        ("student.phone", "1"),
        ("instructor_id", 0),
        ("instructor_id", -1),
        ("instructor_id", 999),
        ("instructor_id", HUGE),
        ("instructor_id", "1"),
        ("instructor_id", 1.5),
        ("instructor_id", None),
        ("minutes", 14),
        ("minutes", 481),
        ("minutes", 60.5),
        ("minutes", "60"),
        ("minutes", True),
        ("minutes", HUGE),
        ("starts_at", "2030-01-01T10:00:00"),
        ("starts_at", "2030-01-01"),
        ("starts_at", "tomorrow"),
        ("starts_at", 1_900_000_000),
        ("starts_at", "2030-02-30T10:00:00Z"),
        ("starts_at", "2001-01-01T10:00:00Z"),
        ("starts_at", "9999-12-31T23:59:59-12:00"),
        ("starts_at", "0001-01-01T00:00:00+12:00"),
        ("payment_method", ""),
        ("payment_method", "4242 4242 4242 4242"),
        ("payment_method", "pm_ü"),
        ("payment_method", "x" * 300),
        ("payment_method", None),
        ("is_package", "yes"),
        ("is_package", 1),
        ("is_package", True),
        ("package_id", HUGE),
        ("price", 1),
        ("amount", 1),
    ],
)
async def test_a_wrong_value_is_refused_at_its_field(world: World, path: str, value: Any):
    field = "package_id" if path == "is_package" and value is True else path
    await refuse(world, json.dumps(put(world.order(), path, value)).encode(), field)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"x"',
        b"\xff\xfe",
        b'{"student": {"name": "\xff"}}',
        b'{"student": {"name": "\\ud800"}}',
        b'{"instructor_id": 1e400}',
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b"student=Maya",
    ],
    ids=range(12),
)
async def test_a_body_that_is_no_object_of_ours_is_refused(world: World, body: bytes):
    field = {
        b'{"student": {"name": "\\ud800"}}': "body",
        b'{"instructor_id": 1e400}': "instructor_id",
        b'{"a":' * 50_000: "a",
    }.get(body, "body")
    await refuse(world, body, field)


async def test_several_faults_are_told_together(world: World):
    student = {"name": " ", "email": "maya", "time_zone": "Mars"}
    answer = await world.client.post("/bookings", json=world.order(student=student))
    fields = [error["field"] for error in answer.json()["errors"]]
    assert fields == ["student.name", "student.email", "student.time_zone"]


async def test_an_endless_body_is_not_read_to_its_end(world: World):
    answer = await world.client.post("/bookings", content=b" " * 257 * 1024)
    assert answer.status_code == 413
    assert answer.headers["Content-Type"].startswith("application/problem+json")


@pytest.mark.parametrize("key", ["", "x" * 256, "kä"])
async def test_a_key_that_can_not_be_one_is_refused(world: World, key: str):
    headers = [(b"Idempotency-Key", key.encode())]
    answer = await world.client.post("/bookings", json=world.order(), headers=headers)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "Idempotency-Key"
    assert await stored() == [0] * 5


async def test_a_lesson_must_lie_ahead_and_within_two_years(world: World):
    for starts_at in (clock.now(), clock.now() + timedelta(days=731)):
        body = world.order(starts_at=starts_at.isoformat())
        await refuse(world, json.dumps(body).encode(), "starts_at")


async def test_who_does_not_teach_any_more_and_what_is_not_sold_can_not_be_booked(world: World):
    await Instructor.update({"active": False}).where(Instructor.id == world.catalog.usd)
    await PackageOffer.update({"active": False}).where(PackageOffer.id == world.catalog.package)
    await refuse(world, json.dumps(world.order()).encode(), "instructor_id")
    package = {"is_package": True, "package_id": world.catalog.package}
    body = world.order(instructor_id=world.catalog.jpy, **package)
    await refuse(world, json.dumps(body).encode(), "package_id")


async def test_a_price_above_what_stripe_takes_is_refused(world: World):
    rate = {"rate": 99_999_999}
    await Instructor.update(rate).where(Instructor.id == world.catalog.usd)
    await refuse(world, json.dumps(world.order(minutes=61)).encode(), "minutes")


@pytest.mark.parametrize(
    ("action", "body", "field"),
    [
        ("cancel", {}, "by"),
        ("cancel", {"by": "nobody"}, "by"),
        ("cancel", {"by": "student", "reason": "x" * 501}, "reason"),
        ("cancel", {"by": "student", "reason": "a\0b"}, "reason"),
        ("cancel", {"by": "student", "refund": True}, "refund"),
        ("no-show", {"who": "staff"}, "who"),
        ("no-show", None, "body"),
        ("pay", {"payment_method": "4242 4242"}, "payment_method"),
        ("complete", {"amount": 1}, "amount"),
    ],
)
async def test_a_bad_decision_decides_nothing(world: World, action: str, body: Any, field: str):
    booked = await world.book()
    answer = await world.call(booked["id"], action, body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["field"] == field
    assert await world.look(booked["id"]) == booked


async def test_names_and_times_are_kept_as_they_were_meant(world: World):
    starts_at = (clock.now() + timedelta(days=2)).replace(microsecond=250_000)
    name = "<script>alert('é')</script> =HYPERLINK(…) 王"
    booked = await world.book(starts_at=starts_at.isoformat(), student={"name": name})
    assert booked["student"]["name"] == name
    kept = datetime.fromisoformat(booked["starts_at"]).astimezone(UTC)
    assert kept == starts_at.replace(microsecond=0)


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("name", {"name": ""}),
        ("email", {"email": "x"}),
        ("rate", {"rate": 0}),
        ("currency", {"currency": "xyz"}),
        ("rate", {"rate": 9605, "currency": "kwd"}),
        ("time_zone", {"time_zone": "Mars"}),
        ("email", {"email": "usd@example.test"}),
    ],
)
async def test_an_instructor_who_can_not_be_one_is_refused(
    world: World, field: str, change: dict[str, Any]
):
    good = {"name": "Ben", "email": "ben@example.test", "rate": 9600, "currency": "usd"}
    with pytest.raises(BadOrder) as refused:
        await catalog.add_instructor(**(good | change))
    assert refused.value.faults[0][0] == field
