"""What the sandbox answers: responses, and Stripe's errors in Stripe's envelope."""

from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

Json = dict[str, Any]
API_VERSION = "2026-10-28.endive"


@dataclass(frozen=True, slots=True)
class Response:
    """One answer. `broken` tells the door not to give it: to drop the connection, or to hang."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    broken: Literal["drop", "hang"] | None = None
    seconds: float = 0.0

    def json(self) -> Json:
        """The decoded body."""
        decoded: Json = msgspec.json.decode(self.body)
        return decoded


def answer(status: int, payload: object) -> Response:
    """A JSON answer."""
    return Response(status, msgspec.json.encode(payload), {"Content-Type": "application/json"})


class StripeError(Exception):
    """A refusal in Stripe's words.

    `executed` says whether Stripe had begun to carry the request out: only then is the answer kept
    under the idempotency key. A card error (402) also keeps the changes that were made.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
        executed: bool = True,
        **details: Any,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.kind = kind
        self.code = code
        self.param = param
        self.executed = executed
        self.details = details

    def envelope(self) -> Json:
        """The body: absent details are left out, as Stripe does."""
        error: Json = {"type": self.kind, "message": self.message}
        if self.code:
            error["code"] = self.code
            error["doc_url"] = f"https://docs.stripe.com/error-codes#{self.code.replace('_', '-')}"
        if self.param:
            error["param"] = self.param
        error.update({name: value for name, value in self.details.items() if value is not None})
        return {"error": error}


def invalid(message: str, param: str | None = None, code: str | None = None) -> StripeError:
    """A request that fails validation: nothing ran, so no idempotent result is kept."""
    return StripeError(message, param=param, code=code, executed=False)


def missing(kind: str, name: str, param: str = "id", status: int = 400) -> StripeError:
    """No such object. In the path it is a 404; as a parameter it is a 400."""
    words = kind.replace("_", " ") if kind != "payment_method" else "PaymentMethod"
    return StripeError(
        f"No such {words}: '{name}'", status=status, code="resource_missing", param=param
    )


def unexpected_state(message: str, intent: Json) -> StripeError:
    """The PaymentIntent is not in a state that allows this; the error carries the intent."""
    return StripeError(message, code="payment_intent_unexpected_state", payment_intent=intent)


def public(thing: Json) -> Json:
    """The object as Stripe shows it: what the sandbox remembers for itself starts with `_`."""
    return {name: value for name, value in thing.items() if name[0] != "_"}
