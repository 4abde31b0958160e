"""How a booking and its payment are told to a program."""

from typing import Any, Literal

from litestar import Response

from dashboard import formats, sentences, settings
from dashboard.bookings import pay_links, queries, till
from dashboard.bookings.queries import BookingView
from dashboard.bookings.till import Question, Stage
from dashboard.payments.facts import CREATES, CardState, Status, Verb
from dashboard.payments.queries import Books, payment_facts
from dashboard.payments.tables import Payment, Purchase
from dashboard.stripe_gateway import NotThere, Unreachable, gateway
from dashboard.web.problems import problem

RETRY_AFTER = {"Retry-After": "5"}
Attempt = Literal["made", "declined", "unknown"]


async def of_attempt(booking_id: int, made: int) -> Response[Any]:
    """What became of an attempt to pay: `made` (201 or 200), 402 declined, or 202 not known yet."""
    view, books = await queries.view(booking_id)
    payment = await _payment(view, books)
    body: dict[str, Any] = {"booking": view, "payment": payment}
    how, refused = attempt(books), _refused(books)
    if how == "declined" and refused is not None:
        return problem(402, "The card was declined.", _refusal(refused), body)
    if how == "unknown":
        return Response(body, status_code=202, headers=RETRY_AFTER)
    return Response(body, status_code=made)


async def of_booking(booking_id: int) -> Response[Any]:
    """The booking as it stands."""
    view, books = await queries.view(booking_id)
    return Response({"booking": view, "payment": await _payment(view, books)})


def attempt(books: Books) -> Attempt:
    """How the newest attempt to pay stands."""
    operation = books.operation
    if operation is not None and Verb(operation.asked_verb) in CREATES:
        return "unknown"
    if books.purchase.card_state == CardState.WANTED and books.purchase.owed != 0:
        return "unknown"
    return "declined" if _refused(books) else "made"


def _refused(books: Books) -> Payment | None:
    """The payment that the bank refused last: the current one, or one that was to renew it."""
    current, newest = books.current, books.payments[-1] if books.payments else None
    if current is None or newest is None:
        return None
    last = newest if newest.renews == current.id else current
    return last if last.payment_status == Status.FAILED else None


def _refusal(payment: Payment) -> str:
    said = payment.refusal_message.rstrip(".") or payment.end_reason or "declined"
    return f"Card not charged: {said}. Nothing was taken."


async def _payment(view: BookingView, books: Books) -> dict[str, Any]:
    payment, purchase = books.current, books.purchase
    if payment is None:
        return {"status": Status.PENDING, "message": "The card is not asked yet."}
    told: dict[str, Any] = {
        "id": payment.id,
        "status": payment.payment_status,
        "message": message(payment, purchase, books),
        "amount": purchase.price,
        "currency": purchase.currency,
    }
    if purchase.hold_due_at is not None and payment_facts(payment).planned:
        told["hold_due_at"] = purchase.hold_due_at
    asked = till.question(books)
    if asked:
        told["confirm"] = asked.about
        told["client_secret"] = await client_secret(asked)
    if till.stage(books) in (Stage.CARD, Stage.CONFIRM):
        told["pay_url"] = pay_links.address(view.id)
    return told


async def client_secret(asked: Question) -> str | None:
    """What the browser needs for the bank's confirmation: asked for each time, and never kept."""
    try:
        if asked.about == "card":
            return (await gateway().fetch_setup(asked.stripe_id)).client_secret
        return (await gateway().fetch(asked.stripe_id)).client_secret
    except (Unreachable, NotThere):
        return None


def message(payment: Payment, purchase: Purchase, books: Books) -> str:
    """One sentence about a payment, for the student."""
    if attempt(books) == "unknown" and books.operation is not None:
        return sentences.unknown(books.operation)
    status = Status(payment.payment_status)
    if status is Status.FAILED:
        return _refusal(payment)
    if status is Status.PENDING:
        return _pending(purchase, books)
    said = formats.money(
        payment.captured_amount or payment.authorized_amount or purchase.price, purchase.currency
    )
    expired = payment.end_reason == "expired"
    return {
        Status.AUTHORIZED: f"{said} reserved • Charged after lesson",
        Status.CAPTURED: f"{said} paid",
        Status.REFUNDED: f"{said} refunded",
        Status.RELEASED: "Reservation ended before we charged it"
        if expired
        else f"{said} released • Never charged",
    }[status]


def _pending(purchase: Purchase, books: Books) -> str:
    """Nothing is held yet: what it waits for."""
    asked = till.question(books)
    if asked:
        return f"Confirm the {asked.about} with your bank."
    if purchase.hold_due_at is None or purchase.card_state != CardState.SAVED:
        return "Payment pending."
    amount = formats.money(purchase.price, purchase.currency)
    at = formats.moment(purchase.hold_due_at, settings.current().zone)
    return f"Card saved • {amount} is reserved {at} and charged after the lesson"
