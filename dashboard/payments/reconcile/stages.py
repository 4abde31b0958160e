"""What a run goes through, a page at a time. Each answers where the next page starts.

`Ran` carries the counts; `late` tells when the budget is spent in the middle of a page: its cursor
stays then, and the payments that are marked already are not looked at again.
"""

import time
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog

from dashboard import stripe_lists
from dashboard.payments import ledger
from dashboard.payments.facts import CREATES, State, Status
from dashboard.payments.reconcile import differences, examining, marks
from dashboard.payments.reconcile.causes import OF_INTENTS
from dashboard.payments.reconcile.comparison import Pages, prices
from dashboard.payments.reconcile.comparison import differences as compared
from dashboard.payments.reconcile.examining import REFUSED, pages_of
from dashboard.payments.reconcile.finding import Verdict
from dashboard.payments.reconcile.orphans import orphan
from dashboard.payments.tables import Operation, Payment, PaymentEvent
from dashboard.snapshots import Intent, Refund
from dashboard.stripe_gateway import NotThere, Unreachable, gateway
from dashboard.stripe_lists import Listed

log = structlog.get_logger()
BATCH = 100
# More silent payments than that in a piece of a run: it is Stripe that is away, not they.
MOST_SKIPPED = 5


@dataclass
class Ran:
    """A run as it goes on: its number, its window, until when it may go on, what it has counted.

    A `patient` one waits when Stripe does not answer for a payment; else it goes on without it.
    """

    id: int
    since: datetime
    ends_at: float
    patient: bool = True
    skipped: int = 0
    read_wholly: int = 0
    under_way: int = 0
    converged: int = 0

    @property
    def late(self) -> bool:
        return time.monotonic() >= self.ends_at

    async def payment(self, payment_id: int) -> None:
        """Compare one payment wholly and keep what differs."""
        verdict = await self._look(payment_id)
        self.read_wholly += 1
        if await self._keep(verdict):
            await differences.settle_payment(payment_id, verdict.findings)
            await marks.mark([payment_id], self.id)

    async def _look(self, payment_id: int) -> Verdict:
        try:
            return await examining.payment(payment_id)
        except Unreachable as error:
            if self.patient or self.skipped >= MOST_SKIPPED:
                raise
            self.skipped += 1
            return await examining.unreadable(payment_id, error)
        except REFUSED as error:
            log.exception("reconcile.unreadable", payment=payment_id, error=type(error).__name__)
            return await examining.unreadable(payment_id, error)

    async def intent(self, intent: Intent) -> None:
        """Look at an intent that no payment holds, and keep what there is to say about it."""
        verdict = await orphan(intent)
        if await self._keep(verdict):
            await differences.settle_intent(intent.id, verdict.findings)

    async def _keep(self, verdict: Verdict) -> bool:
        if verdict.under_way:
            self.under_way += 1
            return False
        self.converged += await differences.keep(verdict.findings, self.id)
        return True


async def intents(ran: Ran, cursor: str) -> str | None:
    """Every intent that Stripe has of the window, against our rows; wholly where that is needed."""
    page = await stripe_lists.intents(ran.since, cursor)
    rows = await _rows_of(one.intent.id for one in page.items)
    done = await marks.marked([row.id for row in rows.values()], ran.id)
    books = await pages_of([row for row in rows.values() if row.id not in done])
    agreed = []
    for one in page.items:
        row = rows.get(one.intent.id)
        if row is None:
            await ran.intent(one.intent)
        elif row.id not in done and _agrees(books[row.id], one):
            agreed.append(row.id)
        elif row.id not in done:
            if ran.late:
                await marks.mark(agreed, ran.id)
                return cursor
            await ran.payment(row.id)
    await marks.mark(agreed, ran.id)
    await _priced(page.items, rows)
    return page.cursor


async def _priced(items: Sequence[Listed], rows: Mapping[str, Payment]) -> None:
    """Keep the fees that the list tells and we don't know yet."""
    for one in items:
        row, charge = rows.get(one.intent.id), one.intent.hold_charge
        if row is not None and charge is not None and prices(charge, row):
            await ledger.learn_fee(row.id, charge)


def _agrees(pages: Pages, one: Listed) -> bool:
    """Whether the list alone shows that all is well."""
    intent = one.intent
    named, latest = intent.operation_id, intent.charge.id if intent.charge else ""
    known = named is None or any(row.id == named for row in pages.operations)
    if one.touched or pages.touched(latest) or not known:
        return False
    return not compared(pages, intent, set())


