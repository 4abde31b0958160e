"""When a lesson is, as the desk reads it and as the student does."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from dashboard import clock, formats
from dashboard.bookings.tables import Student
from tests.web.desk import sign_in, text
from tests.world import World


@pytest.mark.parametrize(
    ("zone", "beside"),
    [("America/New_York", True), ("UTC", False), ("Africa/Abidjan", False), ("Mars/Base", False)],
)
async def test_the_students_time_stands_beside_the_desks_where_it_differs(
    world: World, zone: str, beside: bool
):
    starts_in = timedelta(days=2)
    booked = await world.book(starts_in)
    await Student.update({"time_zone": zone}, force=True)
    payment = int((await world.payment(booked["id"])).id)
    ana = await sign_in(world)
    starts = datetime.fromisoformat(booked["starts_at"])
    assert starts - clock.now() < starts_in + timedelta(minutes=1)
    for address in (f"/holds/{payment}", f"/triage?hold={payment}"):
        page = text(await ana.page(address))
        assert formats.moment(starts, ZoneInfo("UTC")) in page
        assert (" for Maya" in page.replace("held for Maya", "")) == beside, address
    if beside:
        local = formats.moment(starts, ZoneInfo(zone))
        assert f"{local} for Maya" in page
