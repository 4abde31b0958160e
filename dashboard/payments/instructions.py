"""What staff tell the automation about one hold: wait, go on, or treat its end in another way.

None of these moves money. Each commits its entry of the story and makes settle look again.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from dashboard import clock, db
from dashboard.payments import queries
from dashboard.payments.actors import Actor
from dashboard.payments.errors import Busy, NotAllowed
from dashboard.payments.events import write_word
from dashboard.payments.facts import POLICIES
from dashboard.payments.tables import Purchase
from dashboard.payments.turning import touch

_UNPAUSED = {"paused_until": None, "pause_reason": "", "paused_by": ""}


async def pause(
    purchase_id: int, until: datetime, reason: str, by: Actor, policy: str | None = None
) -> None:
    """Capture nothing by itself before `until`; `policy` is chosen along with it, or neither is.

    Raises NotAllowed: not_pausable (nothing is held or planned), until_past, already_decided (the
    expiry policy has captured, or is about to), needs_policy (the hold ends before the pause does,
    and nobody has chosen what then), and those of `choose_policy`; and Busy while a movement is
    under way.
    """
    async with db.transaction():
        await pause_within(purchase_id, until, reason, by, policy)


async def pause_within(
    purchase_id: int, until: datetime, reason: str, by: Actor, policy: str | None = None
) -> None:
    """`pause` as a part of the caller's transaction, which an error has to leave."""
    await touch(purchase_id)
    books = await _books(purchase_id)
    _require_open(books, "not_pausable")
    if until <= clock.now():
        raise NotAllowed("until_past")
    hold = books.current_facts
    if books.case(clock.now()).decision == "capture":
        raise NotAllowed("already_decided")
    if policy is not None:
        await _choose(books, policy, reason, by)
    outlives = hold is not None and hold.expires_at is not None and until >= hold.expires_at
    if outlives and (policy or books.purchase.policy_override) is None:
        raise NotAllowed("needs_policy", at=hold.expires_at if hold else None)
    values = {"paused_until": until, "pause_reason": reason, "paused_by": by.name[:255]}
    await _keep(books, "paused", reason, by, values, {"until": until.isoformat()})


async def unpause(purchase_id: int, reason: str, by: Actor) -> None:
    """Let the automatic capture go on. Raises NotAllowed: not_paused."""
    async with db.transaction():
        await touch(purchase_id)
        books = await _books(purchase_id)
        until = books.purchase.paused_until
        if until is None or until <= clock.now():
            raise NotAllowed("not_paused")
        await _keep(books, "unpaused", reason, by, _UNPAUSED, {})


async def choose_policy(purchase_id: int, policy: str, reason: str, by: Actor) -> None:
    """Treat the end of this hold by `policy`, whatever the deployment's own is.

    Raises NotAllowed: no_such_policy, not_pausable, card_not_saved (`renew` needs a saved card);
    and Busy while a movement is under way.
    """
    async with db.transaction():
        await touch(purchase_id)
        books = await _books(purchase_id)
        _require_open(books, "not_pausable")
        await _choose(books, policy, reason, by)


async def _choose(books: queries.Books, policy: str, reason: str, by: Actor) -> None:
    if policy not in POLICIES:
        raise NotAllowed("no_such_policy")
    if policy == "renew" and not books.purchase.saves_card:
        raise NotAllowed("card_not_saved")
    # A choice is a fresh start: what failed before it does not count any more.
    values = {"policy_override": policy, "policy_reason": reason, "attempts_refused": 0}
    await _keep(books, "policy_chosen", reason, by, values, {"policy": policy})


async def _books(purchase_id: int) -> queries.Books:
    books = await queries.books(purchase_id)
    assert books is not None
    return books


def _require_open(books: queries.Books, code: str) -> None:
    """Only what is still to be captured can be told to wait."""
    if books.operation is not None:
        raise Busy(books.operation)
    current = books.current_facts
    if current is None or not (current.held or current.planned) or books.purchase.owed == 0:
        raise NotAllowed(code)


async def _keep(
    books: queries.Books,
    kind: str,
    reason: str,
    by: Actor,
    values: Mapping[Any, Any],
    detail: dict[str, Any],
) -> None:
    assert books.current is not None
    cut = {key: value[:500] if isinstance(value, str) else value for key, value in values.items()}
    await Purchase.update(cut).where(Purchase.id == books.purchase.id)
    await write_word(books.current, kind, reason, by, detail=detail)
