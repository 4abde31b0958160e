"""Tickets about a few of the bookings: most are closed, those of the last days may still wait."""

from datetime import datetime

from dashboard.bookings.tables import Booking
from dashboard.payments.tables import Payment
from dashboard.seeding.past.shop import Shop, fresh
from dashboard.seeding.questions import QUESTIONS, Question
from dashboard.support.tables import Ticket, TicketNote

# Of a thousand holds so many are asked about; on the bad day far more.
_ASKED, _ASKED_ON_THE_BAD_DAY = 0.015, 0.2
_WAITS_FOR_OTHERS = 0.2


def ask(shop: Shop, booking: Booking, payment: Payment, due: datetime) -> list[Ticket | TicketNote]:
    """The ticket about a booking, if there is one, with its story."""
    bad = due in shop.outage
    if shop.chance.random() > (_ASKED_ON_THE_BAD_DAY if bad else _ASKED):
        return []
    at = (due if bad else booking.created_at) + shop.hours(1, 60)
    if at > shop.anchor:
        return []
    question = shop.chance.choice(QUESTIONS)
    by = shop.staff["support"].name
    ticket = fresh(
        Ticket,
        id=shop.next_id(Ticket),
        topic=question.topic,
        opened_topic=question.topic,
        status_since=at,
        subject=question.subject,
        student=booking.student,
        booking=booking.id,
        payment=payment.id,
        opened_by=by,
        opened_at=at,
    )
    ticket.status = "open"
    notes = [_note(shop, ticket, "opened", question.body, at)]
    return [ticket, *notes, *_answered(shop, ticket, question, at)]


def _answered(shop: Shop, ticket: Ticket, question: Question, at: datetime) -> list[TicketNote]:
    notes = []
    if shop.chance.random() < _WAITS_FOR_OTHERS:
        at += shop.hours(0.5, 9)
        notes += _turned(shop, ticket, "waiting", "Asked the bank.", at)
    notes += _turned(shop, ticket, "closed", question.answer, at + shop.hours(0.3, 50))
    return notes


def _turned(shop: Shop, ticket: Ticket, status: str, said: str, at: datetime) -> list[TicketNote]:
    if at > shop.anchor:
        return []
    ticket.status, ticket.status_since = status, at
    ticket.closed_at = at if status == "closed" else None
    ticket.version += 1
    return [_note(shop, ticket, status, said, at)]


def _note(shop: Shop, ticket: Ticket, kind: str, body: str, at: datetime) -> TicketNote:
    return fresh(
        TicketNote,
        id=shop.next_id(TicketNote),
        ticket=ticket.id,
        kind=kind,
        author=shop.staff["support"].name,
        body=body,
        written_at=at,
    )
