"""Webhook events: kept first, answered, then handled, each one once.

An event is a trigger and not a truth: what it carried is not read for amounts, Stripe is asked.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from piccolo.columns.combination import And, Or, Where
from piccolo.querystring import QueryString

from dashboard import clock, db
from dashboard.payments import cards, ledger
from dashboard.payments.belonging import owner
from dashboard.payments.tables import Payment, StripeEvent
from dashboard.stripe_gateway import NotThere, Unreachable
from dashboard.stripe_reading import instant

log = structlog.get_logger()
CLAIM_FOR = timedelta(minutes=1)
LONGEST_RETRY = timedelta(hours=1)
# Nearly four days of trouble that passes: longer than Stripe itself tries to deliver an event.
MOST_ATTEMPTS = 100
PERMANENT_ATTEMPTS = 3
TRANSIENT: tuple[type[BaseException], ...] = (
    Unreachable,
    ledger.Contended,
    *db.CONNECTION_ERRORS,
)
PERMANENT = (NotThere, ValueError, LookupError, TypeError, ArithmeticError)
OF_A_CARD = "setup_intent."
PREFIXES = ("payment_intent.", "charge.", "refund.", OF_A_CARD)


class Malformed(ValueError):
    """A signed body that is no event."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What we keep of an event: which object it is about, and when."""

    id: str
    type: str
    created: int
    object_id: str
    intent_id: str | None
    operation_id: str | None
    livemode: bool
    api_version: str
    signed_with: int | None = None


def notice(payload: Any, signed_with: int | None = None) -> Notice:
    """Read the decoded body of an event; Malformed if it is none.

    `signed_with` is the place of the secret that it was signed with, 1 for the first.
    """
    try:
        subject = payload["data"]["object"]
        kind = subject.get("object")
        intent = subject["id"] if kind == "payment_intent" else subject.get("payment_intent")
        metadata = subject.get("metadata") or {}
        return Notice(
            id=_text(payload["id"]),
            type=_text(payload["type"])[:80],
            created=_seconds(payload["created"]),
            object_id=_text(subject.get("id") or ""),
            intent_id=_text(intent) if intent else None,
            operation_id=_metadata(metadata.get("operation_id")),
            livemode=bool(payload.get("livemode")),
            api_version=_text(payload.get("api_version") or "")[:40],
            signed_with=signed_with,
        )
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError, OSError) as error:
        raise Malformed("The body is no Stripe event.") from error


def _text(value: Any) -> str:
    # PostgreSQL stores no NUL, and neither database an unpaired surrogate.
    if not isinstance(value, str) or len(value) > 255 or not value.isprintable():
        raise ValueError("an id or a type is text")
    return value


def _seconds(value: Any) -> int:
    found = int(value)
    # Raises for what no calendar holds.
    instant(found)
    return found


def _metadata(value: Any) -> str | None:
    """What may be an operation of ours: whoever made the object wrote it, so it may be anything."""
    found = str(value)[:255] if value else ""
    return found if found and found.isprintable() else None


async def keep(event: Notice) -> bool:
    """Store an event durably, once; true when it is new. A repeat is counted and changes nothing.

    Stripe delivers at least once, and whoever presses "Resend" there sends it once more.
    """
    now = clock.now()
    created = instant(event.created)
    row = StripeEvent(
        id=event.id,
        type=event.type,
        object_id=event.object_id,
        intent_id=event.intent_id,
        operation_id=event.operation_id,
        api_version=event.api_version,
        livemode=event.livemode,
        created_at=created,
        received_at=now,
        state="waiting" if event.type.startswith(PREFIXES) else "ignored",
        due_at=now if event.type.startswith(PREFIXES) else None,
        signed_with=event.signed_with,
    )
    kept = (
        await StripeEvent.insert(row)
        .on_conflict(
            action="DO UPDATE",
            target=StripeEvent.id,
            values=[(StripeEvent.deliveries, _ONCE_MORE), (StripeEvent.repeated_at, now)],
        )
        .returning(StripeEvent.deliveries)
    )
    return bool(kept[0]["deliveries"] == 1)


