"""What-if answers what then really happens: the same clause, the same movements, the same mail."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from dashboard import clock, settings
from dashboard.bookings import queries, what_if
from dashboard.bookings.what_if import Outcome
from dashboard.mail import foretold, writing
from dashboard.mail.tables import Message
from dashboard.payments import instructions
from dashboard.payments.queries import books, timeline
from dashboard.payments.tables import Purchase
from tests.web.test_routes_and_roles import dump
from tests.world import ANA, World

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
# What the policy writes down without moving money is told as well; what became of operations isn't.
CALLS: dict[str, tuple[str, dict[str, str]]] = {
    "student_cancels": ("cancel", {"by": "student"}),
    "instructor_cancels": ("cancel", {"by": "instructor"}),
    "staff_cancels": ("cancel", {"by": "staff"}),
    "student_no_show": ("no-show", {"who": "student"}),
    "instructor_no_show": ("no-show", {"who": "instructor"}),
    "completed": ("complete", {}),
}


@dataclass(frozen=True)
class Case:
    """A lesson that starts in so long, and what happens when, counted from its start."""

    what: str
    at: timedelta
    starts_in: timedelta = 2 * DAY
    pause: timedelta | None = None
    package: bool = False
    currency: str = "usd"
    minutes: int = 60
    card: str = "pm_card_visa"
    policy: str = "capture"

    def __str__(self) -> str:
        more = "package" if self.package else "paused" if self.pause else self.currency
        told = f"{self.what} {self.at} of a lesson in {self.starts_in} ({more}, {self.card})"
        return told if self.policy == "capture" else f"{told} under {self.policy}"


CASES = [
    Case("student_cancels", -6 * HOUR),
    Case("student_cancels", -6 * HOUR + timedelta(seconds=1)),
    Case("student_cancels", -6 * HOUR - MINUTE, currency="jpy"),
    Case("student_cancels", -HOUR, currency="kwd", minutes=45),
    Case("student_cancels", -HOUR, pause=6 * HOUR),
    Case("student_cancels", HOUR / 2),
    Case("instructor_cancels", -HOUR),
    Case("staff_cancels", HOUR / 2, currency="jpy"),
    Case("student_no_show", HOUR / 4),
    Case("student_no_show", 5 * HOUR),
    Case("instructor_no_show", HOUR / 4),
    # After the capture: what was taken goes back.
    Case("instructor_no_show", 5 * HOUR),
    Case("staff_cancels", 5 * HOUR),
    Case("student_cancels", 5 * HOUR),
    Case("student_no_show", -HOUR),
    Case("completed", HOUR),
    Case("completed", -HOUR),
    Case("completed", HOUR, pause=9 * HOUR),
    Case("nothing", HOUR),
    Case("nothing", HOUR, pause=5 * HOUR),
    # Too far for one hold: captured a day before its end, and then called off.
    Case("nothing", HOUR, 12 * DAY),
    Case("student_cancels", -2 * DAY, 12 * DAY),
    Case("student_cancels", -HOUR, 12 * DAY),
    Case("instructor_cancels", -HOUR, 12 * DAY),
    Case("student_cancels", -5 * DAY, 12 * DAY, pause=4 * DAY),
    Case("nothing", HOUR, 12 * DAY, policy="release"),
    Case("student_cancels", -HOUR, 12 * DAY, policy="alert"),
    # Too far for a hold at all: it is placed later, on the saved card.
    Case("nothing", HOUR, 20 * DAY, policy="renew"),
    Case("student_cancels", -15 * DAY, 20 * DAY, policy="renew"),
    Case("student_cancels", -HOUR, 20 * DAY, policy="renew"),
    Case("instructor_cancels", 5 * HOUR, 20 * DAY, policy="renew"),
    # The lesson of a package is used up or goes back; no money moves.
    Case("student_cancels", -7 * HOUR, package=True),
    Case("student_cancels", -HOUR, package=True),
    Case("instructor_cancels", -HOUR, package=True),
    Case("student_no_show", HOUR / 4, package=True),
    Case("nothing", HOUR, package=True),
    # Nobody has paid yet.
    Case("student_cancels", -DAY, card="pm_card_chargeDeclined"),
    Case("nothing", HOUR, card="pm_card_chargeDeclined"),
    Case("nothing", HOUR, card="pm_card_authenticationRequired"),
    Case("staff_cancels", -47 * HOUR, card="pm_card_authenticationRequired"),
]


async def booked(world: World, case: Case) -> int:
    starts_at = clock.now().replace(microsecond=0) + case.starts_in
    changes: dict[str, Any] = {"minutes": case.minutes, "payment_method": case.card}
    if case.package:
        changes |= {"is_package": True, "package_id": world.catalog.package}
    teacher = getattr(world.catalog, case.currency)
    answer = await world.post_booking(
        starts_at=starts_at.isoformat(), instructor_id=teacher, **changes
    )
    booking = answer.json()["booking"]
    if case.pause is not None:
        until = starts_at + case.pause if case.starts_in < 7 * DAY else clock.now() + case.pause
        await instructions.pause(booking["purchase_id"], until, "She asked us to wait", ANA)
    return int(booking["id"])


async def foresee(booking_id: int, case: Case) -> tuple[Outcome, list[tuple[str, str, str]]]:
    row = await queries.booking(booking_id)
    known = await books(row.purchase)
    assert known is not None
    found = what_if.ask(row, known, case.what, row.starts_at + case.at, clock.now())
    told = await foretold.letters(found)
    return found, [(turn.event.kind, subject, text) for turn, subject, text in told]


async def walk(world: World, until: datetime) -> None:
    """Let time pass as the sweeps see it: from one due time to the next, to the second."""
    for _ in range(100):
        await deliver(world)
        due = (
            await Purchase.select(Purchase.due_at)
            .where((Purchase.due_at > clock.now()) & (Purchase.due_at < until))
            .first()
        )
        if due is None:
            break
        await world.move_to(due["due_at"])
    await world.move_to(until)
    await deliver(world)


async def deliver(world: World) -> None:
    """Webhooks, sweeps, and the letters about what they have found."""
    await world.deliver()
    for event_id in await writing.due_events(100):
        await writing.read(event_id)


async def letters(since: int) -> list[tuple[str, str]]:
    rows = await Message.objects().where(Message.event > since).order_by(Message.event)
    return [(row.subject, row.text) for row in rows]


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_what_would_happen_is_what_happens(world: World, case: Case):
    chosen = msgspec.structs.replace(settings.current(), expiry_policy=case.policy)
    settings.use(chosen)
    booking_id = await booked(world, case)
    row = await queries.booking(booking_id)
    await deliver(world)
    last = max((event.id for event in await timeline(row.purchase)), default=0)
    before = await dump()
    foreseen, told = await foresee(booking_id, case)
    assert await dump() == before
    await walk(world, row.starts_at + case.at)
    if case.what in CALLS:
        action, body = CALLS[case.what]
        answer = await world.call(booking_id, action, body)
        assert (answer.status_code == 409) == bool(foreseen.refusal), answer.text
        if foreseen.refusal:
            assert answer.json()["detail"] == foreseen.refusal
            return
    await walk(world, row.starts_at + 2 * DAY)
    happened = await queries.booking(booking_id)
    assert (happened.status, happened.clause) == (foreseen.booking.status, foreseen.booking.clause)
    now = await books(row.purchase)
    assert now is not None and now.current is not None and foreseen.books.current is not None
    assert now.purchase.owed == foreseen.books.purchase.owed
    for name in ("payment_status", "captured_amount", "refunded_amount", "end_reason"):
        assert getattr(now.current, name) == getattr(foreseen.books.current, name), name
    events = [event for event in await timeline(row.purchase) if event.id > last]
    real = [(one.kind, one.amount, one.given_back) for one in sorted(events, key=lambda e: e.id)]
    imagined = [
        (turn.event.kind, turn.event.amount, turn.event.given_back)
        for turn in [*foreseen.before, *foreseen.after]
    ]
    assert real == imagined
    assert await letters(last) == [(subject, text) for _, subject, text in told if subject]
