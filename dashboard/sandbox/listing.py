"""Lists: newest first, filtered, with Stripe's cursors."""

from typing import Any

from dashboard.sandbox.answers import Json, invalid, missing
from dashboard.sandbox.turn import Turn

_COLUMNS = {"customer": "customer", "payment_intent": "intent", "charge": "charge"}
_SIGNS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<=", "eq": "="}
_EVENTS_KEPT = 30 * 86_400


def page(turn: Turn, kind: str, url: str, given: Json) -> Json:
    """One page of a collection."""
    size = given.get("limit", 10)
    backwards = "ending_before" in given
    where = _filters(turn, kind, given) | _cursor(turn, kind, given)
    found = turn.store.find(kind, where, size + 1, newest_first=not backwards)
    rows = found[:size]
    if backwards:
        rows.reverse()
    if kind == "event":
        rows = [waiting(turn, event) for event in rows]
    return {"object": "list", "data": rows, "has_more": len(found) > size, "url": url}


def _filters(turn: Turn, kind: str, given: Json) -> dict[str, Any]:
    where: dict[str, Any] = {
        f"{column} = ?": given[name] for name, column in _COLUMNS.items() if given.get(name)
    }
    if given.get("email"):
        where["label = ?"] = given["email"]
    for bound, value in given.get("created", {}).items():
        where[f"created {_SIGNS[bound]} ?"] = value
    if kind == "event":
        where |= _event_filters(given)
        # Stripe keeps events for 30 days.
        where["created > ? + 0"] = turn.second - _EVENTS_KEPT
    return where


def _event_filters(given: Json) -> dict[str, Any]:
    if given.get("type") and given.get("types"):
        raise invalid("You may only specify one of these parameters: type, types.", "types")
    names = [given["type"]] if given.get("type") else given.get("types", [])
    if not names:
        return {}
    # Stripe's wildcard is a star, which is GLOB's star as well.
    matches = " OR ".join(["label GLOB ?"] * len(names))
    return {f"({matches})": names}


def _cursor(turn: Turn, kind: str, given: Json) -> dict[str, Any]:
    """Rows on one side of the object that the cursor names."""
    if "starting_after" in given and "ending_before" in given:
        message = "You may only specify one of these parameters: ending_before, starting_after."
        raise invalid(message, "ending_before")
    for name, sign in (("starting_after", "<"), ("ending_before", ">")):
        if name in given:
            place = turn.store.place(kind, given[name] or "")
            if place is None:
                raise missing(kind, given[name] or "", name)
            return {f"(created, seq) {sign} (?, ?)": place}
    return {}


def waiting(turn: Turn, event: Json) -> Json:
    """The event with the number of deliveries that are still to come."""
    row = turn.store.run(
        "SELECT count(*) FROM deliveries WHERE event = ? AND state IN ('pending', 'held')",
        event["id"],
    ).fetchone()
    return event | {"pending_webhooks": row[0]}


def retrieve_event(turn: Turn, name: str, _: Json) -> Json:
    event = turn.get("event", name, status=404)
    if event["created"] <= turn.second - _EVENTS_KEPT:
        raise missing("event", name, status=404)
    return waiting(turn, event)
