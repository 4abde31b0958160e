"""The controls of webhooks that are on their way: look at them, hold them, drop or delay them."""

from typing import Any, Literal
from urllib.parse import parse_qsl

import msgspec

from dashboard import clock
from dashboard.sandbox.answers import Json
from dashboard.sandbox.signing import signature
from dashboard.sandbox.store import Store


class Treatment(msgspec.Struct, forbid_unknown_fields=True):
    """`pending` sends it, after `wait` seconds of wall time; `held` keeps it until it is released;
    `dropped` never sends it."""

    state: Literal["pending", "held", "dropped"]
    wait: float = 0.0


def listed(store: Store, query: bytes) -> Json:
    """Deliveries in one `state` or in any, from the one `after` an id on; the `last` ones only."""
    asked = dict(parse_qsl(query.decode()))
    rows = store.run(
        "SELECT * FROM (SELECT * FROM deliveries WHERE id > ? AND coalesce(?, state) = state"
        " ORDER BY id DESC LIMIT ?) ORDER BY id",
        int(asked.get("after", 0)),
        asked.get("state"),
        int(asked.get("last", -1)),
    )
    secret = store.note("webhook_secret", "")
    return {"deliveries": [_shown(dict(row), secret) for row in rows]}


def treat(store: Store, name: str, body: bytes) -> Json:
    """Change what becomes of one delivery, or of everything that is held when `name` is empty.

    Answers how many were changed. What was sent stays sent.
    """
    given = msgspec.json.decode(body, type=Treatment)
    if name and not name.isdigit():
        raise ValueError("A delivery has a number.")
    at = clock.wall().timestamp() + given.wait if given.state == "pending" else None
    which = "id = ? AND state != 'sent'" if name else "state = 'held' AND ? = ''"
    changed = store.run(
        # The conditions are the two above; every value is bound.
        f"UPDATE deliveries SET state = ?, next_attempt_at = ? WHERE {which}",  # noqa: S608
        given.state,
        at,
        int(name) if name else "",
    )
    return {"changed": changed.rowcount}


def _shown(row: dict[str, Any], secret: str) -> Json:
    body: bytes = row["body"]
    return row | {"body": body.decode(), "signature": signature(secret, body)}
