"""Makes Stripe agree with what was decided: performs what `next_step` answers, one at a time."""

import contextlib
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog

from dashboard import clock, db
from dashboard.payments import actions, events, ledger, queries, trouble
from dashboard.payments.actions import Wish
from dashboard.payments.actors import SWEEP, Actor
from dashboard.payments.case import REFUSALS_UNTIL_A_PERSON_LOOKS, Do, Step
from dashboard.payments.errors import Busy, Declined, NotAllowed, OutcomeUnknown
from dashboard.payments.facts import Verb
from dashboard.payments.resume import resume
from dashboard.payments.tables import Payment, Purchase
from dashboard.payments.turning import touch
from dashboard.stripe_gateway import Unreachable

log = structlog.get_logger()
MOST_STEPS = 6
# 1, 2, 4, 8 minutes apart: a quarter of an hour.
STRIPE_AWAY_UNTIL_A_PERSON_LOOKS = 5
READ_AGAIN = timedelta(minutes=1)
CLAIM_FOR = timedelta(minutes=1)
# Why a booking that nobody paid for is let go, as the rules call it.
LET_GO = ("abandoned", "never_paid", "never_held")
VERBS = {
    Do.AUTHORIZE: Verb.AUTHORIZE,
    Do.CAPTURE: Verb.CAPTURE,
    Do.RELEASE: Verb.RELEASE,
    Do.REFUND: Verb.REFUND,
}


@dataclass(frozen=True, slots=True)
class Decision:
    """What is owed, why, by whom, and from when it may be captured (None: as planned)."""

    owed: int
    reason: str
    by: str
    due_at: datetime | None = None


async def decide(purchase_id: int, decision: Decision) -> int:
    """Commit what is owed, inside the caller's transaction; answers what is owed now.

    Once decided, `owed` only falls: a later decision for more changes nothing.
    """
    purchase = await touch(purchase_id)
    if purchase.owed is not None and decision.owed > purchase.owed:
        return int(purchase.owed)
    await Purchase.update(
        {
            "owed": decision.owed,
            "owed_reason": decision.reason[:500],
            "decided_by": decision.by[:255],
            "decided_at": clock.now(),
            "capture_due_at": decision.due_at or purchase.capture_due_at,
        }
    ).where(Purchase.id == purchase_id)
    if decision.owed == 0:
        await _called_off(purchase, decision.by)
        await ledger.never_asked(purchase_id)
    return decision.owed


async def _called_off(purchase: Purchase, by: str) -> None:
    """Tell of a far lesson without a hold that nothing is going to be held: no movement does."""
    if purchase.hold_due_at is None:
        return
    books = await _books(purchase.id)
    if books.never_held and books.current is not None:
        who, key = Actor(by, "decision"), f"let_go:{books.current.id}"
        await events.write_word(books.current, "let_go", "called_off", who, key=key)


async def withdraw_refund(
    purchase_id: int, by: str, reason: str, payment_id: int | None = None
) -> int:
    """Keep what is kept after all, inside the caller's transaction; answers what is owed now.

    The one way in which `owed` rises: a person withdraws a refund that is still due, or has paid
    it back in another way. `payment_id` is the payment of which it is (None: the one that stands);
    of one that another has replaced its own money is kept, and what is owed stays. Raises Busy
    while a movement is under way.
    """
    purchase = await touch(purchase_id)
    books = await _books(purchase_id)
    if books.operation is not None:
        raise Busy(books.operation)
    if payment_id is not None and await trouble.keep_replaced(payment_id):
        return purchase.price if purchase.owed is None else int(purchase.owed)
    kept = books.current_facts.refundable if books.current_facts else 0
    owed = purchase.owed if purchase.owed is None else max(purchase.owed, kept)
    now = clock.now()
    decided: dict[Any, Any] = {"owed": owed, "owed_reason": reason[:500]}
    await Purchase.update({**decided, "decided_by": by[:255], "decided_at": now}).where(
        Purchase.id == purchase_id
    )
    if books.current is not None:
        await trouble.clear(books.current.id)
    return kept if owed is None else int(owed)


async def settle(purchase_id: int) -> Step:
    """Perform what is due for a purchase now and plan when to look again; idempotent.

    Answers the step that it stopped at. Raises the gateway's Unreachable when Stripe can't be
    read; the purchase then stays due.
    """
    for _ in range(MOST_STEPS):
        books = await _books(purchase_id)
        step = books.step(clock.now())
        if not await _act(step, books):
            break
    if step.do is Do.RESUME:
        # It has been asked about and is still open: what is planned has to be read afresh.
        books = await _books(purchase_id)
        step = books.step(clock.now())
    await _plan(books.purchase, step)
    return step


async def _books(purchase_id: int) -> queries.Books:
    found = await queries.books(purchase_id)
    if found is None:
        raise LookupError(f"purchase {purchase_id}")
    return found


