"""Writes down what was confirmed about many holds, once for each review page."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dashboard import clock
from dashboard.batches.tables import RETRIED, Batch, BatchRow, RowState
from dashboard.bookings.errors import KeyReused
from dashboard.payments.actions import Shown, Stood
from dashboard.payments.actors import Actor
from dashboard.payments.facts import State, Verb
from dashboard.payments.tables import Operation, Payment


@dataclass(frozen=True, slots=True)
class Item:
    """One hold as the review page showed it, and what is to be moved of it, in minor units."""

    payment_id: int
    amount: int
    shown: Shown
    stood: Stood


@dataclass(frozen=True, slots=True)
class Order:
    """What a review page asks for; `key` is its own UUID."""

    key: str
    verb: Verb
    items: Sequence[Item]
    reason: str = ""
    note: str = ""


async def confirm(order: Order, by: Actor) -> tuple[int, bool]:
    """Write the batch and its rows; answers its id, and whether it is new.

    Belongs into the caller's transaction. Raises KeyReused for a page that was confirmed
    before with another content, and LookupError for a payment that does not exist.
    """
    made = await Batch.insert(
        Batch(
            key=order.key,
            verb=order.verb,
            reason=order.reason,
            note=order.note,
            asked_by=by.name[:255],
            asked_by_staff=by.staff_id,
            asked_at=clock.now(),
        )
    ).on_conflict(action="DO NOTHING", target=Batch.key)
    if not made:
        return await _same(order), False
    batch_id = int(made[0]["id"])
    await BatchRow.insert(*await _rows(batch_id, order, by))
    return batch_id, True


async def retry(batch_id: int, retries: int, by: Actor) -> int:
    """Ask anew, as `by`, for the rows that were declined or found another movement under way.

    Answers how many. `retries` is the number that the page showed: an old page's button asks for
    nothing. Belongs into the caller's transaction.
    """
    taken = (
        await Batch.update({Batch.retries: retries + 1})
        .where((Batch.id == batch_id) & (Batch.retries == retries))
        .returning(Batch.key)
    )
    if not taken:
        return 0
    rows = await BatchRow.objects().where(
        (BatchRow.batch == batch_id) & BatchRow.state.is_in([str(state) for state in RETRIED])
    )
    done = await believed(rows)
    again = [row for row in rows if row.operation not in done]
    for row in again:
        await BatchRow.update(_anew(row, taken[0]["key"], by)).where(BatchRow.id == row.id)
    return len(again)


async def believed(rows: Sequence[BatchRow]) -> set[str]:
    """The operations of declined rows that were found to have worked at Stripe after all."""
    closed = [row.operation for row in rows if row.state == RowState.DECLINED]
    if not closed:
        return set()
    found = await Operation.select(Operation.id).where(
        Operation.id.is_in(closed) & (Operation.state == State.SUCCEEDED)
    )
    return {row["id"] for row in found}


def operation_id(key: str, payment_id: int, tries: int) -> str:
    """The operation of one try at one hold: the same, whoever works it out and how often."""
    return str(uuid.uuid5(uuid.UUID(key), f"{payment_id}:{tries}"))


async def _rows(batch_id: int, order: Order, by: Actor) -> list[BatchRow]:
    ids = [item.payment_id for item in order.items]
    found = await Payment.select(Payment.id, Payment.purchase, Payment.currency).where(
        Payment.id.is_in(ids)
    )
    known = {row["id"]: row for row in found}
    if missing := set(ids) - set(known):
        raise LookupError(sorted(missing))
    now = clock.now()
    return [
        BatchRow(
            batch=batch_id,
            payment=item.payment_id,
            purchase=known[item.payment_id]["purchase"],
            currency=known[item.payment_id]["currency"],
            amount=item.amount,
            authorized_amount=item.shown.authorized,
            captured_amount=item.shown.captured,
            refunded_amount=item.shown.refunded,
            undecided=item.stood.undecided,
            paused_until=item.stood.paused_until,
            asked_by=by.name[:255],
            asked_by_staff=by.staff_id,
            operation=operation_id(order.key, item.payment_id, 1),
            due_at=now,
        )
        for item in order.items
    ]


async def _same(order: Order) -> int:
    batch = await Batch.objects().get(Batch.key == order.key)
    assert batch is not None
    rows = await BatchRow.select(BatchRow.payment, BatchRow.amount).where(
        BatchRow.batch == batch.id
    )
    before = {row["payment"]: row["amount"] for row in rows}
    now = {item.payment_id: item.amount for item in order.items}
    if (batch.verb, batch.reason, batch.note, before) != (
        order.verb,
        order.reason,
        order.note,
        now,
    ):
        raise KeyReused
    return int(batch.id)


def _anew(row: BatchRow, key: str, by: Actor) -> dict[Any, Any]:
    return {
        "state": RowState.WAITING,
        "tries": row.tries + 1,
        "operation": operation_id(key, row.payment, row.tries + 1),
        "asked_by": by.name[:255],
        "asked_by_staff": by.staff_id,
        "due_at": clock.now(),
        "lease": None,
        "code": "",
        "said": "",
        "finished_at": None,
    }
