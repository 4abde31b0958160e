"""What falls due by itself. Each sweep claims its rows, bears a bad one, and answers how many.

A sweep goes on until nothing is left or the minute is over. Whatever it leaves stays due.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any, TypeVar

import structlog

from dashboard import clock, db
from dashboard.bookings import queries as bookings
from dashboard.payments import cards, inbox, ledger, queries, settle, waking
from dashboard.payments.facts import State, Status
from dashboard.payments.tables import Operation, Payment, Purchase
from dashboard.stripe_gateway import NotThere, Unreachable
from jobs import mail

log = structlog.get_logger()
Id = TypeVar("Id", int, str)
BATCH = 100
AT_ONCE = 8
BUDGET = 50.0
# An hour more than the expiry policy needs, so that the plan is made before it is due.
EXPIRING_WITHIN = timedelta(hours=25)
# Trouble that passes by itself: known, and not worth a stack trace.
PASSING: tuple[type[BaseException], ...] = (
    Unreachable,
    NotThere,
    ledger.Contended,
    *db.CONNECTION_ERRORS,
)


async def auto_capture_completed_lessons() -> int:
    """Settle every purchase that is due: captures above all, and what else was decided."""
    await _make_due(
        (Purchase.capture_due_at <= clock.now())
        & Purchase.due_at.is_null()
        & Purchase.attention.is_null()
        & Purchase.id.is_in(_holders())
    )
    return await _settle_due()


async def check_expiring_authorizations() -> int:
    """Make every hold that ends within 25 hours due, so that no lost due time lets one expire."""
    ending = Payment.authorization_expires_at <= clock.now() + EXPIRING_WITHIN
    holders = _holders().where(ending)
    found = await _make_due(_not_waiting() & Purchase.id.is_in(holders))
    log.info("holds.expiring", found=found)
    return found


async def resume_open_operations() -> int:
    """Make the purchases of open operations due where their own due time was lost.

    They are taken up through their purchase, so that one rule decides what comes first.
    """
    # A stalled operation waits for a person and not for the clock.
    ready = Operation.open_for.is_not_null() & (Operation.state != State.STALLED)
    operations = Operation.select(Operation.purchase).where(
        ready & (Operation.due_at <= clock.now())
    )
    return await _make_due(_not_waiting() & Purchase.id.is_in(operations))


async def handle_events() -> int:
    """Handle the webhook events that were kept and not handled yet."""
    return await _and_settle(await drain(inbox.due_events, handle_one))


async def save_due_cards() -> int:
    """Save the cards of far lessons where that was interrupted, or waits for the student."""
    return await _past_the_stuck(cards.due, _save_one)


async def post_due_payments() -> int:
    """Read Stripe again for payments whose last read lost its race or found Stripe away."""
    return await _past_the_stuck(lambda limit: queries.due_posts(clock.now(), limit), _post_one)


async def make_up_for_an_outage() -> int:
    """Once Stripe answers again, do at once what was put off while it was out of reach."""
    if not await waking.any_put_off() or not await waking.stripe_answers():
        return 0
    woken = await waking.wake()
    if woken:
        await handle_events()
        await save_due_cards()
        await _settle_due()
    return woken


async def follow_payments() -> int:
    """Bring the bookings' statuses in line with their payments."""
    return await bookings.follow()


async def settle_one(purchase_id: int) -> bool:
    """Claim one due purchase and settle it; false when it wasn't due, or was backed off.

    Never raises: the rows beside it go on, and its trouble is kept with it for staff to see.
    """
    try:
        if not await settle.claim_due(purchase_id):
            return False
        await settle.settle(purchase_id)
    except Exception as error:  # noqa: BLE001 - one bad row, whatever is wrong with it
        await _postpone(purchase_id, error)
        return False
    return True


async def handle_one(event_id: str) -> bool:
    """Handle one kept event; false when that failed in a way that the inbox does not know."""
    try:
        await inbox.handle(event_id)
    except Exception as error:
        # The claim has moved its due time already, so it comes again and blocks nobody.
        log.exception("webhook.trouble", event_id=event_id, error=type(error).__name__)
        return False
    return True


