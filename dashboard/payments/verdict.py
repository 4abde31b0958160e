"""What a snapshot of Stripe makes of our rows. Pure: the ledger writes it, a dry run shows it."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from dashboard.payments import evidence, proof
from dashboard.payments.evidence import Movement
from dashboard.payments.facts import OPEN, State, Verb
from dashboard.snapshots import Intent

HOLDS = ("authorized", "charged")
GIVES_BACK = ("refund_pending", "refund_succeeded")


def columns(intent: Intent, captured_at: datetime | None) -> dict[str, Any]:
    """The columns of a payment that was captured at `captured_at`, as far as we knew."""
    values = evidence.standing(intent)
    if captured_at and values["captured_at"] == intent.fetched_at:
        # Stripe names no time of its own: the first time that we saw it is nearer to the truth.
        values |= {"captured_at": captured_at, "ended_at": captured_at}
    return values


def news_at(event_at: datetime | None, synced_at: datetime | None) -> datetime | None:
    """The time of an event that may have brought what is news; None for one from before that.

    What is news now had not happened when Stripe was last read: an older event tells of something
    else.
    """
    if event_at and synced_at and event_at <= synced_at.replace(microsecond=0):
        return None
    return event_at


def closing(
    operation_id: str, verbs: tuple[Verb, Verb], state: State, intent: Intent
) -> State | None:
    """What becomes of an operation; None when it stays as it is. `verbs` as in `proof.outcome`."""
    proven = proof.outcome(operation_id, verbs, state in OPEN, intent)
    return None if proven is None or state in (State.SUCCEEDED, proven) else proven


def pending_key(refund_id: str) -> str:
    """The key of the event that tells of a refund on its way."""
    return f"refund:{refund_id}:pending"


def given_elsewhere(
    news: Iterable[Movement], ours: Collection[str], counted: Collection[str]
) -> int:
    """What new refunds that nobody asked of us give back, in minor units.

    `ours` are our operations, `counted` the refunds that were news before, when they were pending.
    """
    return sum(
        movement.amount
        for movement in news
        if movement.kind in GIVES_BACK
        and movement.operation_id not in ours
        and not (movement.kind == "refund_succeeded" and movement.object_id in counted)
    )


def owed_after(owed: int | None, kept: int, given: int) -> int | None:
    """What is owed after `given` went back elsewhere; None when nothing changes.

    Only what was given back is owed no longer: what is missing for another reason, such as a lost
    dispute, stays owed.
    """
    if not given or owed is None or owed <= kept:
        return None
    return max(kept, owed - given)
