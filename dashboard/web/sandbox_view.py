"""What `/sandbox` shows: the time, the payment at hand, webhooks on their way, armed troubles."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from dashboard import clock, findings, formats, settings
from dashboard.bookings import search
from dashboard.bookings.holds import Hold, hold, holds
from dashboard.payments.case import Do
from dashboard.payments.evidence import standing
from dashboard.payments.facts import CardState, Status
from dashboard.payments.tables import Payment
from dashboard.snapshots import Intent
from dashboard.stripe_gateway import NotThere, Unreachable, gateway
from dashboard.web import sandbox_controls as controls
from dashboard.web import sandbox_words as words
from dashboard.web.hold_page import LARGEST_ID
from dashboard.web.wholes import whole
from jobs import journey

SHOWN = 12
# What Stripe decides about a payment and the page can see a difference in.
COMPARED = (
    "payment_status",
    "authorized_amount",
    "captured_amount",
    "refunded_amount",
    "refund_pending_amount",
    "dispute_status",
)


@dataclass(frozen=True, slots=True)
class Stop:
    """An instant that the clock can be sent to: what waits there, and whose it is."""

    at: datetime
    moment: str
    what: str


async def clock_shown(zone: ZoneInfo) -> dict[str, Any]:
    """The present of the sandbox, where its clock can go, and where it is on its way to."""
    now = clock.now()
    at = journey.latest()
    return {
        "heading": heading(zone),
        "journey": at if at is not None and at.going else None,
        "arriving": formats.moment(at.target, zone) if at is not None else "",
        "passed": formats.moment(now, zone),
        "arrived": _arrived(at),
        "stops": await stops(zone),
        "local_now": now.astimezone(zone).strftime("%Y-%m-%dT%H:%M"),
    }


def _arrived(at: journey.Journey | None) -> str:
    """How the last journey ended; nothing while it goes on."""
    if at is None or at.going:
        return ""
    done = "Nothing fell due" if not at.done else "1 thing fell due"
    done = f"{at.done:,} things fell due" if at.done > 1 else done
    if at.trouble:
        return f"{at.trouble} {done} until then."
    return f"{done} on the way, and the clock {'was stopped' if at.stopping else 'is there'}."


def heading(zone: ZoneInfo) -> str:
    """The finding: what time it is, and how far that is from the time of everybody else."""
    said = f"It is {formats.moment(clock.now(), zone)} on the sandbox"
    off = timedelta(minutes=round(clock.offset() / timedelta(minutes=1)))
    if not off:
        return f"{said}, as everywhere else"
    now = clock.wall()
    far = formats.countdown(now + abs(off), now)
    return f"{said}, {far} {'ahead of' if off > timedelta() else 'behind'} the wall clock"


async def stops(zone: ZoneInfo) -> dict[str, Stop]:
    """The next end of a hold and the next planned capture, as far as there are any."""
    found = {"expiry": await _expiry(zone), "capture": await _capture(zone)}
    return {name: stop for name, stop in found.items() if stop is not None}


async def _expiry(zone: ZoneInfo) -> Stop | None:
    rows = await _held(Payment.authorization_expires_at, 1)
    first = rows[0] if rows else None
    ends_at = first.facts.expires_at if first else None
    return _stop(first, ends_at, zone) if first and ends_at else None


async def _capture(zone: ZoneInfo) -> Stop | None:
    """The next planned capture, by the same rule that will make it."""
    now, planned = clock.now(), []
    # A capture is planned for after its lesson, or for a day before the hold would end.
    for order in (Payment.purchase.capture_due_at, Payment.authorization_expires_at):
        for one in await _held(order, SHOWN):
            step = one.step(now)
            if step.then in (Do.CAPTURE, Do.DECIDE) and step.at is not None and step.at > now:
                planned.append((step.at, one))
    if not planned:
        return None
    at, first = min(planned, key=lambda pair: pair[0])
    return _stop(first, at, zone)


async def _held(order: Any, most: int) -> list[Hold]:
    """The holds that stand and for which an instant lies ahead, the nearest first."""
    rows = (
        await Payment.select(Payment.id)
        .where(
            Payment.current.eq(True)
            & (Payment.payment_status == Status.AUTHORIZED)
            & (order > clock.now())
        )
        .order_by(order)
        .limit(most)
    )
    return await holds([row["id"] for row in rows])


def _stop(found: Hold, at: datetime, zone: ZoneInfo) -> Stop:
    subject = found.subject
    amount = formats.money(found.facts.authorized, found.currency)
    what = f"{subject.number} {subject.student} {amount}".strip()
    return Stop(at, formats.moment(at, zone), what)


async def payment_shown(given: str) -> dict[str, Any] | None:
    """The payment that an address names by its number, its intent or a booking; None for none."""
    if not given:
        return None
    number = whole(given, 15)
    found = await hold(number) if number is not None and number < LARGEST_ID else None
    if found is None and number is None:
        payment_id = await search.exact(given)
        found = None if payment_id is None else await hold(payment_id)
    if found is None:
        return None
    intent = await _intent(found)
    return {
        "hold": found,
        "said": findings.hold(found, clock.now()),
        "message": findings.message(found),
        "intent": intent,
        "waits": asks_the_student(found, intent),
        "works": intent is not None and intent.status == "processing",
        "lagging": _lagging(found, intent),
        "refunds": intent.refunds if intent else (),
        "disputes": [one for one in intent.disputes if one.open] if intent else [],
        "disputable": disputable(intent),
        "kept": found.facts.kept if intent else 0,
    }


def asks_the_student(found: Hold, intent: Intent | None) -> bool:
    """Whether the bank waits for a confirmation, of the payment or of a card that is saved."""
    asks = intent is not None and intent.status == "requires_action"
    return asks or found.books.purchase.card_state == CardState.NEEDS_CUSTOMER


def _lagging(found: Hold, intent: Intent | None) -> bool:
    """Whether Stripe shows something that the desk has not heard of yet."""
    if intent is None:
        return False
    stripes = standing(intent)
    return any(stripes[name] != getattr(found.payment, name) for name in COMPARED)


def disputable(intent: Intent | None) -> bool:
    """Whether the cardholder's bank could take the money back."""
    charge = intent.charge if intent else None
    return bool(intent and charge and charge.captured and not intent.disputes)


