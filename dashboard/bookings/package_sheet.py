"""One package whole: who bought it, what was paid, each lesson, and what a refund would give."""

from collections.abc import Sequence
from dataclasses import dataclass

from dashboard.bookings import package_refunds, packages, queries
from dashboard.bookings.errors import Conflict
from dashboard.bookings.packages import Worth
from dashboard.bookings.tables import (
    Booking,
    Instructor,
    Package,
    PackageOffer,
    Redemption,
    Student,
)
from dashboard.payments import queries as payments
from dashboard.payments.queries import Books


@dataclass(frozen=True, slots=True)
class Lesson:
    """One lesson of a package: free, booked, used, reserved (for a refund), or refunded."""

    number: int
    state: str
    booking: Booking | None = None
    instructor: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A package with all that its page shows. `undone` is decided to go back and has not gone."""

    package: Package
    title: str
    student: Student
    books: Books
    lessons: Sequence[Lesson]
    worth: Worth
    undone: int

    @property
    def currency(self) -> str:
        return str(self.books.purchase.currency)

    @property
    def free(self) -> int:
        return sum(lesson.state == "free" for lesson in self.lessons)

    @property
    def obstacle(self) -> str:
        """Why the unused lessons can't be refunded now; nothing when they can."""
        try:
            package_refunds.require_refundable(self.books, self.free, self.worth)
        except Conflict as conflict:
            return str(conflict)
        return ""

    @property
    def withdrawable(self) -> bool:
        """Whether a refund was decided that has not gone back, and nothing is under way."""
        facts = self.books.current_facts
        trouble = facts is not None and facts.refund_trouble
        return self.books.operation is None and (self.undone > 0 or trouble)


async def sheet(package_id: int) -> Sheet:
    """The package; LookupError if there is none."""
    package = await package_refunds.need(package_id)
    books = await payments.books(package.purchase)
    offer = await PackageOffer.objects().get(PackageOffer.id == package.offer)
    student = await Student.objects().get(Student.id == package.student)
    assert books is not None and offer is not None and student is not None
    taken = await packages.seats(package.id)
    facts = books.current_facts
    undone = packages.still_to_go(books, facts) if facts else 0
    reserved = await package_refunds.reserved_for(package, undone)
    return Sheet(
        package=package,
        title=offer.name,
        student=student,
        books=books,
        lessons=await _lessons(package, taken, reserved),
        worth=packages.worth(package, books, taken),
        undone=undone,
    )


async def _lessons(
    package: Package, taken: Sequence[Redemption], reserved: Sequence[int]
) -> list[Lesson]:
    ids = [row.booking for row in taken if row.booking is not None]
    bookings = await Booking.objects().where(Booking.id.is_in(ids)) if ids else []
    teachers = {row.instructor for row in bookings}
    found = await Instructor.objects().where(Instructor.id.is_in(list(teachers))) if ids else []
    names = {row.id: row.name for row in found}
    by_id = {row.id: row for row in bookings}
    by_number = {row.number: row for row in taken}
    lessons = []
    for number in range(1, package.lessons_count + 1):
        row = by_number.get(number)
        booking = by_id.get(row.booking) if row is not None else None
        name = names.get(booking.instructor, "") if booking is not None else ""
        lessons.append(Lesson(number, _state(row, booking, number in reserved), booking, name))
    return lessons


def _state(row: Redemption | None, booking: Booking | None, reserved: bool) -> str:
    if row is None:
        return "free"
    if row.kind == "refund":
        return "reserved" if reserved else "refunded"
    return "booked" if booking is not None and booking.status in queries.ALIVE else "used"
