"""The booking endpoints: placing is open to everybody, the rest to staff and their programs."""

from typing import Any

from litestar import Request, Response, Router, get, post
from litestar.handlers import BaseRouteHandler
from litestar.params import FromPath

from dashboard.bookings import actions, paying, placing, waiving
from dashboard.bookings.waiving import Waiver
from dashboard.web import answers
from dashboard.web.inputs import (
    BookingForm,
    CancelForm,
    CaptureForm,
    EmptyForm,
    NoShowForm,
    PayForm,
    WaiveForm,
    key_of,
    read,
)
from dashboard.web.limits import BOOKINGS, limit
from dashboard.web.security import guard, is_finance

AnyRequest = Request[Any, Any, Any]
_support = guard(role="support", scope="bookings")


@post("/bookings", guards=[limit(BOOKINGS)])
async def place(request: AnyRequest) -> Response[Any]:
    """Book a lesson or a package: 201, 402 declined, 202 not known yet, 409, 422."""
    order = read(BookingForm, await request.body()).order()
    if order.redeems:
        # The lessons of a package are worth money: a stranger who knows its number gets none.
        await _support(request, _handler(request))
    booking_id = await placing.place(order, key_of(request.headers.get("Idempotency-Key")))
    return await answers.of_attempt(booking_id, made=201)


@get("/bookings/{booking_id:int}", guards=[guard(role="viewer", scope="bookings")])
async def show(booking_id: FromPath[int]) -> Response[Any]:
    """The booking and its payment as they stand."""
    return await answers.of_booking(booking_id)


@post(
    "/bookings/{booking_id:int}/pay",
    guards=[_support],
    status_code=200,
)
async def pay(request: AnyRequest, booking_id: FromPath[int]) -> Response[Any]:
    """Pay again after a decline, on another card if one is given."""
    form = read(PayForm, await request.body(), optional=True)
    key = key_of(request.headers.get("Idempotency-Key"))
    await paying.pay(booking_id, request.state.actor, form.payment_method, key)
    return await answers.of_attempt(booking_id, made=200)


@post(
    "/bookings/{booking_id:int}/complete",
    guards=[_support],
    status_code=200,
)
async def complete(request: AnyRequest, booking_id: FromPath[int]) -> Response[Any]:
    """The lesson took place: its price is captured."""
    read(EmptyForm, await request.body(), optional=True)
    await actions.complete(booking_id, request.state.actor)
    return await answers.of_booking(booking_id)


@post(
    "/bookings/{booking_id:int}/cancel",
    guards=[_support],
    status_code=200,
)
async def cancel(request: AnyRequest, booking_id: FromPath[int]) -> Response[Any]:
    """Call the lesson off, by the cancellation policy."""
    form = read(CancelForm, await request.body())
    await actions.cancel(booking_id, form.by, form.reason, request.state.actor)
    return await answers.of_booking(booking_id)


@post(
    "/bookings/{booking_id:int}/no-show",
    guards=[_support],
    status_code=200,
)
async def no_show(request: AnyRequest, booking_id: FromPath[int]) -> Response[Any]:
    """Somebody did not come."""
    form = read(NoShowForm, await request.body())
    await actions.no_show(booking_id, form.who, request.state.actor)
    return await answers.of_booking(booking_id)


@post(
    "/bookings/{booking_id:int}/capture-payment",
    guards=[guard(role="support", scope="payments")],
    status_code=200,
)
async def capture_payment(request: AnyRequest, booking_id: FromPath[int]) -> Response[Any]:
    """Capture the hold, in part if an amount (minor units) is given; a repeat answers the same."""
    form = read(CaptureForm, await request.body(), optional=True)
    key = key_of(request.headers.get("Idempotency-Key"))
    amount = await paying.capture(booking_id, request.state.actor, form.amount, key)
    return Response({"status": "captured", "amount": amount})


@post(
    "/bookings/{booking_id:int}/waive",
    guards=[guard(role="support", scope="payments")],
    status_code=200,
)
async def waive(request: AnyRequest, booking_id: FromPath[int]) -> Response[Any]:
    """Let a late fee or a no-show's fee go, in whole or in part, with a reason."""
    form = read(WaiveForm, await request.body())
    key = key_of(request.headers.get("Idempotency-Key"))
    waiver = Waiver(
        request.state.actor,
        form.reason.strip(),
        form.amount,
        key=key,
        unlimited=is_finance(request.state.staff),
    )
    await waiving.waive(booking_id, waiver)
    return await answers.of_booking(booking_id)


router = Router(
    "/",
    route_handlers=[place, show, pay, complete, cancel, no_show, capture_payment, waive],
)


def _handler(request: AnyRequest) -> BaseRouteHandler:
    return request.route_handler