async def settle_at_once(purchase_id: int) -> None:
    """What a nudge asks for: settle one purchase, let its bookings follow, and tell the student."""
    if await settle_one(purchase_id):
        await bookings.follow([purchase_id])
    await mail.mail_at_once()


async def handle_at_once(event_id: str) -> None:
    """What a nudge asks for: handle one event, then settle the purchase that it is about."""
    purchase_id = await inbox.handle(event_id)
    if purchase_id is not None:
        await settle_at_once(purchase_id)


async def _save_one(purchase_id: int) -> bool:
    try:
        await cards.save(purchase_id)
    except PASSING as error:
        log.warning("card.postponed", purchase=purchase_id, error=type(error).__name__)
        return False
    return True


async def _post_one(payment_id: int) -> bool:
    try:
        await ledger.post(payment_id)
    except PASSING as error:
        log.warning("post.postponed", payment=payment_id, error=type(error).__name__)
        return False
    return True


async def _past_the_stuck(
    find: Callable[[int], Awaitable[Sequence[int]]], handle: Callable[[int], Awaitable[bool]]
) -> int:
    """Drain, and settle what follows, past rows with trouble that nobody foresaw.

    Raises the first such trouble in the end: a sweep that fails is told of as late.
    """
    stuck: list[Exception] = []

    async def one(row: int) -> bool:
        try:
            return await handle(row)
        except Exception as error:
            log.exception("sweep.stuck", row=row, error=type(error).__name__)
            stuck.append(error)
            return False

    handled = await _and_settle(await drain(find, one))
    if stuck:
        raise stuck[0]
    return handled


async def _postpone(purchase_id: int, error: Exception) -> None:
    if not isinstance(error, PASSING):
        log.error("settle.trouble", purchase=purchase_id, exc_info=error)
    try:
        await settle.postpone(purchase_id, error)
    except db.CONNECTION_ERRORS:
        # The claim stands for a minute; then the row is due again.
        log.warning("settle.not_postponed", purchase=purchase_id)


async def _settle_due() -> int:
    settled = await drain(lambda limit: queries.due_purchases(clock.now(), limit), settle_one)
    if settled:
        await bookings.follow()
    return settled


async def _and_settle(handled: int) -> int:
    """Settle what the rows that were handled have made due; answers their number.

    The sweep of the captures runs at the same time and may have looked a moment too early.
    """
    if handled:
        await _settle_due()
    return handled


async def drain(
    find: Callable[[int], Awaitable[Sequence[Id]]], handle: Callable[[Id], Awaitable[bool]]
) -> int:
    """Handle what `find` finds, each row once, eight at a time, until the budget is spent."""
    ends_at = time.monotonic() + BUDGET
    seen: set[Id] = set()
    handled = 0
    turns = asyncio.Semaphore(AT_ONCE)

    async def take(row: Id) -> bool:
        async with turns:
            return time.monotonic() < ends_at and await handle(row)

    while time.monotonic() < ends_at:
        # Rows that failed may still be found first: they must not hide the ones behind them.
        fresh = [row for row in await find(BATCH + len(seen)) if row not in seen]
        if not fresh:
            break
        seen.update(fresh)
        handled += sum(await asyncio.gather(*(take(row) for row in fresh)))
    return handled


def _holders() -> Any:
    return Payment.select(Payment.purchase).where(
        Payment.current.eq(True) & (Payment.payment_status == Status.AUTHORIZED)
    )


def _not_waiting() -> Any:
    """Purchases that are neither due, nor claimed by somebody, nor backed off after trouble."""
    claimed_until = clock.now() + settle.CLAIM_FOR
    lost = Purchase.due_at.is_null()
    return lost | ((Purchase.due_at > claimed_until) & (Purchase.settle_failures == 0))


async def _make_due(which: Any) -> int:
    rows = await Purchase.update({Purchase.due_at: clock.now()}).where(which).returning(Purchase.id)
    return len(rows)
