"""A past that was written in one go looks, in every amount, as if it had been lived."""

import json
import random
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

from dashboard import clock
from dashboard.bookings import queries as bookings
from dashboard.bookings.tables import Booking, Package, Redemption
from dashboard.mail.tables import Message, UnreadEvent
from dashboard.metrics import rollup
from dashboard.metrics.tables import Touched
from dashboard.payments import ledger
from dashboard.payments.tables import Operation, Payment, PaymentEvent, Purchase
from dashboard.seeding.past.fill import chapters, fill
from dashboard.seeding.past.size import Size
from dashboard.support.tables import Ticket
from tests.simulation import invariants
from tests.simulation.invariants import Account
from tests.world import World

Rows = list[dict[str, Any]]
BOOKINGS = 300
# What a read of Stripe touches though nothing has changed.
TOUCHED = ("synced_at", "version")
MOVES = ("hold:", "end:", "cancel:", "refund:", "dispute:", "funds:")


def size(bookings: int = BOOKINGS) -> Size:
    """A past that ends now."""
    return Size(bookings, 3, 7, clock.now().replace(microsecond=0))


async def lived(world: World) -> None:
    """Write a past, small enough to be read whole."""
    await fill(world.settings, size(), lambda _: None)


async def rows(table: Any) -> Rows:
    found: Rows = await table.select()
    return found


def at_stripe(world: World) -> dict[str, Account]:
    """Every payment with what hangs on it, by Stripe's own lists."""
    v1 = world.sandbox.stripe().v1

    def all_of(collection: Any) -> Rows:
        return [one.to_dict() for one in collection.list({"limit": 100}).auto_paging_iter()]

    refunds, disputes = all_of(v1.refunds), all_of(v1.disputes)
    charges = {one["id"]: one for one in all_of(v1.charges) if one["status"] != "failed"}
    return {
        one["id"]: Account(
            one,
            charges.get(one["latest_charge"]),
            [refund for refund in refunds if refund["payment_intent"] == one["id"]],
            [dispute for dispute in disputes if dispute["payment_intent"] == one["id"]],
        )
        for one in all_of(v1.payment_intents)
    }


async def test_the_books_add_up_and_say_what_stripe_says(world: World):
    await lived(world)
    payments, events = await rows(Payment), await rows(PaymentEvent)
    _what_was_held_has_gone_somewhere(payments, events)
    _stripe_agrees(at_stripe(world), payments, events)
    _one_payment_counts(await rows(Purchase), payments)
    _every_operation_has_ended(await rows(Operation))
    _nearly_nothing_waits_for_a_person(await rows(Purchase), payments)
    assert await Booking.count() == BOOKINGS
    _bookings_follow(await rows(Booking), payments)
    packages = {row["id"]: row["lessons_count"] for row in await rows(Package)}
    seats = await rows(Redemption)
    assert seats and all(1 <= seat["number"] <= packages[seat["package"]] for seat in seats)


def _what_was_held_has_gone_somewhere(payments: Rows, events: Rows) -> None:
    """Held = captured + released + still held, for each."""
    ends: dict[int, Rows] = defaultdict(list)
    for event in events:
        if event["key"].startswith("end:"):
            ends[event["payment"]].append(event)
    assert len(payments) > BOOKINGS / 2
    for payment in payments:
        held, ended = payment["authorized_amount"], ends[payment["id"]]
        still = held if payment["payment_status"] == "authorized" else 0
        taken = sum(one["amount"] for one in ended if one["kind"] in ("captured", "charged"))
        assert len(ended) <= 1
        assert held == taken + sum(one["given_back"] for one in ended) + still
        assert taken == payment["captured_amount"]


def _stripe_agrees(theirs: dict[str, Account], payments: Rows, events: Rows) -> None:
    ours = {row["stripe_intent_id"]: row for row in payments if row["stripe_intent_id"]}
    assert set(theirs) == set(ours)
    must: dict[str, int] = {}
    may: dict[str, int] = {}
    for name, one in theirs.items():
        row = ours[name]
        kept = row["payment_status"], row["captured_amount"], row["refunded_amount"]
        assert kept == (one.status, one.taken, one.refunded("succeeded"))
        invariants._moves(one, must, may)
    told = {row["key"]: row["amount"] for row in events}
    assert {key: told.get(key) for key in must} == must
    strangers = [key for key in told if key.startswith(MOVES) and key not in must | may]
    assert [key for key in strangers if "planned" not in key] == []


def _one_payment_counts(purchases: Rows, payments: Rows) -> None:
    current = Counter(row["purchase"] for row in payments if row["current"])
    assert set(current) == {row["id"] for row in purchases} and set(current.values()) == {1}
    taken = Counter(row["purchase"] for row in payments if row["captured_amount"])
    assert set(taken.values()) == {1}


def _every_operation_has_ended(operations: Rows) -> None:
    assert {row["state"] for row in operations} == {"succeeded", "refused"}
    assert all(row["open_for"] is None and row["closed_at"] for row in operations)
    sent = [json.loads(row["body"]) for row in operations if row["verb"] == "capture"]
    assert sent and all(one["target"].startswith("pi_") for one in sent)


