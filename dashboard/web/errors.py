"""The one place where exceptions become answers."""

from collections.abc import Callable
from typing import Any

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException

from dashboard import db, formats, sentences, settings
from dashboard.bookings.errors import BadOrder, Conflict, KeyReused, NoSuchBooking
from dashboard.payments.errors import Busy, Declined, Mismatch, NotAllowed, OutcomeUnknown
from dashboard.signatures import ForgedWebhook
from dashboard.stripe_gateway import Unreachable
from dashboard.support.errors import NoSuchTicket
from dashboard.web import outages
from dashboard.web.answers import RETRY_AFTER
from dashboard.web.problems import problem

log = structlog.get_logger()
AnyRequest = Request[Any, Any, Any]
Kind = type[BaseException] | tuple[type[BaseException], ...]
# Refused for the amount that was sent: another amount may pass.
_AMOUNTS = ("too_much", "too_little", "wrong_step", "leaves_too_little")


def _bad_order(error: BadOrder) -> Response[Any]:
    errors = [{"field": field, "message": message} for field, message in error.faults]
    detail = " ".join(f"{field}: {message}" for field, message in error.faults)
    return problem(422, "This can't be taken as it is.", detail, {"errors": errors})


def _conflict(error: Conflict) -> Response[Any]:
    more = {} if error.booking_id is None else {"booking_id": error.booking_id}
    return problem(409, "That contradicts how things stand.", str(error), more)


def _not_allowed(error: NotAllowed) -> Response[Any]:
    currency = error.values.get("currency") or settings.current().default_currency
    detail = sentences.not_allowed(error.code, error.values, currency, settings.current().zone)
    if error.code in _AMOUNTS:
        errors = [{"field": "amount", "message": detail}]
        return problem(422, "This amount can't be taken.", detail, {"errors": errors})
    forbidden = error.code in ("role", "limit", "finance_currency")
    title = "Not for this role." if forbidden else "That isn't possible now."
    return problem(403 if forbidden else 409, title, detail, {"code": error.code})


def _busy(error: Busy) -> Response[Any]:
    other = error.operation
    return problem(
        409,
        "Somebody is at it already.",
        sentences.busy(other, settings.current().zone),
        {"operation": {"by": other.asked_by, "verb": other.asked_verb, "since": other.asked_at}},
    )


def _unknown(error: OutcomeUnknown) -> Response[Any]:
    # No error yet, and perhaps never one: the same request asks again.
    detail = "Stripe hasn't answered. We don't know yet how this ended; we are checking."
    body = {"status": "unknown", "message": detail, "operation_id": error.operation_id}
    return Response(body, status_code=202, headers=RETRY_AFTER)


def _declined(error: Declined) -> Response[Any]:
    said = error.refusal
    return problem(402, "The payment was refused.", said.message, {"code": said.code})


def _unavailable(what: str, advice: str) -> Callable[[Exception], Response[Any]]:
    def answer(error: Exception) -> Response[Any]:
        log.warning("web.unavailable", what=what, error=str(error))
        since = formats.moment(outages.miss(what).first, settings.current().zone)
        detail = f"{what} can't be reached right now; it was first missed {since}. {advice}"
        return problem(503, "Try again soon.", detail, headers=RETRY_AFTER)

    return answer


def _http(error: HTTPException) -> Response[Any]:
    return problem(error.status_code, "", error.detail, headers=error.headers)


def _said(status: int, text: str) -> Callable[[Exception], Response[Any]]:
    return lambda _: problem(status, "", text)


# The first class that fits decides.
_ANSWERS: list[
    tuple[type[BaseException] | tuple[type[BaseException], ...], Callable[[Any], Any]]
] = [
    (BadOrder, _bad_order),
    (Conflict, _conflict),
    (NoSuchBooking, _said(404, "There is no such booking.")),
    (NoSuchTicket, _said(404, "There is no such ticket.")),
    (KeyReused, _said(422, "This Idempotency-Key was used for another request before.")),
    (Mismatch, _said(422, "This Idempotency-Key was used for another request before.")),
    (NotAllowed, _not_allowed),
    (Busy, _busy),
    (OutcomeUnknown, _unknown),
    (Declined, _declined),
    (ForgedWebhook, _said(400, "The signature does not match.")),
    (Unreachable, _unavailable(outages.STRIPE, "Nothing was done; try again soon.")),
    # Whether it was kept before the trouble began is not known here.
    (
        db.CONNECTION_ERRORS,
        _unavailable(
            outages.DATABASE,
            "If you had just sent something, send it again soon: it can't happen twice.",
        ),
    ),
    (HTTPException, _http),
]


def answer(request: AnyRequest, error: Exception) -> Response[Any]:
    """The answer to an exception; what nobody expected is logged whole and told without detail."""
    for kind, told in _ANSWERS:
        if isinstance(error, kind):
            response: Response[Any] = told(error)
            break
    else:
        log.exception("web.failed", route=request.scope.get("path_template", ""), exc_info=error)
        response = problem(500, "", "Something went wrong on our side. It has been written down.")
    return response
