"""A package as a program reads it, and where a program refunds its unused lessons."""

from typing import Any

import msgspec
from litestar import Request, Response, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from dashboard.bookings import package_refunds
from dashboard.bookings.package_refunds import Wanted
from dashboard.bookings.package_sheet import Sheet, sheet
from dashboard.bookings.queries import OUT_OF_RANGE
from dashboard.web.answers import RETRY_AFTER
from dashboard.web.inputs import ReasonForm, key_of, read
from dashboard.web.security import guard, is_finance


class LessonView(msgspec.Struct):
    """One lesson: free, booked, used, reserved for a refund that is under way, or refunded."""

    number: int
    state: str
    booking_id: int | None


class PackageView(msgspec.Struct):
    """A package. Amounts in minor units; `refundable_amount` is what the unused lessons give now,
    and `why` says how it is counted."""

    id: int
    title: str
    student: dict[str, Any]
    purchase_id: int
    payment_id: int | None
    currency: str
    price: int
    captured_amount: int
    used_lessons: int
    used_amount: int
    refunded_amount: int
    refundable_amount: int
    why: str
    lessons: list[LessonView]


def view(found: Sheet) -> PackageView:
    """The package as it stands. `refunded_amount` counts what is decided and on its way."""
    student, current, worth = found.student, found.books.current, found.worth
    return PackageView(
        id=found.package.id,
        title=found.title,
        student={"id": student.id, "name": student.name, "time_zone": student.time_zone},
        purchase_id=found.package.purchase,
        payment_id=current.id if current is not None else None,
        currency=found.currency,
        price=found.books.purchase.price,
        captured_amount=worth.captured,
        used_lessons=worth.used_lessons,
        used_amount=worth.used,
        refunded_amount=worth.back,
        refundable_amount=0 if found.obstacle else worth.unused,
        why=found.obstacle or package_refunds.why(found.package, worth, found.currency),
        lessons=[
            LessonView(one.number, one.state, one.booking.id if one.booking else None)
            for one in found.lessons
        ],
    )


@post("/packages/{package_id:int}/refund", guards=[guard("support", "payments")], status_code=200)
async def refund(request: Request[Any, Any, Any], package_id: FromPath[int]) -> Response[Any]:
    """Refund the unused lessons: 200 when it went out, 202 while it is under way."""
    form = read(ReasonForm, await request.body())
    key = key_of(request.headers.get("Idempotency-Key"))
    wanted = Wanted(
        request.state.actor, form.reason.strip(), is_finance(request.state.staff), key=key
    )
    try:
        if package_id >= OUT_OF_RANGE:
            raise LookupError(package_id)
        amount = await package_refunds.refund_unused(package_id, wanted)
    except LookupError:
        raise NotFoundException("There is no such package.") from None
    found = await sheet(package_id)
    open_still = found.undone > 0 or found.books.operation is not None
    body = {"package": view(found), "amount": amount}
    if open_still:
        return Response(body, status_code=202, headers=RETRY_AFTER)
    return Response(body)
