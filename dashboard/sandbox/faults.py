"""Trouble on order: a request that is lost, hangs or fails, before or after it was carried out."""

from fnmatch import fnmatchcase
from typing import Literal

import msgspec

from dashboard.sandbox.answers import Json, Response, StripeError, answer
from dashboard.sandbox.store import Store


class Fault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One ordered fault. "before": Stripe has done nothing. "after": the change is made and its
    idempotent result kept, and only then does the answer go wrong."""

    when: Literal["before", "after"]
    kind: Literal["drop", "hang", "500", "429", "409", "402"]
    method: str = "*"
    path: str = "/v1/*"
    times: int = 1
    seconds: float = 30.0


_ERRORS = {
    "402": StripeError(
        "An error occurred while processing your card. Try again in a little bit.",
        status=402,
        kind="card_error",
        code="processing_error",
        decline_code="processing_error",
    ),
    "500": StripeError("An unknown error occurred.", status=500, kind="api_error", executed=False),
    "429": StripeError(
        "Request rate limit exceeded.", status=429, code="rate_limit", executed=False
    ),
    "409": StripeError(
        "There is currently another in-progress request using this Idempotency Key.",
        status=409,
        kind="idempotency_error",
        code="idempotency_key_in_use",
        executed=False,
    ),
}


def in_flight() -> StripeError:
    """Another request under the same key is still being carried out."""
    return _ERRORS["409"]


def order(store: Store, fault: Fault) -> None:
    store.run(
        "INSERT INTO faults (times, body) VALUES (?, ?)", fault.times, msgspec.json.encode(fault)
    )


def remaining(store: Store) -> list[Json]:
    rows = store.run("SELECT id, times, body FROM faults ORDER BY id")
    return [
        {**msgspec.json.decode(row["body"]), "id": row["id"], "times": row["times"]} for row in rows
    ]


def clear(store: Store, name: str = "") -> None:
    """Take one ordered fault back, or all of them."""
    store.run("DELETE FROM faults WHERE ? IN ('', CAST(id AS TEXT))", name)


def take(store: Store, method: str, path: str) -> Fault | None:
    """The first ordered fault that fits this request; it has one time less from now on."""
    for row in store.run("SELECT id, times, body FROM faults ORDER BY id").fetchall():
        fault = msgspec.json.decode(row["body"], type=Fault)
        if fnmatchcase(method, fault.method) and fnmatchcase(path, fault.path):
            if row["times"] > 1:
                store.run("UPDATE faults SET times = times - 1 WHERE id = ?", row["id"])
            else:
                store.run("DELETE FROM faults WHERE id = ?", row["id"])
            return fault
    return None


def spoil(fault: Fault) -> Response:
    """What the client gets instead of the answer."""
    if fault.kind == "drop":
        return Response(0, b"", broken="drop")
    if fault.kind == "hang":
        return Response(0, b"", broken="hang", seconds=fault.seconds)
    error = _ERRORS[fault.kind]
    return answer(error.status, error.envelope())