async def claim_due(purchase_id: int) -> bool:
    """Take a due purchase for a minute, so that two workers don't look at it at once."""
    now = clock.now()
    rows = (
        await Purchase.update({"due_at": now + CLAIM_FOR})
        .where((Purchase.id == purchase_id) & (Purchase.due_at <= now))
        .returning(Purchase.id)
    )
    return bool(rows)


async def postpone(purchase_id: int, error: Exception) -> None:
    """Back off one purchase that could not be settled; the others go on."""
    purchase = await Purchase.objects().get(Purchase.id == purchase_id)
    assert purchase is not None
    failures = purchase.settle_failures + 1
    delay = min(timedelta(minutes=1) * 2 ** min(failures - 1, 6), timedelta(hours=1))
    said = f"{type(error).__name__}: {error}"[:500]
    books = await _books(purchase_id)
    values: dict[Any, Any] = {
        "settle_failures": failures,
        "settle_error": said,
        "due_at": _not_too_late(books, clock.now() + delay),
    }
    # While Stripe is away nothing can be planned, and all the more a person has to know.
    passing = isinstance(error, (Unreachable, ledger.Contended, *db.CONNECTION_ERRORS))
    most = STRIPE_AWAY_UNTIL_A_PERSON_LOOKS if passing else REFUSALS_UNTIL_A_PERSON_LOOKS
    stuck = failures >= most
    attention = books.step(clock.now()).attention or ("keeps_failing" if stuck else None)
    if attention:
        since = purchase.attention_since or clock.now()
        values |= {"attention": attention, "attention_since": since}
    await Purchase.update(values).where(Purchase.id == purchase_id)
    log.warning("settle.postponed", purchase=purchase_id, failures=failures, error=said)


def _not_too_late(books: queries.Books, at: datetime) -> datetime:
    """Never let a back-off sleep through the end of a hold: a quarter of its time at most."""
    current = books.current_facts
    if current is None or not current.held or current.expires_at is None:
        return at
    now = clock.now()
    return min(at, now + max(READ_AGAIN, (current.expires_at - now) / 4))


async def _act(step: Step, books: queries.Books) -> bool:
    """Do the step; true when there may be another one right after it."""
    purchase_id = books.purchase.id
    if step.do is Do.DECIDE:
        return await _decide(step, books)
    if step.do is Do.READ and step.payment_id is not None:
        # The rules look at when Stripe was read last, so this can't go round in circles.
        await ledger.post(step.payment_id)
        return True
    if step.do is Do.RESUME and step.operation_id is not None:
        return not queries.is_open(await resume(step.operation_id))
    if step.do not in VERBS:
        return False
    wish = Wish(
        VERBS[step.do],
        purchase_id,
        str(uuid.uuid4()),
        SWEEP,
        step.payment_id,
        step.amount,
        reason=_cancel_reason(step),
    )
    # Each of these is in the rows now; the next look reads what to do about it.
    with contextlib.suppress(Busy, Declined, NotAllowed, OutcomeUnknown):
        await actions.perform(wish)
    return True


def _cancel_reason(step: Step) -> str:
    return {"superseded": "duplicate", "cancel_intent": "abandoned"}.get(step.why, "")


async def _decide(step: Step, books: queries.Books) -> bool:
    """Write down what the clock, or the expiry policy, decides, if the books still say so."""
    payment = await Payment.objects().get(Payment.id == step.payment_id)
    assert payment is not None
    async with db.transaction():
        purchase = await touch(books.purchase.id)
        if purchase.version != books.purchase.version + 1:
            # A movement, a payment or another decision came in between: the rules are asked again.
            return True
        if step.why in LET_GO:
            await events.write_word(payment, "let_go", step.why, SWEEP, key=f"let_go:{payment.id}")
        if step.owed is not None:
            due = clock.now() if step.policy == "capture" else None
            decision = Decision(step.owed, step.why, SWEEP.name, due)
            await decide(books.purchase.id, decision)
        if step.policy:
            await events.write_decision(payment, step.policy, step.why, step.owed or 0, SWEEP.name)
            decided: dict[Any, Any] = {"expiry_decision": step.policy}
            decided["expiry_decided_for"] = payment.id
            await Purchase.update(decided).where(Purchase.id == books.purchase.id)
    return True


async def _plan(purchase: Purchase, step: Step) -> None:
    """Keep when to look again and whether a person must, unless something changed meanwhile."""
    await Purchase.update(planned(purchase, step, clock.now())).where(
        (Purchase.id == purchase.id) & (Purchase.version == purchase.version)
    )


def planned(purchase: Purchase, step: Step, now: datetime) -> dict[Any, Any]:
    """The columns that say when to look at a purchase again, and whether a person must."""
    at = step.at
    if at is not None and at <= now:
        # It was due and is still not done; another look must not spin.
        at = now + READ_AGAIN
    since = purchase.attention_since or now
    return {
        "due_at": at,
        "attention": step.attention,
        "attention_since": since if step.attention else None,
        "settle_failures": 0,
        "settle_error": "",
    }