_ONCE_MORE = QueryString('"stripe_event"."deliveries" + 1')


async def handle(event_id: str) -> int | None:
    """Act upon a kept event, once; answers the purchase it belongs to, if it is ours.

    Transient trouble leaves it due with back-off, permanent trouble makes it a dead letter; it
    never raises for either.
    """
    event = await _claim(event_id)
    if event is None:
        return None
    if event.attempts > MOST_ATTEMPTS:
        # Something keeps failing that nobody foresaw: a person has to see it.
        await _again(event, RuntimeError("it failed without an explanation"), MOST_ATTEMPTS)
        return None
    try:
        if event.type.startswith(OF_A_CARD):
            return await _handle_card(event)
        payment = await _find(event)
        if payment is None:
            await _finish(event, "orphan")
            return None
        await ledger.post(payment.id, event.created_at)
    except TRANSIENT as error:
        await _again(event, error, MOST_ATTEMPTS)
        return None
    except PERMANENT as error:
        await _again(event, error, PERMANENT_ATTEMPTS)
        return None
    await _finish(event, "handled", payment.id)
    return int(payment.purchase)


async def _handle_card(event: StripeEvent) -> int | None:
    """The saving of a card has come further; the purchase is settled afterwards."""
    purchase_id = await cards.of_setup(event.object_id)
    if purchase_id is None:
        await _finish(event, "orphan")
        return None
    await cards.save(purchase_id)
    await _finish(event, "handled")
    return purchase_id


async def due_events(limit: int) -> list[str]:
    """Kept events that wait to be handled, the oldest first."""
    rows = (
        await StripeEvent.select(StripeEvent.id)
        .where((StripeEvent.state == "waiting") & (StripeEvent.due_at <= clock.now()))
        .order_by(StripeEvent.due_at)
        .limit(limit)
    )
    return [row["id"] for row in rows]


async def _claim(event_id: str) -> StripeEvent | None:
    now = clock.now()
    rows = (
        await StripeEvent.update({"due_at": now + CLAIM_FOR, "attempts": StripeEvent.attempts + 1})
        .where(
            (StripeEvent.id == event_id)
            & (StripeEvent.state == "waiting")
            & (StripeEvent.due_at <= now)
        )
        .returning(*StripeEvent.all_columns())
    )
    return StripeEvent(**rows[0]) if rows else None


async def _find(event: StripeEvent) -> Payment | None:
    """The payment that an event is about; its intent is attached where that had not landed yet."""
    found = await owner(event)
    if found.payment is None or not found.attaches:
        return found.payment
    await ledger.attach(found.payment.id, event.intent_id)
    return await Payment.objects().get(Payment.stripe_intent_id == event.intent_id)


def _claimed(event: StripeEvent) -> And | Or | Where:
    """The row as we claimed it: whoever was overtaken by another claim or a replay ends nothing."""
    return (
        (StripeEvent.id == event.id)
        & (StripeEvent.state == "waiting")
        & (StripeEvent.attempts == event.attempts)
        & (StripeEvent.replays == event.replays)
    )


async def _finish(event: StripeEvent, state: str, payment_id: int | None = None) -> None:
    await StripeEvent.update(
        {
            "state": state,
            "due_at": None,
            "handled_at": clock.now(),
            "payment": payment_id,
            "error": "",
        }
    ).where(_claimed(event))


async def _again(event: StripeEvent, error: BaseException, most: int) -> None:
    said = f"{type(error).__name__}: {error}"[:500]
    if event.attempts >= most:
        log.error("webhook.dead", event_id=event.id, error=said)
        await StripeEvent.update({"state": "dead", "due_at": None, "error": said}).where(
            _claimed(event)
        )
        return
    delay = min(timedelta(seconds=5) * 2 ** min(event.attempts - 1, 12), LONGEST_RETRY)
    await StripeEvent.update({"due_at": clock.now() + delay, "error": said}).where(_claimed(event))
