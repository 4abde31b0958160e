"""The sandbox without its sockets: one request in, one answer out, one transaction each."""

import hashlib
import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from dashboard import clock
from dashboard.sandbox import controls, due, expansion, faults, forms, parameters, routes
from dashboard.sandbox.access import check_access
from dashboard.sandbox.answers import API_VERSION, Json, Response, StripeError, answer, invalid
from dashboard.sandbox.store import Store
from dashboard.sandbox.turn import Turn

_KEYS_KEPT = 86_400.0


@dataclass(frozen=True, slots=True)
class _Outcome:
    """An answer, whether it was carried out now, and whether it was only repeated."""

    response: Response
    executed: bool = False
    replayed: bool = False


class Sandbox:
    """Stripe in one process. Give it one request at a time; a `seed` makes its ids repeatable."""

    def __init__(
        self,
        state_file: Path | str,
        *,
        api_key: str,
        webhook_url: str | None = None,
        webhook_secret: str | None = None,
        seed: int | None = None,
    ) -> None:
        self.store = Store(state_file)
        self.api_key = api_key
        # Ids are names and no secrets: a simulation wants the same ones every time.
        self.ids = random.SystemRandom() if seed is None else random.Random(seed)  # noqa: S311
        # Keys of requests that hang before anything was done: a repeat meets a 409 until then.
        self._hanging: dict[str, float] = {}
        with self.store.transaction():
            if webhook_url is not None:
                self.store.remember("webhook_url", webhook_url)
            if webhook_secret is not None:
                self.store.remember("webhook_secret", webhook_secret)

    def close(self) -> None:
        self.store.close()

    def forget_hanging(self) -> None:
        """No key is in flight any more."""
        self._hanging.clear()

    def turn(self, request: Json | None = None) -> Turn:
        return Turn(self.store, self.ids, clock.now().timestamp(), request)

    def tick(self) -> int:
        """Apply what fell due without a request; answers how much that was."""
        with self.store.transaction():
            return due.apply(self.turn())

    def handle(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Response:
        """Answer one request; `target` is the path with its query."""
        path, _, query = target.partition("?")
        with self.store.transaction():
            if path.startswith("/_sandbox/"):
                return controls.handle(self, method, path, query, body)
            lowered = {name.lower(): value for name, value in headers.items()}
            return self._stripe(method, path, query, lowered, body)

    def _stripe(
        self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes
    ) -> Response:
        key = headers.get("idempotency-key") if method == "POST" else None
        turn = self.turn({"id": None, "idempotency_key": key})
        request_id = turn.new_id("req")
        turn = replace(turn, request={"id": request_id, "idempotency_key": key})
        due.apply(turn)
        fault = faults.take(self.store, method, path)
        if fault is not None and fault.when == "before":
            outcome = _Outcome(faults.spoil(fault))
            if fault.kind == "hang" and key:
                self._hanging[key] = turn.now + fault.seconds
        else:
            outcome = self._attempt(turn, method, path, query, headers, body)
            if fault is not None:
                outcome = self._spoiled(fault, key, outcome)
        if method != "GET":
            controls.log(
                turn, method, path, outcome.response, fault, outcome.executed, outcome.replayed
            )
        return _headed(outcome, request_id, key)

    def _spoiled(self, fault: faults.Fault, key: str | None, outcome: _Outcome) -> _Outcome:
        spoiled = faults.spoil(fault)
        if fault.kind == "500" and key and outcome.executed:
            # Stripe keeps a 500 like any other result of a request that it began.
            self.store.run(
                "UPDATE idempotency SET status = ?, body = ? WHERE key = ?",
                spoiled.status,
                spoiled.body,
                key,
            )
        return replace(outcome, response=spoiled)

    def _attempt(
        self,
        turn: Turn,
        method: str,
        path: str,
        query: str,
        headers: Mapping[str, str],
        body: bytes,
    ) -> _Outcome:
        """Check, replay or carry out; every refusal becomes its envelope."""
        self.store.mark()
        key = str(turn.request["idempotency_key"] or "") if turn.request else ""
        try:
            check_access(headers, self.api_key)
            route, name = routes.find(method, path)
            given = forms.decode(query if method == "GET" else body.decode())
            print_of = _fingerprint(method, path, given)
            if key:
                kept = self._kept(turn, key, print_of)
                if kept is not None:
                    return kept
            shown = self._execute(turn, route, name, given)
            response = answer(200, shown)
        except UnicodeDecodeError:
            error = invalid("The request body is not valid UTF-8.")
            return _Outcome(answer(error.status, error.envelope()))
        except StripeError as error:
            if error.status != 402:
                # Only a declined card leaves something behind.
                self.store.undo()
            response = answer(error.status, error.envelope())
            if not error.executed:
                return _Outcome(response)
        if key:
            self._keep(turn, key, print_of, response)
        return _Outcome(response, executed=True)

    def _execute(self, turn: Turn, route: routes.Route, name: str, given: Json) -> Json:
        values = parameters.read(route.fields, given)
        paths = expansion.check(route.kind, values.pop("expand", []))
        result = route.act(turn, name, values)
        if route.kind.startswith("list:"):
            trimmed = [path[1:] for path in paths]
            data = [expansion.expand(self.store, item, trimmed) for item in result["data"]]
            return result | {"data": data}
        return expansion.expand(self.store, result, paths)

    def _kept(self, turn: Turn, key: str, print_of: str) -> _Outcome | None:
        """The earlier answer under this key, or its refusal."""
        if len(key) > 255:
            raise invalid("Idempotency keys can be at most 255 characters.")
        if self._hanging.get(key, 0.0) > turn.now:
            raise faults.in_flight()
        self._hanging.pop(key, None)
        self.store.run("DELETE FROM idempotency WHERE at <= ?", turn.now - _KEYS_KEPT)
        row = self.store.run("SELECT * FROM idempotency WHERE key = ?", key).fetchone()
        if row is None:
            return None
        if row["fingerprint"] != print_of:
            raise StripeError(
                "Keys for idempotent requests can only be used with the same parameters they were"
                f" first used with. Try using a key other than '{key}' if you meant to execute a"
                " different request.",
                kind="idempotency_error",
                executed=False,
            )
        headers = {"Idempotent-Replayed": "true", "Original-Request": row["request_id"]}
        headers["Content-Type"] = "application/json"
        return _Outcome(Response(row["status"], row["body"], headers), replayed=True)

    def _keep(self, turn: Turn, key: str, print_of: str, response: Response) -> None:
        self.store.run(
            "INSERT INTO idempotency VALUES (?, ?, ?, ?, ?, ?)",
            key,
            print_of,
            response.status,
            response.body,
            turn.request["id"] if turn.request else "",
            turn.now,
        )


def _fingerprint(method: str, path: str, given: Json) -> str:
    canonical = msgspec.json.encode([method, path, given], order="sorted")
    return hashlib.sha256(canonical).hexdigest()


def _headed(outcome: _Outcome, request_id: str, key: str | None) -> Response:
    headers = {**outcome.response.headers, "Request-Id": request_id}
    headers["Stripe-Version"] = API_VERSION
    if key:
        headers["Idempotency-Key"] = key
    return replace(outcome.response, headers=headers)
