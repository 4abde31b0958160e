"""Histories made up of events and tickets, and a plain recount of them, a loop and nothing else."""

import itertools
import json
import statistics
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as some

from dashboard.payments.tables import Payment, PaymentEvent, Purchase
from dashboard.support.tables import Ticket

ENDS = ("captured", "released", "expired")
_numbers = itertools.count(1)
START = datetime(2026, 3, 6, tzinfo=UTC)


@dataclass
class Told:
    """One event of a payment, before it is stored. `after` is when, counted from the start."""

    kind: str
    after: timedelta
    amount: int = 100
    given_back: int = 0
    operation: str | None = None
    reason: str = ""
    detail: dict[str, Any] = field(default_factory=dict)
    object_id: str | None = "ch_1"


@dataclass
class Life:
    """All events of one payment, in one currency."""

    currency: str
    events: list[Told]
    fees: dict[str, Any] = field(default_factory=dict)


async def payment(currency: str, **values: Any) -> Payment:
    """A payment that events can be told of."""
    purchase = Purchase(
        currency=currency,
        price=10_000,
        customer="cus_1",
        payment_method="pm_1",
        description="Piano",
        created_at=START,
    )
    await purchase.save()
    row = Payment(purchase=purchase.id, currency=currency, created_at=START, **values)
    await row.save()
    return row


async def tell(row: Payment, events: Iterable[Told], start: datetime = START) -> None:
    """Record these events of a payment."""
    rows = [
        PaymentEvent(
            key=f"made-up:{next(_numbers)}",
            purchase=row.purchase,
            payment=row.id,
            operation=event.operation,
            kind=event.kind,
            amount=event.amount,
            currency=row.currency,
            given_back=event.given_back,
            occurred_at=start + event.after,
            occurred_by="stripe",
            recorded_at=start + event.after,
            actor="somebody",
            cause="staff",
            reason=event.reason,
            stripe_object_id=event.object_id,
            detail=json.dumps(event.detail),
        )
        for event in events
    ]
    if rows:
        await PaymentEvent.insert(*rows)


async def open_ticket(at: datetime, topic: str = "hold") -> Ticket:
    row = Ticket(
        topic="other",
        opened_topic=topic,
        subject="Why?",
        opened_by="Maya",
        opened_at=at,
        status_since=at,
    )
    await row.save()
    return row


# What hypothesis makes up: any order in time, any mixture, around a change of clocks.

# Weeks apart or within seconds of a midnight, by the clock before or after the change.
_AFTER = some.builds(
    lambda day, hour, quarters: timedelta(days=day, hours=hour, seconds=quarters / 4),
    some.integers(0, 24),
    some.sampled_from([0, 4, 5, 12, 22, 23]),
    some.integers(-8, 8),
)
_FULL = 1000
# What belongs together, in any order of time: kind, part of the amount, and what else is told.
_STORIES: list[list[tuple[str, int, dict[str, Any]]]] = [
    [("declined", 1, {})],
    [("cancelled", 1, {})],
    [("cancelled", 1, {"object_id": None})],
    [("declined", 1, {}), ("cancelled", 1, {})],
    [("operation_refused", 1, {"operation": "op-1", "detail": {"verb": "capture"}})],
    [("operation_refused", 1, {"operation": "op-1", "detail": {"verb": "release"}})],
    [
        ("operation_unknown", 1, {"operation": "op-2", "detail": {"verb": "capture"}}),
        (
            "operation_refused",
            1,
            {"operation": "op-2", "detail": {"verb": "capture", "code": "never_arrived"}},
        ),
    ],
    [
        (
            "operation_refused",
            1,
            {"operation": "op-3", "detail": {"verb": "capture", "code": "expired_card"}},
        ),
        ("operation_succeeded", 1, {"operation": "op-3", "detail": {"verb": "capture"}}),
    ],
    [("refund_pending", 1, {}), ("refund_succeeded", 1, {})],
    [("refund_succeeded", 2, {})],
    [("refund_succeeded", 1, {}), ("refund_failed", 1, {"detail": {"reverses": True}})],
    [("refund_failed", 1, {"detail": {"reverses": False}})],
    [("dispute_opened", 1, {}), ("funds_withdrawn", 1, {})],
    [("dispute_opened", 1, {}), ("dispute_closed", 1, {"reason": "lost"})],
    [("dispute_closed", 1, {"reason": "won"}), ("funds_reinstated", 1, {})],
]


