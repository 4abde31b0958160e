"""Saves the card of a far lesson by a SetupIntent, long before its hold is placed.

Saving a card moves no money, so it needs no operation: the purchase's row is the queue, a repeat
under the same key changes nothing, and Stripe is read for how it stands.
"""

import json
from datetime import timedelta
from typing import Any

import structlog

from dashboard import clock, db
from dashboard.payments import ledger, queries
from dashboard.payments.actors import Actor
from dashboard.payments.events import write_word
from dashboard.payments.facts import CardState
from dashboard.payments.tables import Payment, Purchase
from dashboard.payments.turning import card_works, touch
from dashboard.snapshots import Refusal, Setup
from dashboard.stripe_gateway import gateway

log = structlog.get_logger()
STUDENT = Actor("Student", "student")
OPEN = (CardState.WANTED, CardState.NEEDS_CUSTOMER)
# While the student confirms with the bank; a webhook usually comes first.
READ_EVERY = timedelta(minutes=5)
FIRST_RETRY = timedelta(seconds=30)
LONGEST_RETRY = timedelta(hours=1)


async def want(purchase_id: int, payment_method: str | None = None) -> None:
    """Note that a card is to be saved, inside the caller's transaction; `save` asks Stripe."""
    values: dict[Any, Any] = {
        "card_state": CardState.WANTED,
        "setup_intent_id": None,
        "card_due_at": clock.now(),
        "card_tries": 0,
        "due_at": clock.now(),
    }
    await Purchase.update(values).where(Purchase.id == purchase_id)
    await card_works(purchase_id, payment_method)


async def save(purchase_id: int) -> None:
    """Bring the saving of a purchase's card one step nearer to its end; idempotent.

    Raises the gateway's Unreachable and NotThere; the row then stays due, with back-off.
    """
    purchase = await _claim(purchase_id)
    books = await queries.books(purchase_id)
    if purchase is None or books is None or books.current is None:
        return
    if purchase.setup_intent_id is None:
        setup = await gateway().save_card(params_of(purchase), key=_key(purchase, books.current))
    else:
        setup = await gateway().fetch_setup(purchase.setup_intent_id)
    await db.shielded(_keep(purchase, books.current, setup))


async def due(limit: int) -> list[int]:
    """Purchases whose card Stripe is to be asked about, the longest overdue first."""
    found = (
        await Purchase.select(Purchase.id)
        .where(Purchase.card_due_at <= clock.now())
        .order_by(Purchase.card_due_at)
        .limit(limit)
    )
    return [row["id"] for row in found]


async def of_setup(setup_id: str) -> int | None:
    """The purchase whose card this SetupIntent saves."""
    found = await Purchase.select(Purchase.id).where(Purchase.setup_intent_id == setup_id).first()
    return None if found is None else int(found["id"])


async def _claim(purchase_id: int) -> Purchase | None:
    """Move the due time on before Stripe is asked, so that a failure backs off by itself."""
    row = await Purchase.objects().get(Purchase.id == purchase_id)
    if row is None or row.card_state not in OPEN:
        return None
    if row.owed == 0:
        await Purchase.update({Purchase.card_due_at: None}).where(Purchase.id == purchase_id)
        return None
    delay = min(FIRST_RETRY * 2 ** min(row.card_tries, 8), LONGEST_RETRY)
    values: dict[Any, Any] = {"card_tries": row.card_tries + 1, "card_due_at": clock.now() + delay}
    await Purchase.update(values).where(
        (Purchase.id == purchase_id) & (Purchase.card_tries == row.card_tries)
    )
    return row


def params_of(purchase: Purchase) -> dict[str, Any]:
    """What Stripe is asked in order to save a purchase's card."""
    return {
        "customer": purchase.customer,
        "payment_method": purchase.payment_method,
        "usage": "off_session",
        "confirm": True,
        "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        "description": purchase.description,
        "metadata": json.loads(purchase.metadata),
    }


def _key(purchase: Purchase, payment: Payment) -> str:
    """One key per card and attempt; the customer is Stripe's own, so no two shops share one."""
    made = int(payment.created_at.timestamp())
    return f"card:{purchase.customer}:{payment.id}:{made}:{purchase.payment_method}"[:255]


async def _keep(before: Purchase, payment: Payment, setup: Setup) -> None:
    """Write down how it stands, unless the student has taken another card meanwhile."""
    async with db.transaction():
        purchase = await touch(before.id)
        same = (purchase.setup_intent_id, purchase.payment_method, purchase.card_state) == (
            before.setup_intent_id,
            before.payment_method,
            before.card_state,
        )
        if not same:
            return
        state = state_of(setup)
        waits = state in OPEN
        await Purchase.update(
            {
                "card_state": state,
                "setup_intent_id": setup.id or None,
                "card_due_at": clock.now() + READ_EVERY if waits else None,
            }
        ).where(Purchase.id == purchase.id)
        if state is CardState.SAVED:
            await card_works(purchase.id, setup.payment_method)
        if state is CardState.REFUSED:
            await ledger.failed(payment.id, setup.refusal or UNSAID)
        if purchase.owed != 0:
            await _tell(payment, state, setup)
    log.info("card.saved", purchase=before.id, state=str(state))


UNSAID = Refusal("setup_canceled", "The saving of the card was cancelled.")


def state_of(setup: Setup) -> CardState:
    """What the saving of a card has come to."""
    if setup.status == "succeeded":
        return CardState.SAVED
    if setup.status == "refused":
        return CardState.REFUSED
    return CardState.NEEDS_CUSTOMER


def word_of(setup: Setup, payment: Payment) -> tuple[str, str]:
    """The kind of the event that tells of it, and the key that makes it count once."""
    kind = {
        CardState.SAVED: "card_saved",
        CardState.REFUSED: "card_refused",
        CardState.NEEDS_CUSTOMER: "card_waiting",
    }[state_of(setup)]
    return kind, f"{kind}:{setup.id or payment.id}:{payment.id}"


async def _tell(payment: Payment, state: CardState, setup: Setup) -> None:
    reason = setup.refusal.message if setup.refusal and state is CardState.REFUSED else ""
    kind, key = word_of(setup, payment)
    await write_word(payment, kind, reason, STUDENT, key=key)
