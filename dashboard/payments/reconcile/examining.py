"""Looks at one payment as closely as can be.

What `ledger.post` can bring in line it does here; nothing else writes to a payment.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta

import asyncpg

from dashboard.payments import ledger
from dashboard.payments.facts import CREATES, State
from dashboard.payments.reconcile import causes
from dashboard.payments.reconcile.causes import MIXED_UP, Kind
from dashboard.payments.reconcile.comparison import Field, Pages, differences, plain
from dashboard.payments.reconcile.finding import Finding, Verdict
from dashboard.payments.reconcile.orphans import orphan
from dashboard.payments.tables import Operation, Payment, PaymentEvent, Purchase, StripeEvent
from dashboard.snapshots import Intent
from dashboard.stripe_gateway import NotThere, gateway
from dashboard.stripe_lists import charges_of

TRIES = 3
LOOK_BACK = timedelta(minutes=5)
# A picture that our rows refuse to hold: for a person, and no reason to stop the run.
REFUSED: tuple[type[BaseException], ...] = (
    sqlite3.IntegrityError,
    asyncpg.IntegrityConstraintViolationError,
    ValueError,
    LookupError,
    TypeError,
    ArithmeticError,
)


async def pages_of(rows: Sequence[Payment]) -> dict[int, Pages]:
    """The story and the operations of these payments."""
    if not rows:
        return {}
    ids = [row.id for row in rows]
    events: dict[int, list[PaymentEvent]] = defaultdict(list)
    for event in await PaymentEvent.objects().where(PaymentEvent.payment.is_in(ids)):
        events[event.payment].append(event)
    asked: dict[int, list[Operation]] = defaultdict(list)
    mine = Operation.objects().where(Operation.payment.is_in(ids))
    for operation in await mine.order_by(Operation.asked_at):
        asked[operation.payment].append(operation)
    return {row.id: Pages(row, events[row.id], asked[row.id]) for row in rows}


async def payment(payment_id: int) -> Verdict:
    """Compare one payment with Stripe wholly, and post where that mends something.

    Raises Unreachable; a payment that keeps moving meanwhile is `under_way`.
    """
    for _ in range(TRIES):
        pages = await _pages(payment_id)
        if pages.under_way:
            return Verdict(under_way=True)
        if pages.row.stripe_intent_id is None:
            return await _without_intent(pages)
        try:
            intent = await gateway().fetch(pages.row.stripe_intent_id)
        except NotThere:
            return Verdict([_not_there(pages.row)])
        found = await _compared(pages, intent)
        still = (Payment.id == payment_id) & (Payment.version == pages.row.version)
        if await Payment.exists().where(still):
            return await _told(pages, intent, found) if found else Verdict()
    return Verdict(under_way=True)


async def _pages(payment_id: int) -> Pages:
    row = await Payment.objects().get(Payment.id == payment_id)
    if row is None:
        raise LookupError(f"payment {payment_id}")
    return (await pages_of([row]))[payment_id]


async def _compared(pages: Pages, intent: Intent) -> list[Field]:
    latest = intent.charge.id if intent.charge else ""
    declined = {one.key for one in pages.story if one.key.startswith("declined:ch_")}
    earlier = declined - {f"declined:{latest}"}
    found = differences(pages, intent, await charges_of(intent.id) if earlier else set())
    return found + await _of_another(pages, intent)


async def _of_another(pages: Pages, intent: Intent) -> list[Field]:
    named = intent.operation_id
    if named is None or any(row.id == named for row in pages.operations):
        return []
    row = await Operation.objects().get(Operation.id == named)
    if row is None:
        return []
    ours, theirs = f"payment {pages.row.id}", f"payment {row.payment}"
    return [Field("belongs to", ours, theirs, "operation", mendable=False)]


async def _told(pages: Pages, intent: Intent, found: list[Field]) -> Verdict:
    """Mend what can be mended by a post; what is left is for a person."""
    mendable = [one for one in found if one.mendable]
    lasting = _lasting(pages, found)
    if any(one.kind in MIXED_UP for one in lasting):
        # A post would write one payment's movements into another one's rows.
        return Verdict([replace(one, fields=found) for one in lasting if one.kind in MIXED_UP])
    if not mendable:
        return Verdict(lasting)
    kind = causes.of_mendable(mendable, pages, intent)
    hint = await _hint(intent.id) if causes.unheard(kind) else ""
    mended = replace(_finding(pages, kind, mendable), converged=True, hint=hint)
    try:
        await ledger.post(pages.row.id)
    except ledger.Contended:
        return Verdict(under_way=True)
    except REFUSED as error:
        said = replace(_finding(pages, Kind.UNREADABLE, mendable), hint=str(error)[:300])
        return Verdict([said, *lasting])
    after = await _pages(pages.row.id)
    left = await _compared(after, await gateway().fetch(intent.id))
    still = [one for one in left if one.mendable and one in mendable]
    if still:
        return Verdict([replace(mended, fields=still, converged=False), *_lasting(after, left)])
    return Verdict([mended, *_lasting(after, left)])


async def unreadable(payment_id: int, error: BaseException) -> Verdict:
    """A payment that can't be looked at, whatever is wrong with it: for a person."""
    pages = await _pages(payment_id)
    ours = plain(pages.row.payment_status)
    fields = [Field("payment_status", ours, None, mendable=False)]
    hint = f"{type(error).__name__}: {error}"[:300]
    return Verdict([replace(_finding(pages, Kind.UNREADABLE, fields), hint=hint)])


