"""The controls under `/_sandbox`: the clock, faults, webhooks, the log. JSON, on loopback only."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Literal, Protocol

import msgspec

from dashboard import clock
from dashboard.sandbox import (
    confirming,
    deliveries,
    disputes,
    due,
    faults,
    history,
    refunds,
    setups,
)
from dashboard.sandbox.answers import Json, Response, StripeError, answer, public
from dashboard.sandbox.idempotency import Keys
from dashboard.sandbox.store import Store
from dashboard.sandbox.turn import Turn


class Controlled(Protocol):
    """What the controls need of the sandbox."""

    store: Store
    keys: Keys

    def turn(self) -> Turn: ...


class _Clock(msgspec.Struct, forbid_unknown_fields=True):
    to: float | None = None
    advance: float | None = None


class _Webhooks(msgspec.Struct, forbid_unknown_fields=True):
    mode: Literal["send", "hold", "drop"] | None = None
    url: str | None = None
    secret: str | None = None


class _Authentication(msgspec.Struct, forbid_unknown_fields=True):
    result: Literal["success", "failure", "processing"]


class _Dispute(msgspec.Struct, forbid_unknown_fields=True):
    amount: int | None = None
    reason: str = "fraudulent"
    inquiry: bool = False


class _DisputeStep(msgspec.Struct, forbid_unknown_fields=True):
    status: Literal[
        "needs_response", "under_review", "won", "lost", "warning_under_review", "warning_closed"
    ]


class _RefundStep(msgspec.Struct, forbid_unknown_fields=True):
    status: Literal["succeeded", "failed", "canceled", "requires_action"]


class _NextOffSession(msgspec.Struct, forbid_unknown_fields=True):
    decline_code: str
    times: int = 1


class _NextAuthorization(msgspec.Struct, forbid_unknown_fields=True):
    capture_before: float | None


def handle(sandbox: Controlled, method: str, path: str, query: str, body: bytes) -> Response:
    """Answer one control; a mistake in the request is a 400 with its reason."""
    parts = path.removeprefix("/_sandbox/").split("/")
    name = "/".join([parts[0], "*", *parts[2:]]) if len(parts) > 1 else parts[0]
    control = _CONTROLS.get((method, name))
    if control is None:
        return answer(404, {"error": f"There is no control {method} {path}."})
    try:
        given = query.encode() if method == "GET" else body
        return answer(200, control(sandbox, parts[1] if len(parts) > 1 else "", given))
    except (msgspec.ValidationError, msgspec.DecodeError, ValueError) as error:
        return answer(400, {"error": str(error)})
    except RuntimeError as error:
        return answer(409, {"error": str(error)})
    except StripeError as error:
        return answer(error.status, error.envelope())


def _now(sandbox: Controlled, _: str, __: bytes) -> Json:
    return {"now": clock.now().timestamp()}


def _move(sandbox: Controlled, _: str, body: bytes) -> Json:
    given = msgspec.json.decode(body, type=_Clock)
    if (given.to is None) == (given.advance is None):
        raise ValueError("Give either `to` or `advance`.")
    target = given.to
    if target is None:
        target = clock.now().timestamp() + (given.advance or 0.0)
    clock.move_to(datetime.fromtimestamp(target, UTC))
    applied = due.apply(sandbox.turn())
    return {"now": clock.now().timestamp(), "applied": applied}


def _order_fault(sandbox: Controlled, _: str, body: bytes) -> Json:
    faults.order(sandbox.store, msgspec.json.decode(body, type=faults.Fault))
    return _faults(sandbox, _, body)


def _faults(sandbox: Controlled, _: str, __: bytes) -> Json:
    return {"faults": faults.remaining(sandbox.store)}


def _clear_faults(sandbox: Controlled, name: str, body: bytes) -> Json:
    faults.clear(sandbox.store, name)
    return _faults(sandbox, name, body)


def _set_webhooks(sandbox: Controlled, _: str, body: bytes) -> Json:
    given = msgspec.json.decode(body, type=_Webhooks)
    for name in ("mode", "url", "secret"):
        value = getattr(given, name)
        if value is not None:
            sandbox.store.remember(f"webhook_{name}", value)
    return _webhooks(sandbox, _, body)


def _webhooks(sandbox: Controlled, _: str, __: bytes) -> Json:
    note = sandbox.store.note
    return {"mode": note("webhook_mode", "send"), "url": note("webhook_url")}


def _deliveries(sandbox: Controlled, _: str, query: bytes) -> Json:
    return deliveries.listed(sandbox.store, query)


def _treat(sandbox: Controlled, name: str, body: bytes) -> Json:
    return deliveries.treat(sandbox.store, name, body)


def _requests(sandbox: Controlled, _: str, __: bytes) -> Json:
    rows = [dict(row) for row in sandbox.store.run("SELECT * FROM requests ORDER BY id")]
    for row in rows:
        row |= {"executed": bool(row["executed"]), "replayed": bool(row["replayed"])}
    return {"requests": rows}


def _clear_requests(sandbox: Controlled, _: str, body: bytes) -> Json:
    sandbox.store.run("DELETE FROM requests")
    return _requests(sandbox, _, body)


def _reset(sandbox: Controlled, _: str, __: bytes) -> Json:
    target = {name: sandbox.store.note(name) for name in ("webhook_url", "webhook_secret")}
    sandbox.store.wipe()
    sandbox.keys.forget_hanging()
    for name, value in target.items():
        if value is not None:
            sandbox.store.remember(name, value)
    return {"reset": True}


def _authenticate(sandbox: Controlled, name: str, body: bytes) -> Json:
    given = msgspec.json.decode(body, type=_Authentication)
    turn = sandbox.turn()
    due.apply(turn)
    if given.result == "processing":
        return public(confirming.process(turn, name))
    act = setups.authenticate if name.startswith("seti_") else confirming.authenticate
    return public(act(turn, name, given.result == "success"))


def _dispute(sandbox: Controlled, name: str, body: bytes) -> Json:
    given = msgspec.json.decode(body or b"{}", type=_Dispute)
    turn = sandbox.turn()
    due.apply(turn)
    charge = turn.get("charge", name, status=404)
    opened = disputes.open_dispute(turn, charge, given.amount, given.reason, given.inquiry)
    return public(opened)


def _settle_dispute(sandbox: Controlled, name: str, body: bytes) -> Json:
    given = msgspec.json.decode(body, type=_DisputeStep)
    turn = sandbox.turn()
    due.apply(turn)
    return public(disputes.settle(turn, turn.get("dispute", name, status=404), given.status))


def _settle_refund(sandbox: Controlled, name: str, body: bytes) -> Json:
    given = msgspec.json.decode(body, type=_RefundStep)
    turn = sandbox.turn()
    due.apply(turn)
    return public(refunds.decide(turn, name, given.status))


def _next_off_session(sandbox: Controlled, _: str, body: bytes) -> Json:
    given = msgspec.json.decode(body, type=_NextOffSession)
    sandbox.store.remember("next_off_session", msgspec.to_builtins(given))
    return _off_session(sandbox, _, body)


def _off_session(sandbox: Controlled, _: str, __: bytes) -> Json:
    ordered: Json = sandbox.store.note("next_off_session", {"decline_code": "", "times": 0})
    return ordered


def _next_authorization(sandbox: Controlled, _: str, body: bytes) -> Json:
    given = msgspec.json.decode(body, type=_NextAuthorization)
    ordered = {"capture_before": given.capture_before}
    sandbox.store.remember("next_authorization", ordered)
    return ordered


def _tell(sandbox: Controlled, _: str, body: bytes) -> Json:
    return history.tell(sandbox.store, msgspec.json.decode(body, type=history.History))


_CONTROLS: dict[tuple[str, str], Callable[[Controlled, str, bytes], Json]] = {
    ("GET", "clock"): _now,
    ("POST", "clock"): _move,
    ("GET", "faults"): _faults,
    ("POST", "faults"): _order_fault,
    ("DELETE", "faults"): _clear_faults,
    ("DELETE", "faults/*"): _clear_faults,
    ("GET", "webhooks"): _webhooks,
    ("POST", "webhooks"): _set_webhooks,
    ("GET", "deliveries"): _deliveries,
    ("POST", "deliveries"): _treat,
    ("POST", "deliveries/*"): _treat,
    ("GET", "requests"): _requests,
    ("DELETE", "requests"): _clear_requests,
    ("POST", "history"): _tell,
    ("POST", "reset"): _reset,
    ("POST", "intents/*/authenticate"): _authenticate,
    ("POST", "setup_intents/*/authenticate"): _authenticate,
    ("POST", "charges/*/dispute"): _dispute,
    ("POST", "disputes/*"): _settle_dispute,
    ("POST", "refunds/*"): _settle_refund,
    ("POST", "next_authorization"): _next_authorization,
    ("GET", "next_off_session"): _off_session,
    ("POST", "next_off_session"): _next_off_session,
}