def _nearly_nothing_waits_for_a_person(purchases: Rows, payments: Rows) -> None:
    waiting = {row["id"]: row["attention"] for row in purchases if row["attention"]}
    assert len(waiting) <= BOOKINGS / 50
    # Less was paid than is owed only where a dispute took it, and finance has not said a word yet.
    lost = {row["purchase"] for row in payments if row["lost_amount"]}
    assert {name for name, why in waiting.items() if why == "underpaid"} <= lost


def _bookings_follow(booked: Rows, payments: Rows) -> None:
    paid = {row["purchase"]: row["payment_status"] for row in payments if row["current"]}
    for booking in booked:
        if booking["status"] == "completed":
            assert paid[booking["purchase"]] in ("captured", "refunded")
        assert (booking["status"] == "cancelled") == (booking["slot"] is None)


async def test_reading_and_settling_it_again_changes_nothing_and_tells_nobody(world: World):
    await lived(world)
    assert await UnreadEvent.count() == 0 and await Message.count() == 0
    # The figures are counted by then, and counting them again finds nothing wrong.
    assert await Touched.count() == 0
    counted = await rollup.rebuild()
    assert counted.days > 80 and not counted.changed
    # The minute that has passed since then may have brought one thing or the other.
    assert await bookings.follow() <= 1
    soon = clock.now() + timedelta(minutes=3)
    due = {row["id"] for row in await rows(Purchase) if row["due_at"] and row["due_at"] <= soon}
    assert len(due) <= 3
    before = {row["id"] for table in (Operation, PaymentEvent) for row in await rows(table)}
    payments = [row for row in await rows(Payment) if row["stripe_intent_id"]]
    # Of each standing one at least, whatever the sample has.
    by_standing = {(row["payment_status"], row["end_reason"]): row for row in payments}
    sample = random.Random(3).sample(payments, 50)
    for row in [*sample, *by_standing.values()]:
        await ledger.post(row["id"])
        after = await Payment.select().where(Payment.id == row["id"]).first()
        assert {**after, **{name: row[name] for name in TOUCHED}} == row
    # Each of these is looked at by settle now, besides what is due.
    await world.tick()
    made = [row for table in (Operation, PaymentEvent) for row in await rows(table)]
    assert {row["purchase"] for row in made if row["id"] not in before} <= due


async def test_the_desk_goes_on_from_a_past(world: World):
    await lived(world)
    held = [row for row in await rows(Payment) if row["payment_status"] == "authorized"]
    one = await Booking.objects().get(Booking.purchase == held[-1]["purchase"])
    assert one is not None
    # What happens from now on is news.
    answer = await world.call(one.id, "cancel", {"by": "instructor", "reason": "Ill today"})
    assert answer.status_code == 200, answer.text
    assert await UnreadEvent.count() > 0
    for _ in range(16):
        await world.advance(timedelta(hours=12))
        await world.tick(1)
    after = {row["id"]: row["payment_status"] for row in await rows(Payment)}
    ends = {after[row["id"]] for row in held}
    assert ends == {"captured", "released"}


async def test_a_past_has_every_currency_and_every_turn_that_a_year_has(world: World):
    # What is rare must not be a matter of the day on which this test runs.
    wanted = Size(2500, 9, 7, datetime(2026, 3, 18, 15, 0, tzinfo=UTC))
    found: dict[str, Rows] = defaultdict(list)
    async for batch in chapters(world.settings, wanted):
        for table, some in batch.items():
            found[table._meta.tablename] += [row.__dict__ for row in some]
    assert {row["currency"] for row in found["purchase"]} == {"usd", "eur", "jpy", "kwd"}
    assert {row["kind"] for row in found["payment_events"]} >= {
        "authorized", "captured", "charged", "released", "expired", "cancelled", "declined",
        "refund_pending", "refund_succeeded", "refund_failed", "dispute_opened", "dispute_closed",
        "operation_refused", "expiry_decision", "card_saved", "let_go", "policy_chosen",
    }  # fmt: skip
    assert {row["clause"] for row in found["booking"]} >= {
        "completed", "student_free", "student_late", "student_no_show", "instructor_no_show",
        "instructor_cancelled", "never_paid", "unconfirmed",
    }  # fmt: skip
    assert any(row["renews"] for row in found["payment"])
    tickets = len(found[Ticket._meta.tablename])
    assert 0.01 <= tickets / len(found["payment"]) <= 0.03


async def test_the_same_number_at_the_same_instant_makes_the_same_rows(world: World):
    wanted = size(200)

    async def made(of: Size) -> list[tuple[str, dict[str, Any]]]:
        world.sandbox.reset()
        return [
            (table._meta.tablename, row.__dict__)
            async for batch in chapters(world.settings, of)
            for table, some in batch.items()
            for row in some
        ]

    first, again = await made(wanted), await made(wanted)
    assert first == again
    assert len(first) > 1000
    other = await made(Size(200, 3, 8, wanted.anchor))
    assert first != other