async def refunds(ran: Ran, cursor: str) -> str | None:
    """Every refund of the window: those that the story lacks, also of older payments."""
    page = await stripe_lists.refunds(ran.since, cursor)
    keys = {_key_of_refund(refund): intent_id for intent_id, refund in page.items}
    told = await PaymentEvent.select(PaymentEvent.key).where(
        PaymentEvent.key.is_in(list(keys) or [""])
    )
    known = {row["key"] for row in told}
    await _look(ran, [intent_id for key, intent_id in keys.items() if key not in known])
    return page.cursor


def _key_of_refund(refund: Refund) -> str:
    phase = "succeeded" if refund.succeeded else "failed" if refund.failed else "pending"
    return f"refund:{refund.id}:{phase}"


async def disputes(ran: Ran, cursor: str) -> str | None:
    """Every dispute of the window, also of payments from before it, which are read wholly."""
    page = await stripe_lists.disputes(ran.since, cursor)
    rows = await _rows_of(intent_id for intent_id, _ in page.items)
    done = await marks.marked([row.id for row in rows.values()], ran.id)
    compared = {name for name, row in rows.items() if row.id in done}
    await _look(ran, [intent_id for intent_id, _ in page.items if intent_id not in compared])
    return page.cursor


async def _look(ran: Ran, intent_ids: Sequence[str]) -> None:
    rows = await _rows_of(intent_ids)
    for intent_id in dict.fromkeys(intent_ids):
        if intent_id in rows:
            await ran.payment(rows[intent_id].id)
        else:
            await _alone(ran, intent_id)


async def _alone(ran: Ran, intent_id: str) -> None:
    try:
        await ran.intent(await gateway().fetch(intent_id))
    except NotThere:
        await differences.settle_intent(intent_id, [])


async def ours(ran: Ran, cursor: str) -> str | None:
    """Payments of ours that Stripe's list did not show: open ones, and those of the window."""
    lately = (Payment.created_at >= ran.since) | (Payment.synced_at >= ran.since)
    moving = Payment.payment_status.is_in([Status.PENDING, Status.AUTHORIZED])
    away = (Payment.refund_pending_amount > 0) | (Payment.disputed_amount > 0)
    rows = (
        await Payment.select(Payment.id)
        .where((Payment.id > int(cursor or 0)) & (lately | moving | away))
        .where(Payment.stripe_intent_id.is_not_null() | Payment.id.is_in(_sent()))
        .order_by(Payment.id)
        .limit(BATCH)
    )
    ids = [row["id"] for row in rows]
    done = await marks.marked(ids, ran.id)
    for payment_id in ids:
        if payment_id in done:
            continue
        if ran.late:
            return str(payment_id - 1)
        await ran.payment(payment_id)
    return str(ids[-1]) if len(ids) == BATCH else None


def _sent() -> Any:
    """Payments whose attempt is said to have reached Stripe, or may have."""
    lived = Operation.state.is_in([State.SUCCEEDED, State.STALLED])
    create = Operation.asked_verb.is_in(list(CREATES))
    return Operation.select(Operation.payment).where(lived & create)


async def again(ran: Ran, cursor: str) -> str | None:
    """Differences that this run has not come by: of payments, or intents, before its window."""
    rows = await differences.unseen(ran.id, BATCH, int(cursor or 0))
    for row in rows:
        if ran.late:
            return str(row.id - 1)
        if row.payment is not None and row.kind not in OF_INTENTS:
            await ran.payment(row.payment)
        elif row.intent_id is not None:
            await _alone(ran, row.intent_id)
    return str(rows[-1].id) if len(rows) == BATCH else None


async def _rows_of(intent_ids: Iterable[str]) -> dict[str, Payment]:
    rows = await Payment.objects().where(
        Payment.stripe_intent_id.is_in(list(dict.fromkeys(intent_ids)) or [""])
    )
    return {row.stripe_intent_id: row for row in rows}


Stage = Callable[[Ran, str], Coroutine[Any, Any, str | None]]
BY_NAME: dict[str, Stage] = {
    "intents": intents,
    "refunds": refunds,
    "disputes": disputes,
    "ours": ours,
    "again": again,
}
