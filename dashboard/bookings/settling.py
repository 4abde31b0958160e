"""What comes after a commit: Stripe is asked at once, and the booking follows its payment.

Nothing here is needed for the outcome. The rows are the queue, and the sweeps find them; this only
makes the answer tell the fresh state.
"""

import structlog

from dashboard.bookings import queries
from dashboard.payments import cards, ledger, sending, settle
from dashboard.payments import queries as payments
from dashboard.payments.facts import CREATES, State, Verb
from dashboard.payments.resume import resume
from dashboard.payments.tables import Operation
from dashboard.stripe_gateway import NotThere, Unreachable

log = structlog.get_logger()
# Trouble that passes: the purchase stays due, and a sweep comes back to it.
PASSING = (Unreachable, NotThere, ledger.Contended)


async def send(operation: Operation) -> None:
    """Send a claimed attempt to pay, then let the booking follow; the rows tell how it ended."""
    await sending.send(operation.id, planned_until=sending.claimed_until(operation))
    await queries.follow([operation.purchase])


async def bring_about(purchase_id: int) -> None:
    """Settle what was decided, as far as Stripe can be reached now."""
    try:
        await settle.settle(purchase_id)
    except PASSING as error:
        log.warning("settle.left_due", purchase=purchase_id, error=type(error).__name__)
    await queries.follow([purchase_id])


async def save_card(purchase_id: int) -> None:
    """Save the card of a far lesson, as far as Stripe can be reached now."""
    try:
        await cards.save(purchase_id)
    except PASSING as error:
        log.warning("card.left_due", purchase=purchase_id, error=type(error).__name__)
    await queries.follow([purchase_id])


async def ask_again(purchase_id: int, verbs: tuple[Verb, ...] = CREATES) -> None:
    """Ask Stripe once more about an operation whose outcome is unknown, if there is one."""
    await save_card(purchase_id)
    books = await payments.books(purchase_id)
    operation = books.operation if books else None
    if operation is None or Verb(operation.asked_verb) not in verbs:
        return
    if State(operation.state) not in (State.PLANNED, State.SENDING, State.UNKNOWN):
        return
    try:
        await resume(operation.id, at_once=True)
    except PASSING as error:
        log.warning("payment.still_unknown", operation=operation.id, error=type(error).__name__)
    await queries.follow([purchase_id])


async def read_waiting(purchase_id: int) -> None:
    """Read Stripe for attempts that wait for the student or the bank, as far as it can be read."""
    books = await payments.books(purchase_id)
    for facts in books.payment_facts if books else ():
        if facts.unfinished:
            try:
                await ledger.post(facts.id)
            except PASSING as error:
                log.warning("payment.not_read", payment=facts.id, error=type(error).__name__)
    await queries.follow([purchase_id])
