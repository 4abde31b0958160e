"""What staff and students do to the bookings of the seed, through the same doors as ever."""

import uuid
from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog

from dashboard import clock, money
from dashboard.bookings import actions as bookings
from dashboard.bookings import package_refunds, paying
from dashboard.bookings.errors import Conflict
from dashboard.bookings.tables import Booking
from dashboard.payments import actions, instructions, queries
from dashboard.payments.actions import Wish
from dashboard.payments.actors import Actor
from dashboard.payments.errors import Busy, Declined, NotAllowed, OutcomeUnknown
from dashboard.payments.facts import Verb
from dashboard.seeding.plan import Deed
from dashboard.seeding.questions import question_of
from dashboard.support import actions as tickets
from dashboard.support import links
from dashboard.support.actions import Opening, Word
from dashboard.support.tables import Ticket
from jobs.advance import Controls

log = structlog.get_logger()
# A deed that was done before a break is refused when it comes again, and that is well.
DONE_BEFORE = (Conflict, NotAllowed, Busy, Declined, OutcomeUnknown)
_NAMES = uuid.UUID("b6f1b4c4-2b0e-4d52-9c0c-6f4b8d5e7a11")
REASONS = {
    "student": ("Fell ill", "Exam moved", "Travelling", "Double-booked"),
    "instructor": ("Ill today", "Concert rehearsal", "Train cancelled"),
}


class Deeds:
    """Does deeds. `actors` are the staff by role."""

    def __init__(self, controls: Controls, actors: dict[str, Actor]) -> None:
        self._controls = controls
        self._support, self._finance = actors["support"], actors["finance"]
        self._doing: dict[str, Callable[[Deed, Booking], Awaitable[object]]] = {
            "complete": self._complete,
            "cancel": self._cancel,
            "no_show": self._no_show,
            "pay": self._pay,
            "capture": self._capture,
            "release": self._release,
            "refund": self._refund,
            "refund_unused": self._refund_unused,
            "alert": self._alert,
            "pause": self._pause,
            "break_capture": self._break_capture,
            "ask": self._ask,
            "answer": self._answer,
        }

    async def do(self, deed: Deed, booking: Booking) -> None:
        """Do it; what is refused because it was done before is passed over."""
        try:
            await self._doing[deed.what](deed, booking)
        except DONE_BEFORE as error:
            log.info("seed.refused", deed=deed.what, number=deed.number, why=str(error))

    async def _complete(self, deed: Deed, booking: Booking) -> None:
        await bookings.complete(booking.id, self._support)

    async def _cancel(self, deed: Deed, booking: Booking) -> None:
        reasons = REASONS[deed.detail]
        reason = reasons[deed.number % len(reasons)]
        by = "student" if deed.detail == "student" else "instructor"
        await bookings.cancel(booking.id, by, reason, self._support)  # type: ignore[arg-type]

    async def _no_show(self, deed: Deed, booking: Booking) -> None:
        who = "student" if deed.detail == "student" else "instructor"
        await bookings.no_show(booking.id, who, self._support)  # type: ignore[arg-type]

    async def _pay(self, deed: Deed, booking: Booking) -> None:
        student = Actor("Student", "student")
        await paying.pay(booking.id, student, deed.detail, f"seed-pay-{deed.number}")

    async def _capture(self, deed: Deed, booking: Booking) -> None:
        books = await _books(booking)
        amount = money.share(books.purchase.price, deed.percent, books.purchase.currency)
        await self._move(deed, booking, Verb.CAPTURE, self._support, amount)

    async def _release(self, deed: Deed, booking: Booking) -> None:
        await self._move(deed, booking, Verb.RELEASE, self._support, None)

    async def _refund(self, deed: Deed, booking: Booking) -> None:
        payment = (await _books(booking)).current
        if payment is None:
            return
        part = money.share(payment.captured_amount, deed.percent, payment.currency)
        await self._move(deed, booking, Verb.REFUND, self._finance, part)

    async def _move(
        self, deed: Deed, booking: Booking, verb: Verb, by: Actor, amount: int | None
    ) -> None:
        # The same deed is the same operation: doing it again after a break moves nothing twice.
        operation = uuid.uuid5(_NAMES, f"{booking.id}:{verb}:{deed.at.isoformat()}")
        await actions.perform(
            Wish(
                verb,
                booking.purchase,
                str(operation),
                by,
                amount=amount,
                reason="requested_by_customer",
            )
        )

    async def _refund_unused(self, deed: Deed, booking: Booking) -> None:
        wanted = package_refunds.Wanted(
            self._finance, "The student moved away.", unlimited=True, key=deed.at.isoformat()
        )
        await package_refunds.refund_unused(booking.package, wanted)

    async def _alert(self, deed: Deed, booking: Booking) -> None:
        """Staff want to decide by hand when this hold nears its end."""
        why = "The student wants to be asked first."
        await instructions.choose_policy(booking.purchase, "alert", why, self._support)

    async def _pause(self, deed: Deed, booking: Booking) -> None:
        """Staff have paused the automatic capture, for longer than the hold lives."""
        why, until = "The student asked about the amount.", clock.now() + timedelta(days=10)
        await instructions.pause(booking.purchase, until, why, self._support, "alert")

    async def _ask(self, deed: Deed, booking: Booking) -> None:
        asked = question_of(deed.number)
        about = await links.of_booking(booking.id)
        key = f"seed-ask-{deed.number}"
        opening = Opening(asked.topic, asked.subject, asked.body, about, self._support, key)
        await tickets.open_ticket(opening)

    async def _answer(self, deed: Deed, booking: Booking) -> None:
        """Close the ticket, or let it wait for others."""
        row = await Ticket.objects().get(Ticket.key == f"seed-ask-{deed.number}")
        assert row is not None
        said = question_of(deed.number).answer if deed.detail == "closed" else "Asked the bank."
        word = Word(self._support, f"seed-answer-{deed.number}", said, row.version)
        await tickets.turn(row.id, deed.detail, word)

    async def _break_capture(self, deed: Deed, booking: Booking) -> None:
        """From now on the sandbox fails every capture of this hold before it is carried out."""
        payment = (await _books(booking)).current
        assert payment is not None
        fault = {
            "when": "before",
            "kind": "500",
            "method": "POST",
            "path": f"/v1/payment_intents/{payment.stripe_intent_id}/capture",
            "times": 100_000,
        }
        await self._controls.order("POST", "faults", fault)


async def _books(booking: Booking) -> queries.Books:
    books = await queries.books(booking.purchase)
    assert books is not None
    return books
