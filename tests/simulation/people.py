"""Who acts in a schedule: the student, the staff, the bank, the dashboard, workers and the post."""

import asyncio
import contextlib
import uuid
from datetime import datetime, timedelta
from typing import Any

from dashboard import clock, db
from dashboard.bookings import paying
from dashboard.payments import actions, cards, instructions, resume, sending, settle
from dashboard.payments.actions import Wish
from dashboard.payments.actors import Actor
from dashboard.payments.errors import Declined
from dashboard.payments.facts import Verb
from jobs import sweeps
from tests.simulation.play import DAY, HOUR, Play, Request
from tests.simulation.virtual import BASE, Killed

ANA, BEN = Actor("Ana", "staff", 1), Actor("Ben", "staff", 2)
STUDENT = Actor("Maya", "student")
LESSONS = 5


class People:
    """What each of them can do; every action is a process of its own."""

    def __init__(self, play: Play) -> None:
        self.play = play
        self.chance = play.chance

    async def press(
        self, who: Actor, verb: Verb, amount: int | None = None, payment_id: int | None = None
    ) -> None:
        """Ask for a movement, again after a refusal or where no answer came."""
        request = Request(verb.value)
        self.play.requests.append(request)
        operation_id = str(uuid.uuid4())
        for _ in range(3):
            if operation_id not in request.ids:
                request.ids.append(operation_id)
            wish = Wish(verb, self.play.purchase_id, operation_id, who, payment_id, amount)
            said = await self.play.act(who.name, actions.perform(wish))
            self.play.tell(f"{who.name}: {verb} {amount or 'all'} -> {_short(said)}")
            if isinstance(said, Declined):
                # Told that nothing was moved: pressed once more, as something new.
                operation_id = str(uuid.uuid4())
            elif not isinstance(said, Killed) or self.chance.random() < 0.5:
                return
            await self.play.pause(self.chance.choice((0.5, 3.0, 8.0, 30.0)))

    async def capture_both(self, within: float) -> None:
        """Once a renewal stands beside the old hold, two people capture, each another one."""
        play, both = self.play, asyncio.Event()
        carry = play.wire.news

        def look() -> None:
            carry()
            held = [one["status"] for one in play.wire.objects("payment_intent")]
            if held.count("requires_capture") > 1:
                both.set()

        play.wire.news = look
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(both.wait(), 10 * DAY)
            ids = [row["id"] for row in play.rows("SELECT id FROM payment ORDER BY id")]
            await asyncio.gather(
                self._insist(ANA, ids[0], within), self._insist(BEN, ids[-1], within)
            )

    async def _insist(self, who: Actor, payment_id: int, within: float) -> None:
        for _ in range(4):
            await asyncio.sleep(self.chance.random() * within)
            await self.press(who, Verb.CAPTURE, None, payment_id)

    async def first_attempt(self, operation_id: str) -> None:
        """The attempt that was claimed with the booking is sent by the request that booked."""
        said = await self.play.act(STUDENT.name, db.shielded(sending.send(operation_id)))
        self.play.tell(f"Maya books -> {_short(said)}")

    async def give_card(self, card: str | None) -> None:
        """The card of a far lesson is saved by the request that gives it: the booking, or a later
        one with another card."""
        said = await self.play.act(STUDENT.name, _card_given(self.play.purchase_id, card))
        self.play.tell(f"Maya gives {card or 'her card'} -> {_short(said)}")

    async def refund_unused(self, used: int) -> None:
        """The lessons of a package that nobody took are given back, of what was paid."""
        paid = self.play.rows("SELECT sum(captured_amount) AS amount FROM payment")[0]["amount"]
        if paid:
            owed = self.play.setting.price * used // LESSONS
            await self.decide(owed, f"{used} of {LESSONS} lessons were used", False)

    async def decide(self, owed: int, why: str, due_now: bool) -> None:
        """What a lesson's end or a cancellation decides, and commits with the booking."""
        play = self.play
        due = clock.now() if due_now else None
        said = await play.act(
            f"decision {why}", _decide(play.purchase_id, settle.Decision(owed, why, "Ana", due))
        )
        play.tell(f"{why}: owed {owed} -> {_short(said)}")
        if isinstance(said, int):
            play.decided.append(owed)
            await self.settle("nudge")

    async def settle(self, name: str = "worker") -> None:
        await self.play.act(name, sweeps.settle_one(self.play.purchase_id))

    async def ask_again(self) -> None:
        """Staff press "Ask Stripe again"."""
        for row in self.play.rows("SELECT id FROM operation WHERE open_for IS NOT NULL"):
            said = await self.play.act("Ana", resume.resume(row["id"], at_once=True))
            self.play.tell(f"Ana asks Stripe again -> {_short(said)}")

    async def give_up(self) -> None:
        """Finance closes a stalled operation."""
        for row in self.play.rows("SELECT id FROM operation WHERE state = 'stalled'"):
            said = await self.play.act("Fin", resume.give_up(row["id"], "Fin", "looked it up"))
            self.play.tell(f"Fin gives up -> {_short(said)}")

    async def tell_automation(self) -> None:
        """Staff pause the capture, or choose what happens at the hold's end."""
        play = self.play
        if self.chance.random() < 0.5:
            until = clock.now() + timedelta(seconds=self.chance.choice((HOUR, DAY, 9 * DAY)))
            policy = self.chance.choice((None, "capture", "release", "alert"))
            work = instructions.pause(play.purchase_id, until, "a question", ANA, policy)
        else:
            policy = self.chance.choice(("capture", "release", "alert", "renew"))
            work = instructions.choose_policy(play.purchase_id, policy, "as agreed", ANA)
        play.tell(f"Ana instructs ({policy}) -> {_short(await play.act('Ana', work))}")

    # What time does.

    async def tick(self, thorough: bool = False) -> None:
        """What the minute's sweeps do: of those that look for due rows, only the ones with some."""
        now = clock.now()
        due = self._due()
        for sweep in SWEEPS:
            at = due[sweep]
            if at is not None and at <= now:
                await self.play.act("worker", getattr(sweeps, sweep)())
                # It may have made something due for the next one.
                due = self._due()
        for sweep in BACKSTOPS if thorough else ():
            await self.play.act("worker", getattr(sweeps, sweep)())
        self.play.watch()

    def next_due(self) -> float | None:
        """The virtual instant at which the sweeps next find something."""
        found = [at for at in self._due().values() if at]
        return (min(found) - BASE).total_seconds() if found else None

    def _due(self) -> dict[str, datetime | None]:
        """When each sweep next finds something."""
        found = self.play.rows(DUE)[0]
        return {name: _instant(at) for name, at in found.items()}


