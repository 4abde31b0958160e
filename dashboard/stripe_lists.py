"""Stripe's lists, a page at a time, in our words: what exists there, whether we know of it or not.

Lists are read by creation and cursor. Stripe's search is not used: it lags behind what was written.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from dashboard import clock
from dashboard import stripe_reading as read
from dashboard.snapshots import Dispute, Intent, Refund
from dashboard.stripe_gateway import gateway

# A charge's fee stands in its balance transaction: with it no call more is needed.
_EXPAND = ["data.latest_charge.balance_transaction"]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Objects, the newest first; `cursor` is what the next page starts after, None at the end."""

    items: list[T]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class Listed:
    """An intent as a list shows it: without its refunds and disputes, which `touched` announces."""

    intent: Intent
    touched: bool


async def intents(since: datetime, after: str) -> Page[Listed]:
    """A page of the intents that were made since then; after the one with that id, unless empty.

    Raises Unreachable, and NotThere when the cursor's object is unknown; so do the others.
    """
    raw, cursor = await _page("payment_intents", since, after, expand=_EXPAND)
    now = clock.now()
    return Page([_listed(one, now) for one in raw], cursor)


def _listed(raw: Any, now: datetime) -> Listed:
    charge = raw.latest_charge
    moved = charge is not None and bool(charge.amount_refunded or charge.disputed)
    return Listed(read.intent(raw, [], [], now), moved)


async def refunds(since: datetime, after: str) -> Page[tuple[str, Refund]]:
    """A page of the refunds that were made since then, with the ids of their intents."""
    raw, cursor = await _page("refunds", since, after)
    return Page([(one, read.refund(item)) for item in raw if (one := _intent_of(item))], cursor)


async def disputes(since: datetime, after: str) -> Page[tuple[str, Dispute]]:
    """A page of the disputes that were opened since then, with the ids of their intents."""
    raw, cursor = await _page("disputes", since, after)
    return Page([(one, read.dispute(item)) for item in raw if (one := _intent_of(item))], cursor)


async def charges_of(intent_id: str) -> set[str]:
    """The ids of all attempts upon an intent, of which it names only the latest."""
    raw, _ = await gateway().page("charges", {"payment_intent": intent_id})
    return {str(one.id) for one in raw}


def _intent_of(raw: Any) -> str | None:
    return read.id_of(raw.payment_intent)


async def _page(
    collection: str, since: datetime, after: str, **more: Any
) -> tuple[list[Any], str | None]:
    wanted: dict[str, Any] = {"created": {"gte": int(since.timestamp())}, **more}
    if after:
        wanted["starting_after"] = after
    found, follows = await gateway().page(collection, wanted)
    return found, str(found[-1].id) if follows and found else None