def _lasting(pages: Pages, fields: Iterable[Field]) -> list[Finding]:
    """What no post changes, gathered by kind."""
    by_kind: dict[Kind, list[Field]] = defaultdict(list)
    for one in fields:
        if not one.mendable:
            by_kind[causes.of_lasting(one, pages)].append(one)
    return [_finding(pages, kind, found) for kind, found in by_kind.items()]


def _finding(pages: Pages, kind: Kind, fields: Sequence[Field]) -> Finding:
    row = pages.row
    return Finding(kind, fields, row.id, row.stripe_intent_id, currency=row.currency)


def _not_there(row: Payment) -> Finding:
    fields = [Field("payment_status", plain(row.payment_status), None, mendable=False)]
    kind = Kind.NOT_AT_STRIPE
    return Finding(kind, fields, row.id, row.stripe_intent_id, currency=row.currency)


async def _hint(intent_id: str) -> str:
    """What became of the webhooks about it."""
    newest = (
        await StripeEvent.objects()
        .where(StripeEvent.intent_id == intent_id)
        .order_by(StripeEvent.received_at, ascending=False)
        .first()
    )
    if newest is None:
        return "No webhook about this payment has arrived."
    return {
        "dead": "Its webhook is a dead letter.",
        "waiting": "Its webhook waits to be handled.",
    }.get(newest.state, "The webhooks that arrived were handled, before this or without an effect.")


async def _without_intent(pages: Pages) -> Verdict:
    """A payment that should have an intent: look for the one that its operation made."""
    row = pages.row
    lived = [
        one
        for one in pages.operations
        if one.asked_verb in CREATES
        and one.first_sent_at is not None
        and one.state in (State.SUCCEEDED, State.STALLED)
    ]
    purchase = await Purchase.objects().get(Purchase.id == row.purchase)
    for one in lived:
        assert purchase is not None
        since = one.first_sent_at - LOOK_BACK
        found = await gateway().find_created(purchase.customer, one.id, since)
        if found:
            return await orphan(await gateway().fetch(found))
    # A stalled operation is on the needs-a-person list already.
    silent = [one for one in lived if one.state == State.SUCCEEDED]
    if not silent:
        return Verdict()
    fields = [Field("intent", f"{silent[-1].asked_verb} {silent[-1].state}", None, mendable=False)]
    return Verdict([Finding(Kind.NO_INTENT, fields, row.id, currency=row.currency)])
