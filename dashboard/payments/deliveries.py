"""Reads the inbox for the desk: which events came, what became of them, and whose they are."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from piccolo.columns.combination import And, Or, Where

from dashboard.payments.tables import Operation, Payment, Purchase, StripeEvent

Condition = And | Or | Where
PAGE = 50
# Counted up to here: to count a million rows takes longer than to show fifty of them.
MOST_COUNTED = 1000
VIEWS = ("all", "waiting", "dead", "orphan", "handled", "ignored")


@dataclass(frozen=True, slots=True)
class Asked:
    """What of the inbox is looked at: a view, a search, and the event to go on after.

    `intents` are those of the payments that the search names in words of ours, such as a booking.
    """

    view: str = "all"
    q: str = ""
    after: str = ""
    intents: Sequence[str] = ()


def asked(given: dict[str, str]) -> Asked:
    """What a query string asks for; nonsense in it asks for everything."""
    view = given.get("view", "all")
    q, after = (_storable(given.get(name, "")).strip()[:255] for name in ("q", "after"))
    return Asked(view if view in VIEWS else "all", q, after)


def _storable(text: str) -> str:
    # PostgreSQL refuses a text with a NUL, both refuse half of a character.
    return "".join(mark for mark in text if mark != "\x00" and not "\ud800" <= mark <= "\udfff")


async def event(event_id: str) -> StripeEvent | None:
    """One event; None if there is none."""
    if _storable(event_id) != event_id:
        return None
    return await StripeEvent.objects().get(StripeEvent.id == event_id)


async def listed(what: Asked) -> tuple[list[StripeEvent], str]:
    """A page of events, the newest first, and after which one the next page begins, if any."""
    query = StripeEvent.objects().limit(PAGE + 1)
    if what.q:
        # Said so that no database takes the index of the states, of which a million may be alike.
        others = [view for view in VIEWS[1:] if view != what.view]
        wanted = StripeEvent.state.not_in(others) if what.view != "all" else None
        matching = await _matching(what)
        query = query.where(matching if wanted is None else matching & wanted)
    elif what.view != "all":
        query = query.where(StripeEvent.state == what.view)
    last = await event(what.after) if what.after else None
    if last is not None:
        earlier = (StripeEvent.received_at < last.received_at) | (StripeEvent.id < last.id)
        query = query.where((StripeEvent.received_at <= last.received_at) & earlier)
    rows = await query.order_by(StripeEvent.received_at, StripeEvent.id, ascending=False)
    return rows[:PAGE], rows[PAGE - 1].id if len(rows) > PAGE else ""


async def _matching(what: Asked) -> Condition:
    """By the event's id, an object's, or an operation's, which stands for its payment's events."""
    intents = list(what.intents)
    rows = await Operation.select(Operation.payment.stripe_intent_id.as_alias("intent")).where(
        Operation.id == what.q
    )
    intents += [row["intent"] for row in rows if row["intent"]]
    return (
        (StripeEvent.id == what.q)
        | (StripeEvent.object_id == what.q)
        | (StripeEvent.operation_id == what.q)
        | StripeEvent.intent_id.is_in([what.q, *intents])
    )


async def counts() -> dict[str, int]:
    """How many events are in each view, `MOST_COUNTED` + 1 standing for more than that."""
    return {view: await _count(view) for view in VIEWS}


async def _count(view: str) -> int:
    # In the order of an index: else PostgreSQL reads the whole table to find a thousand.
    few, values = "SELECT 1 FROM stripe_event ORDER BY received_at", []
    if view != "all":
        few = "SELECT 1 FROM stripe_event WHERE state = {} ORDER BY received_at, id"
        values = [view]
    found: list[dict[str, Any]] = await StripeEvent.raw(
        f"SELECT count(*) AS count FROM ({few} LIMIT {MOST_COUNTED + 1}) AS few",  # noqa: S608
        *values,
    )
    return int(found[0]["count"])


async def last_received() -> datetime | None:
    """When Stripe last reached us with something new; None before the first time."""
    row = (
        await StripeEvent.select(StripeEvent.received_at)
        .order_by(StripeEvent.received_at, ascending=False)
        .first()
    )
    return None if row is None else row["received_at"]


async def payments_of(events: Sequence[StripeEvent]) -> dict[str, int]:
    """The payment of each event that has one, by the event's id, in two reads however many."""
    by_intent = await _by_intent({row.intent_id for row in events if row.intent_id})
    by_setup = await _by_setup({row.object_id for row in events if not row.intent_id})
    found = {
        row.id: row.payment or by_intent.get(row.intent_id) or by_setup.get(row.object_id)
        for row in events
    }
    return {event_id: payment for event_id, payment in found.items() if payment}


async def _by_intent(intents: set[str]) -> dict[str, int]:
    rows = await Payment.select(Payment.id, Payment.stripe_intent_id).where(
        Payment.stripe_intent_id.is_in(sorted(intents) or [""])
    )
    return {row["stripe_intent_id"]: row["id"] for row in rows}


async def _by_setup(setups: set[str]) -> dict[str, int]:
    purchases = await Purchase.select(Purchase.id, Purchase.setup_intent_id).where(
        Purchase.setup_intent_id.is_in(sorted(setups) or [""])
    )
    rows = await Payment.select(Payment.id, Payment.purchase).where(
        Payment.current.eq(True) & Payment.purchase.is_in([row["id"] for row in purchases] or [0])
    )
    current = {row["purchase"]: row["id"] for row in rows}
    return {row["setup_intent_id"]: current[row["id"]] for row in purchases if row["id"] in current}