@some.composite
def lives(draw: Any) -> Life:
    """A payment with at most one hold and one end, and stories of anything else."""
    back = draw(some.sampled_from([0, 0, 40]))
    events = []
    if draw(some.integers(0, 3)):
        events.append(Told("authorized", draw(_AFTER), _FULL + back))
    end = draw(some.sampled_from(["captured", "captured", "charged", "released", "expired", ""]))
    if end in ("captured", "charged"):
        by = draw(some.sampled_from([None, "op-1", "op-4"]))
        given = back if end == "captured" else 0
        events.append(Told(end, draw(_AFTER), _FULL, given, by))
    elif end:
        events.append(Told(end, draw(_AFTER), _FULL + back, _FULL + back))
    for story in draw(some.lists(some.sampled_from(_STORIES), max_size=2)):
        events += [Told(kind, draw(_AFTER), _FULL // part, **more) for kind, part, more in story]
    currency = draw(some.sampled_from(["usd", "usd", "jpy"]))
    fees = {
        "fee_amount": draw(some.sampled_from([None, 0, 309])),
        "fee_currency": draw(some.sampled_from([currency, "eur"])),
        "dispute_fee_amount": draw(some.sampled_from([0, 1500])),
    }
    return Life(currency, draw(some.permutations(events)), fees)


# The recount.


async def recounted(zone: ZoneInfo) -> dict[tuple[Any, str], dict[str, Any]]:
    """Every cell of every day and currency, from all events and tickets there are."""
    events = await PaymentEvent.objects()
    by_payment: dict[int, list[PaymentEvent]] = defaultdict(list)
    for event in events:
        by_payment[event.payment].append(event)
    found: dict[tuple[Any, str], dict[str, Any]] = defaultdict(lambda: defaultdict(int))
    payments = {row.id: row for row in await Payment.objects()}
    for event in events:
        cells = found[event.occurred_at.astimezone(zone).date(), event.currency]
        for name, amount in _meanings(event, by_payment[event.payment]):
            cells[f"{name}_count"] += 1
            cells[f"{name}_amount"] += amount
        for name, amount in _fees(event, payments[event.payment], by_payment[event.payment]):
            cells[f"{name}_count"] += 1
            cells[f"{name}_amount"] += amount
        _times(cells, event, by_payment[event.payment])
    for ticket in await Ticket.objects():
        if ticket.opened_topic == "hold":
            found[ticket.opened_at.astimezone(zone).date(), ""]["tickets_count"] += 1
    return {key: tidy for key, cells in found.items() if (tidy := _tidy(cells))}


PLAIN = {
    "authorized": "placed",
    "charged": "charged",
    "declined": "declined",
    "captured": "captured",
    "released": "released",
    "expired": "expired",
    "refund_succeeded": "refunded",
    "dispute_opened": "disputed",
    "dispute_closed": "closed",
    "funds_withdrawn": "withdrawn",
    "funds_reinstated": "reinstated",
}


def _meanings(event: PaymentEvent, story: list[PaymentEvent]) -> Iterable[tuple[str, int]]:
    """The cells that an event counts in, with its amount there."""
    if event.kind in PLAIN:
        yield PLAIN[event.kind], event.amount
    declined = any(one.kind == "declined" for one in story)
    only_sometimes = {
        "abandoned": event.kind == "cancelled" and event.stripe_object_id and not declined,
        "refused": event.kind == "operation_refused" and _refused(event, story),
        "asked": event.kind == "captured" and event.operation is not None,
        "returned": _reverses(event),
        "lost": event.kind == "dispute_closed" and event.reason == "lost",
        f"fate_{_fate(story)}": event.kind == "authorized" and _fate(story),
    }
    yield from ((name, event.amount) for name, counts in only_sometimes.items() if counts)
    if event.kind == "captured" and event.given_back:
        yield "rest", event.given_back


def _fees(
    event: PaymentEvent, row: Payment, story: list[PaymentEvent]
) -> Iterable[tuple[str, int]]:
    """What was kept of it, or that nobody knows; all for disputes where money first went."""
    if event.kind in ("captured", "charged"):
        if row.fee_amount is not None and row.fee_currency == event.currency:
            yield f"fee_{event.kind}", row.fee_amount
        else:
            yield f"unpriced_{event.kind}", event.amount
    losses = [one.id for one in story if one.kind == "funds_withdrawn"]
    if row.dispute_fee_amount and event.kind == "funds_withdrawn" and event.id == min(losses):
        yield "fee_disputed", row.dispute_fee_amount


def _refused(event: PaymentEvent, story: list[PaymentEvent]) -> bool:
    detail = json.loads(event.detail)
    worked = any(
        one.operation == event.operation and one.kind in ("captured", "operation_succeeded")
        for one in story
    )
    return detail["verb"] == "capture" and detail.get("code") != "never_arrived" and not worked


def _reverses(event: PaymentEvent) -> bool:
    return event.kind == "refund_failed" and json.loads(event.detail)["reverses"]


def _fate(story: list[PaymentEvent]) -> str | None:
    end = next((one for one in story if one.kind in ENDS), None)
    if end is None or end.kind != "captured":
        return end and str(end.kind)
    moved = [one.amount for one in story if one.kind == "refund_succeeded"]
    moved += [-one.amount for one in story if _reverses(one)]
    return "refunded" if moved and sum(moved) >= end.amount else "captured"


def _times(cells: dict[str, Any], event: PaymentEvent, story: list[PaymentEvent]) -> None:
    placed = next((one for one in story if one.kind == "authorized"), None)
    if event.kind not in ENDS or placed is None:
        return
    seconds = max(0, int((event.occurred_at - placed.occurred_at).total_seconds() // 1))
    cells["stood_count"] += 1
    cells["stood_seconds"] += seconds
    if event.kind == "captured":
        cells["waits"] = sorted([*(cells["waits"] or []), seconds])
        cells["waited_count"] += 1
        cells["waited_seconds"] += seconds


def _tidy(cells: dict[str, Any]) -> dict[str, Any]:
    if waits := cells["waits"]:
        middle = statistics.median_low(waits), statistics.median_high(waits)
        cells |= dict(zip(("waited_low", "waited_high"), middle, strict=True))
        cells["waited_p90"] = ninth_tenth(waits)
        hours = [min(seconds // 3600, 191) for seconds in waits]
        cells["wait_hours"] = [hours.count(hour) for hour in range(192)]
    return {name: value for name, value in cells.items() if value}


def ninth_tenth(ordered: list[int]) -> int:
    """The smallest duration that at least nine tenths of them don't exceed."""
    return next(one for one in ordered if 10 * bisect_right(ordered, one) >= 9 * len(ordered))