SWEEPS = {
    "handle_events": "SELECT min(due_at) FROM stripe_event WHERE state = 'waiting'",
    "save_due_cards": "SELECT min(card_due_at) FROM purchase",
    "post_due_payments": "SELECT min(post_due_at) FROM payment",
    "auto_capture_completed_lessons": "SELECT min(due_at) FROM purchase",
}
DUE = "SELECT " + ", ".join(f"({sql}) AS {name}" for name, sql in SWEEPS.items())
BACKSTOPS = (
    "resume_open_operations",
    "check_expiring_authorizations",
    "auto_capture_completed_lessons",
)


async def _card_given(purchase_id: int, card: str | None) -> None:
    if card is None or await paying._save_instead(purchase_id, card):
        await db.shielded(cards.save(purchase_id))


async def _decide(purchase_id: int, decision: settle.Decision) -> int:
    async with db.transaction():
        return await settle.decide(purchase_id, decision)


def _instant(at: str | datetime | None) -> datetime | None:
    """SQLite tells the type of a column, not that of an expression."""
    return datetime.fromisoformat(at) if isinstance(at, str) else at


def _short(said: Any) -> str:
    if isinstance(said, BaseException):
        return f"{type(said).__name__} {said}".strip()
    return str(getattr(said, "state", said))
