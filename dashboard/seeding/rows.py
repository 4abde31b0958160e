"""The seed's rows: who is there before the first booking, and which booking an order became."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

from dashboard.bookings import catalog
from dashboard.bookings.tables import Booking, Instructor, PackageOffer, Student
from dashboard.payments.actors import Actor
from dashboard.seeding.people import LEARNERS, OFFERS, SIGN_INS, TEACHERS, Teacher
from dashboard.seeding.plan import Order
from dashboard.staff import auth
from dashboard.staff.tables import Staff


async def is_empty() -> bool:
    """Whether nobody has booked anything yet."""
    return not await Booking.exists()


async def add_people(since: datetime, teachers: Sequence[Teacher] = TEACHERS) -> None:
    """The sign-ins, the instructors and the packages, as far as they aren't there."""
    there = set(await Staff.select(Staff.username).output(as_list=True))
    await asyncio.gather(
        *(
            auth.add_staff(one.email, one.role, one.password, one.name)
            for one in SIGN_INS
            if one.email not in there
        )
    )
    known = await catalog_ids()
    for teacher in teachers:
        if teacher.email not in known:
            await catalog.add_instructor(
                teacher.name,
                teacher.email,
                teacher.rate,
                teacher.currency,
                subject=teacher.subject,
                time_zone=teacher.time_zone,
            )
    for index, offer in enumerate(OFFERS):
        if index not in known:
            await catalog.add_package(offer.name, offer.lessons, offer.price, offer.currency)
    # Only for the looks of the lists: these were here before the first booking.
    await Instructor.update({Instructor.created_at: since}, force=True)


async def catalog_ids() -> dict[str | int, int]:
    """The ids of the instructors by e-mail, and of the packages by their place in the seed."""
    found: dict[str | int, int] = {}
    for row in await Instructor.select(Instructor.id, Instructor.email):
        found[row["email"]] = row["id"]
    names = [offer.name for offer in OFFERS]
    for row in await PackageOffer.select(PackageOffer.id, PackageOffer.name):
        if row["name"] in names:
            found[names.index(row["name"])] = row["id"]
    return found


async def actors() -> dict[str, Actor]:
    """The sign-ins as those who act, by role."""
    rows = await Staff.select(Staff.id, Staff.username, Staff.role, Staff.name)
    ours = {one.email for one in SIGN_INS}
    return {
        row["role"]: Actor(row["name"], "staff", row["id"])
        for row in rows
        if row["username"] in ours
    }


async def booking_of(order: Order) -> Booking:
    """What an order became; LookupError when it was not placed."""
    student = await Student.objects().get(Student.email == LEARNERS[order.learner].email)
    if student is None:
        raise LookupError(f"order {order.number}")
    teacher = await Instructor.objects().get(Instructor.email == TEACHERS[order.teacher].email)
    assert teacher is not None
    row = await Booking.objects().get(
        (Booking.student == student.id)
        & (Booking.instructor == teacher.id)
        & (Booking.starts_at == order.starts_at)
    )
    if row is None:
        raise LookupError(f"order {order.number}")
    return row
