"""Where programs open tickets, and how a ticket is told to them."""

import hashlib
from datetime import UTC, datetime
from typing import Any

import msgspec
from litestar import Request, Response, post

from dashboard.bookings.errors import BadOrder
from dashboard.support import links, queries
from dashboard.support.actions import Opening, open_ticket
from dashboard.support.links import Link
from dashboard.support.pausing import Pause
from dashboard.web.inputs import TicketForm, key_of, read
from dashboard.web.limits import TICKETS, limit
from dashboard.web.security import guard

ROUTE = "POST /tickets"


class TicketView(msgspec.Struct):
    """A ticket, and the rows that it is about."""

    id: int
    status: str
    topic: str
    subject: str
    student_id: int | None
    booking_id: int | None
    payment_id: int | None
    opened_by: str
    opened_at: datetime


@post("/tickets", guards=[limit(TICKETS), guard("support", "tickets")], status_code=201)
async def create(request: Request[Any, Any, Any]) -> Response[Any]:
    """Open a ticket, once for an Idempotency-Key: 201, 409, 422."""
    form = read(TicketForm, await request.body())
    key, by = key_of(request.headers.get("Idempotency-Key")), request.state.actor
    opening = Opening(
        form.topic,
        form.subject,
        form.body,
        await _about(form),
        by,
        key and hashed(ROUTE, by.cause, by.name, key),
        hashed(msgspec.json.encode(form).decode()),
        _pause(form),
    )
    return Response({"ticket": await view(await open_ticket(opening))})


async def view(ticket_id: int) -> TicketView:
    """The ticket as it stands."""
    row = await queries.ticket(ticket_id)
    return TicketView(
        id=row.id,
        status=row.status,
        topic=row.topic,
        subject=row.subject,
        student_id=row.student,
        booking_id=row.booking,
        payment_id=row.payment,
        opened_by=row.opened_by,
        opened_at=row.opened_at,
    )


def hashed(*parts: str) -> str:
    """The parts as one key: those of two callers can't meet."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _pause(form: TicketForm) -> Pause | None:
    asked = form.pause
    return Pause(asked.until.astimezone(UTC), asked.reason, asked.policy) if asked else None


async def _about(form: TicketForm) -> Link:
    given = [one for one in (form.payment_id, form.booking_id, form.student_email) if one]
    if len(given) != 1:
        raise BadOrder(("body", "Give one of payment_id, booking_id and student_email."))
    if form.payment_id is not None:
        return await links.of_payment(form.payment_id)
    if form.booking_id is not None:
        return await links.of_booking(form.booking_id)
    return await links.of_email(form.student_email or "")
