"""The sandbox without its sockets: one request in, one answer out, one transaction each."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from dashboard import clock
from dashboard.sandbox import (
    controls,
    due,
    expansion,
    faults,
    forms,
    journal,
    parameters,
    routes,
)
from dashboard.sandbox.access import check_access
from dashboard.sandbox.answers import API_VERSION, Json, Response, StripeError, answer, invalid
from dashboard.sandbox.idempotency import Keys, fingerprint
from dashboard.sandbox.store import Store
from dashboard.sandbox.turn import Turn


@dataclass(frozen=True, slots=True)
class _Asked:
    """One request as it came in; header names are in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def key(self) -> str | None:
        """The idempotency key; a GET needs none and gets none."""
        return (self.headers.get("idempotency-key") or None) if self.method == "POST" else None

    def given(self) -> Json:
        """The decoded parameters."""
        try:
            return forms.decode(self.query if self.method == "GET" else self.body.decode())
        except UnicodeDecodeError:
            raise invalid("The request body is not valid UTF-8.") from None


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
        self.keys = Keys(self.store)
        self._api_key = api_key
        # Ids are names and no secrets: a simulation wants the same ones every time.
        self._ids = random.SystemRandom() if seed is None else random.Random(seed)  # noqa: S311
        with self.store.transaction():
            if webhook_url is not None:
                self.store.remember("webhook_url", webhook_url)
            if webhook_secret is not None:
                self.store.remember("webhook_secret", webhook_secret)

    def close(self) -> None:
        self.store.close()

    def turn(self) -> Turn:
        """A turn outside any request, at the present instant of the movable clock."""
        return Turn(self.store, self._ids, clock.now().timestamp())

    def tick(self) -> int:
        """Apply what fell due without a request; answers how much that was."""
        with self.store.transaction():
            return due.apply(self.turn())

    def handle(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Response:
        """Answer one request; `target` is the path with its query.

        An answer that is `broken` is not to be given: the change, if any, is made all the same.
        """
        path, _, query = target.partition("?")
        with self.store.transaction():
            if path.startswith("/_sandbox/"):
                return controls.handle(self, method, path, query, body)
            lowered = {name.lower(): value for name, value in headers.items()}
            return self._stripe(_Asked(method, path, query, lowered, body))

    def _stripe(self, asked: _Asked) -> Response:
        turn = self.turn()
        request_id = turn.new_id("req")
        turn = replace(turn, request={"id": request_id, "idempotency_key": asked.key})
        due.apply(turn)
        fault = faults.take(self.store, asked.method, asked.path)
        outcome = self._troubled(turn, asked, fault) if fault else self._attempt(turn, asked)
        if asked.method != "GET":
            line = journal.LogLine(
                asked.method,
                asked.path,
                asked.key,
                # A connection that was cut carried no status.
                outcome.response.status or None,
                outcome.executed,
                outcome.replayed,
                f"{fault.when} {fault.kind}" if fault else None,
                turn.now,
            )
            journal.log(self.store, line)
        headers = {**outcome.response.headers, "Request-Id": request_id}
        headers["Stripe-Version"] = API_VERSION
        if asked.key:
            headers["Idempotency-Key"] = asked.key
        return replace(outcome.response, headers=headers)

    def _troubled(self, turn: Turn, asked: _Asked, fault: faults.Fault) -> _Outcome:
        """The ordered trouble, instead of the request or after it."""
        spoiled = faults.spoil(fault)
        if fault.when == "before" and fault.kind == "402":
            # A refusal by the bank is a result like any other: kept under its key, and never given
            # to a request that has been answered otherwise before.
            return self._attempt(turn, asked, spoiled)
        if fault.when == "before":
            if fault.kind == "hang" and asked.key:
                self.keys.hang(asked.key, turn.now + fault.seconds)
            return _Outcome(spoiled)
        outcome = self._attempt(turn, asked)
        if fault.kind == "500" and asked.key and outcome.executed:
            # Stripe keeps a 500 like any other result of a request that it began.
            self.keys.spoil(asked.key, spoiled)
        return replace(outcome, response=spoiled)

    def _attempt(self, turn: Turn, asked: _Asked, declined: Response | None = None) -> _Outcome:
        """Check, replay or carry out; every refusal becomes its envelope.

        `declined` is the answer instead of carrying it out.
        """
        try:
            check_access(asked.headers, self._api_key)
            route, name = routes.find(asked.method, asked.path)
            given = asked.given()
            same = fingerprint(asked.method, asked.path, given)
            if asked.key:
                earlier = self.keys.earlier(asked.key, same, turn.now)
                if earlier is not None:
                    return _Outcome(earlier, replayed=True)
            if declined is None:
                response, begun = self._carried_out(turn, route, name, given)
            else:
                response, begun = declined, True
        except StripeError as error:
            return _Outcome(answer(error.status, error.envelope()))
        if asked.key and begun:
            request_id = turn.request["id"] if turn.request else ""
            self.keys.keep(asked.key, same, response, request_id, turn.now)
        return _Outcome(response, executed=begun and declined is None)

    def _carried_out(
        self, turn: Turn, route: routes.Route, name: str, given: Json
    ) -> tuple[Response, bool]:
        """The answer, and whether Stripe had begun before it refused."""
        self.store.mark()
        try:
            return answer(200, self._execute(turn, route, name, given)), True
        except StripeError as error:
            if error.status != 402:
                # Only a declined card leaves something behind.
                self.store.undo()
            return answer(error.status, error.envelope()), error.executed

    def _execute(self, turn: Turn, route: routes.Route, name: str, given: Json) -> Json:
        values = parameters.read(route.fields, given)
        paths = expansion.check(route.kind, values.pop("expand", []))
        result = route.act(turn, name, values)
        if route.kind.startswith("list:"):
            trimmed = [path[1:] for path in paths]
            data = [expansion.expand(self.store, item, trimmed) for item in result["data"]]
            return result | {"data": data}
        return expansion.expand(self.store, result, paths)
