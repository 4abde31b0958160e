"""Leaving a payment that needs a person for later: with a reason, an end, and never in silence."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from dashboard import clock, db, formats
from dashboard.bookings.errors import BadOrder, KeyReused
from dashboard.payments.actors import Actor
from dashboard.payments.tables import Payment, PaymentEvent, Purchase
from dashboard.support import wording
from dashboard.support.tables import Snooze

# So long before a hold ends, or the answer to a dispute is due, nothing is asleep any more.
BEFORE_EXPIRY = timedelta(hours=2)
BEFORE_ANSWER = timedelta(hours=24)
# Longer is not later but never.
LONGEST = timedelta(days=7)
# What nobody can have meant who left a payment for later before it happened.
NEWS = ("dispute_opened", "dispute_closed", "funds_withdrawn", "refund_failed")
LONGEST_REASON = 400
NOTHING_TO_DO = "This needs nobody any more, so there is nothing to leave for later."


def latest(payment: Payment, now: datetime) -> datetime:
    """Until when it can be left at most; in the past where that is too late already."""
    ends = [now + LONGEST]
    if payment.payment_status == "authorized" and payment.authorization_expires_at is not None:
        ends.append(payment.authorization_expires_at - BEFORE_EXPIRY)
    if payment.disputed_amount > 0 and payment.dispute_due_at is not None:
        ends.append(payment.dispute_due_at - BEFORE_ANSWER)
    return min(ends)


async def snooze(
    payment_id: int, until: datetime, reason: str, by: Actor, key: str, zone: ZoneInfo
) -> None:
    """Leave a payment until then, once for `key`, however often the form arrives.

    Raises BadOrder with what is wrong at which field, KeyReused for a key that said something else.
    """
    if (fault := reason_fault(reason)) is not None:
        raise BadOrder(("reason", fault))
    reason = wording.lines(reason).strip()
    async with db.transaction():
        known = await Snooze.objects().get(Snooze.key == key)
        if known is not None:
            if (known.payment, known.until, known.reason) != (payment_id, until, reason):
                raise KeyReused
            return
        payment = await Payment.objects().get(Payment.id == payment_id)
        assert payment is not None
        purchase = await Purchase.objects().get(Purchase.id == payment.purchase)
        assert purchase is not None
        if purchase.attention is None or not payment.current:
            raise BadOrder(("form", NOTHING_TO_DO))
        now = clock.now()
        _check_end(payment, until, now, zone)
        row = Snooze(
            purchase=purchase.id,
            payment=payment.id,
            author=by.name[:255],
            author_staff=by.staff_id,
            reason=reason,
            until=until,
            payment_status=payment.payment_status,
            attention=purchase.attention,
            made_at=now,
            key=key,
        )
        # Of the same form twice at once, the second finds the first one's row.
        await Snooze.insert(row).on_conflict(action="DO NOTHING", target=Snooze.key)


def reason_fault(reason: str) -> str | None:
    """Why this can't be a reason; None when it can."""
    if not reason.strip():
        return "Say in a sentence why it can wait."
    if len(reason) > LONGEST_REASON:
        return f"Keep it under {LONGEST_REASON} characters."
    return wording.text_fault(reason)


def _check_end(payment: Payment, until: datetime, now: datetime, zone: ZoneInfo) -> None:
    most = latest(payment, now)
    if most <= now:
        raise BadOrder(("form", "It ends too soon to be left for later. Decide it now."))
    if until <= now:
        raise BadOrder(("until", "Choose a time in the future."))
    if until > most:
        raise BadOrder(("until", f"Choose {formats.moment(most, zone)} or earlier."))


async def standing(payment_ids: Sequence[int], now: datetime) -> dict[int, Snooze]:
    """The snoozes that count at this moment, by their payment."""
    if not payment_ids:
        return {}
    where = Snooze.payment.is_in(list(payment_ids)) & (Snooze.made_at > now - LONGEST)
    newest = {row.payment: row for row in await Snooze.objects().where(where).order_by(Snooze.id)}
    if not newest:
        return {}
    payments = await Payment.objects(Payment.purchase).where(Payment.id.is_in(list(newest)))
    overtaken = await _overtaken(newest)
    return {
        payment.id: newest[payment.id]
        for payment in payments
        if payment.id not in overtaken and _stands(newest[payment.id], payment, now)
    }


async def _overtaken(newest: dict[int, Snooze]) -> set[int]:
    """The payments of which something was told since that whoever left them could not know of,
    though they need a person for the same as before."""
    told = (
        await PaymentEvent.select(PaymentEvent.payment, PaymentEvent.recorded_at)
        .where(PaymentEvent.payment.is_in(list(newest)))
        .where(PaymentEvent.kind.is_in(list(NEWS)))
    )
    return {row["payment"] for row in told if row["recorded_at"] > newest[row["payment"]].made_at}


def _stands(row: Snooze, payment: Payment, now: datetime) -> bool:
    """Not over, and the payment as it was; also where its end has come nearer meanwhile.

    The same trouble that went and came again is another one, which nobody has looked at yet.
    """
    purchase: Purchase = payment.purchase
    same = (row.payment_status, row.attention) == (payment.payment_status, purchase.attention)
    since = purchase.attention_since
    came_anew = since is not None and since > row.made_at
    return same and not came_anew and now < row.until and now < latest(payment, now)


async def of_purchase(purchase_id: int) -> Sequence[Snooze]:
    """All that were ever made on a purchase's payments, the oldest first."""
    where = Snooze.purchase == purchase_id
    rows: Sequence[Snooze] = await Snooze.objects().where(where).order_by(Snooze.id)
    return rows


def told(row: Snooze, zone: ZoneInfo) -> str:
    """One sentence about a snooze that counts."""
    until = formats.moment(row.until, zone)
    return f"Snoozed until {until} by {row.author}: {row.reason}"
