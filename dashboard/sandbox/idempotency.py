"""Idempotency keys as Stripe keeps them: the first result for a day, whatever it was."""

import hashlib

import msgspec

from dashboard.sandbox.answers import Json, Response, StripeError, invalid
from dashboard.sandbox.faults import in_flight
from dashboard.sandbox.store import Store

_KEPT = 86_400.0
_LONGEST = 255


def fingerprint(method: str, path: str, given: Json) -> str:
    """What "the same request" means: address and parameters, in whatever order."""
    canonical = msgspec.json.encode([method, path, given], order="sorted")
    return hashlib.sha256(canonical).hexdigest()


class Keys:
    """The keys of one account."""

    def __init__(self, store: Store) -> None:
        self._store = store
        # Keys of requests that hang before anything was done: a repeat meets a 409 until then.
        self._hanging: dict[str, float] = {}

    def hang(self, key: str, until: float) -> None:
        """Stripe is busy with this key until that instant."""
        self._hanging[key] = until

    def forget_hanging(self) -> None:
        self._hanging.clear()

    def earlier(self, key: str, same: str, now: float) -> Response | None:
        """The kept answer; raises for a key that is too long, in flight, or used otherwise."""
        if len(key) > _LONGEST:
            raise invalid(f"Idempotency keys can be at most {_LONGEST} characters.")
        if self._hanging.get(key, 0.0) > now:
            raise in_flight()
        self._hanging.pop(key, None)
        self._store.run("DELETE FROM idempotency WHERE at <= ?", now - _KEPT)
        row = self._store.run("SELECT * FROM idempotency WHERE key = ?", key).fetchone()
        if row is None:
            return None
        if row["fingerprint"] != same:
            raise StripeError(
                "Keys for idempotent requests can only be used with the same parameters they were"
                f" first used with. Try using a key other than '{key}' if you meant to execute a"
                " different request.",
                kind="idempotency_error",
                executed=False,
            )
        headers = {
            "Content-Type": "application/json",
            "Idempotent-Replayed": "true",
            "Original-Request": row["request_id"],
        }
        return Response(row["status"], row["body"], headers)

    def keep(self, key: str, same: str, response: Response, request_id: str, now: float) -> None:
        """Remember the result of a request that was carried out."""
        self._store.run(
            "INSERT INTO idempotency VALUES (?, ?, ?, ?, ?, ?)",
            key,
            same,
            response.status,
            response.body,
            request_id,
            now,
        )

    def spoil(self, key: str, response: Response) -> None:
        """The request was carried out, and its result is this failure all the same."""
        self._store.run(
            "UPDATE idempotency SET status = ?, body = ? WHERE key = ?",
            response.status,
            response.body,
            key,
        )
