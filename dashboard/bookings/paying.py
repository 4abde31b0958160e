"""Money for one booking at the caller's word: paying again after a decline, capturing the hold."""

import uuid

from dashboard import clock, db
from dashboard.bookings import queries, settling
from dashboard.bookings.errors import Conflict
from dashboard.payments import actions, attempts, beforehand, cards, turning
from dashboard.payments import queries as payments
from dashboard.payments.actions import Wish
from dashboard.payments.actors import Actor
from dashboard.payments.errors import Busy, NotAllowed, OutcomeUnknown
from dashboard.payments.facts import CREATES, CardState, Verb
from dashboard.payments.tables import Operation, Payment, Purchase

# Names for operations that are made from a caller's own key: the same key, the same operation.
_NAMES = uuid.UUID("5a0f6a3e-6d1c-4f0e-9f5b-0f7a4c1d2e3b")


async def pay(
    booking_id: int, actor: Actor, payment_method: str | None = None, key: str | None = None
) -> None:
    """Try again to pay for a booking, on another card if one is given; the rows tell the outcome.

    The same key is the same attempt. Raises NoSuchBooking, NotAllowed when it is paid or called
    off, Mismatch when the key was used for something else, and the gateway's Unreachable when
    Stripe can't tell how earlier attempts stand: then nothing was sent.
    """
    row = await queries.booking(booking_id)
    purchase_id: int = row.purchase
    if await _save_instead(purchase_id, payment_method):
        await db.shielded(settling.save_card(purchase_id))
        return
    operation_id = _operation_id("pay", booking_id, key)
    # The attempt before it may have come through after all.
    await beforehand.look_once(operation_id, Verb.AUTHORIZE, purchase_id)
    try:
        async with db.transaction():
            operation = await _claim_attempt(purchase_id, operation_id, actor, payment_method)
    except Busy as error:
        if Verb(error.operation.asked_verb) not in CREATES:
            raise
        await db.shielded(settling.ask_again(purchase_id))
        return
    await db.shielded(settling.send(operation))
    await db.shielded(settling.ask_again(purchase_id))


async def _save_instead(purchase_id: int, payment_method: str | None) -> bool:
    """Whether a far lesson's card is saved (again) now, since its hold is placed later."""
    async with db.transaction():
        purchase = await turning.touch(purchase_id)
        later = purchase.hold_due_at is not None and purchase.hold_due_at > clock.now()
        if not later or purchase.owed is not None or purchase.card_state == CardState.SAVED:
            return False
        books = await payments.books(purchase_id)
        if books is None or books.operation is not None:
            return False
        if books.current_facts is None or not books.current_facts.planned:
            await attempts.replace_current(purchase)
        changed = payment_method not in (None, purchase.payment_method)
        if changed or purchase.card_state == CardState.REFUSED:
            await cards.want(purchase_id, payment_method)
        return True


async def _claim_attempt(
    purchase_id: int, operation_id: str, actor: Actor, payment_method: str | None
) -> Operation:
    purchase = await turning.touch(purchase_id)
    verb = Verb.CHARGE if purchase.at_once else Verb.AUTHORIZE
    known = await Operation.exists().where(Operation.id == operation_id)
    if payment_method is not None and not known:
        await Purchase.update({"payment_method": payment_method}).where(Purchase.id == purchase_id)
    return await actions.claim(Wish(verb, purchase_id, operation_id, actor))


async def capture(
    booking_id: int, actor: Actor, amount: int | None = None, key: str | None = None
) -> int:
    """Capture a booking's hold, in part if an amount is given; answers what was captured.

    A repeat answers the same and captures nothing: Stripe ends a hold once, and so do our rules.
    Raises NoSuchBooking, Conflict for a lesson of a package, and what `actions.perform` raises.
    """
    row = await queries.booking(booking_id)
    if row.package is not None:
        raise Conflict("A lesson of a package is paid with the package.", booking_id)
    books = await payments.books(row.purchase)
    assert books is not None
    done = _captured(books.current, amount)
    if done is not None:
        return done
    operation_id = _operation_id("capture", booking_id, key)
    wish = Wish(Verb.CAPTURE, row.purchase, operation_id, actor, amount=amount)
    try:
        await actions.perform(wish)
    except Busy as error:
        await _wait_for(error, amount)
    except OutcomeUnknown:
        await db.shielded(settling.ask_again(row.purchase, (Verb.CAPTURE,)))
    except NotAllowed as error:
        error.values.setdefault("currency", books.purchase.currency)
        return await _same_or(error, row.purchase, amount)
    return await _outcome(row.purchase, operation_id, amount)


async def _wait_for(error: Busy, amount: int | None) -> None:
    """Somebody else is at it. Only a capture like ours is worth waiting for."""
    other = error.operation
    same = other.asked_verb == Verb.CAPTURE and amount in (None, other.asked_amount)
    if not same:
        raise error
    await db.shielded(settling.ask_again(other.purchase, (Verb.CAPTURE,)))


async def _same_or(error: NotAllowed, purchase_id: int, amount: int | None) -> int:
    """The race is over: what the other one captured is our answer, too, if it is what we want."""
    books = await payments.books(purchase_id)
    done = _captured(books.current if books else None, amount)
    if done is None:
        raise error
    return done


async def _outcome(purchase_id: int, operation_id: str, amount: int | None) -> int:
    # The operation first: once it is seen closed, the payment that is read next tells its outcome.
    operation = await _operation(purchase_id, operation_id)
    books = await payments.books(purchase_id)
    assert books is not None
    done = _captured(books.current, amount)
    if done is not None:
        return done
    actions.answer(operation)
    raise OutcomeUnknown(operation.id)


async def _operation(purchase_id: int, operation_id: str) -> Operation:
    """The attempt that our answer hangs on: the open one, else our own, else the latest."""
    found = await Operation.objects().where(Operation.purchase == purchase_id)
    rank = {operation_id: 1}
    return max(found, key=lambda row: (bool(row.open_for), rank.get(row.id, 0), row.asked_at))


def _captured(payment: Payment | None, amount: int | None) -> int | None:
    """What was captured, when that is what is asked for; else None."""
    if payment is None or payment.captured_amount == 0:
        return None
    captured = int(payment.captured_amount)
    return captured if amount in (None, captured) else None


def _operation_id(what: str, booking_id: int, key: str | None) -> str:
    if key is None:
        return str(uuid.uuid4())
    return str(uuid.uuid5(_NAMES, f"{what}:{booking_id}:{key}"))