async def _intent(found: Hold) -> Intent | None:
    """The payment as Stripe has it now; None when there is none yet or Stripe is away."""
    if not found.payment.stripe_intent_id:
        return None
    try:
        return await gateway().fetch(found.payment.stripe_intent_id)
    except (Unreachable, NotThere):
        return None


async def sandbox_shown(zone: ZoneInfo) -> dict[str, Any]:
    """How webhooks are treated, the newest deliveries, and the armed troubles, each with its number
    and a sentence. Raises Away and Refused."""
    treated, sent, armed, asking = await controls.orders(
        ("GET", "webhooks", None),
        ("GET", f"deliveries?last={SHOWN}", None),
        ("GET", "faults", None),
        ("GET", "next_off_session", None),
    )
    shown = [_delivery(row, zone) for row in reversed(sent["deliveries"])]
    webhooks = {
        "mode": treated["mode"],
        "deliveries": shown,
        "held": sum(one["state"] == "held" for one in shown),
        "flying": any(one["state"] == "pending" for one in shown),
    }
    troubles = [(str(fault["id"]), words.trouble(fault)) for fault in armed["faults"]]
    if asking["times"]:
        troubles.append(("asks", words.asking(asking["times"])))
    return {"webhooks": webhooks, "troubles": troubles}


def _delivery(row: dict[str, Any], zone: ZoneInfo) -> dict[str, Any]:
    event = json.loads(row["body"])
    created = datetime.fromtimestamp(event["created"], UTC)
    return {
        "id": row["id"],
        "type": row["type"],
        "object": event["data"]["object"].get("id", ""),
        "state": row["state"],
        "word": _word(row, zone),
        "attempts": row["attempts"],
        "answer": row["last_status"],
        "moment": formats.day_and_time(created, zone),
        "iso": created.isoformat(),
    }


def _word(row: dict[str, Any], zone: ZoneInfo) -> str:
    if row["state"] != "pending":
        return {"held": "Held back", "sent": "Sent", "dropped": "Dropped"}[row["state"]]
    again = datetime.fromtimestamp(row["next_attempt_at"], UTC)
    if again <= clock.wall():
        return "On its way"
    at = formats.time_of_day(again + clock.offset(), zone)
    return f"Failed, tried again {at}" if row["attempts"] else f"Waits until {at}"


def zone() -> ZoneInfo:
    """The desk's zone."""
    return settings.current().zone
