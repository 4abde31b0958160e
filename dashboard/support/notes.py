"""What staff write on a hold for each other, beside its tickets. Never changed, never removed."""

from collections.abc import Sequence

from dashboard import clock
from dashboard.bookings.errors import BadOrder, KeyReused
from dashboard.payments.actors import Actor
from dashboard.support import wording
from dashboard.support.tables import HoldNote


async def write(purchase_id: int, payment_id: int, body: str, by: Actor, key: str) -> None:
    """Write a note on a purchase's money, once for `key`, however often the form arrives.

    Raises BadOrder for an empty or too long text, KeyReused for a key that wrote another one.
    """
    fault = wording.text_fault(body)
    if fault is not None:
        raise BadOrder(("body", fault))
    body = wording.lines(body)
    row = HoldNote(
        purchase=purchase_id,
        payment=payment_id,
        author=by.name[:255],
        body=body,
        written_at=clock.now(),
        key=key,
    )
    made = await HoldNote.insert(row).on_conflict(action="DO NOTHING", target=HoldNote.key)
    if not made:
        known = await HoldNote.objects().get(HoldNote.key == key)
        if known is None or (known.purchase, known.body) != (purchase_id, body):
            raise KeyReused


async def of_purchase(purchase_id: int) -> Sequence[HoldNote]:
    """The notes on a purchase's money, the oldest first."""
    rows: Sequence[HoldNote] = (
        await HoldNote.objects().where(HoldNote.purchase == purchase_id).order_by(HoldNote.id)
    )
    return rows
