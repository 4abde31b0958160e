"""One schedule from one seed: chosen, played to quiescence, and judged."""

import asyncio
from dataclasses import dataclass

from dashboard.payments.facts import Verb
from tests.simulation.chosen import CARDS, choose
from tests.simulation.invariants import violations
from tests.simulation.machine import Machine
from tests.simulation.outside import Outside
from tests.simulation.people import ANA, BEN, STUDENT, People
from tests.simulation.play import DAY, HOUR, MINUTE, Play, Setting
from tests.simulation.views import Views
from tests.simulation.virtual import BASE, Stuck

ROUNDS = 60
# So many looks at Stripe that find nothing new are rest, too.
IDLE_READS = 4
OPEN_OPERATIONS = "SELECT 1 FROM operation WHERE open_for IS NOT NULL AND state <> 'stalled'"


@dataclass(frozen=True)
class Outcome:
    """What a seed led to."""

    seed: int
    setting: Setting
    violations: list[str]
    told: list[str]


def play(machine: Machine, seed: int) -> Outcome:
    """Play the schedule of `seed` and judge how everything stands in the end."""
    setting = choose(seed)
    machine.fresh(seed, setting.policy)
    stage = Schedule(Play(machine, setting))
    try:
        machine.run(stage.run())
        found = violations(stage.play)
    except Stuck as error:
        found = [f"stuck: {error}"]
    return Outcome(seed, setting, found, list(machine.wire.told))


class Schedule:
    """The actors of one schedule, and how it comes to rest."""

    def __init__(self, play: Play) -> None:
        chance = play.chance
        self.play, self.chance = play, chance
        self.people = People(play)
        self.outside = Outside(play, chance.choice((0, 0.5, 0.8, 1)), chance.choice((0.05, 0.3)))
        self.loop = play.loop
        self.loop.stickiness = chance.choice((0.3, 0.7, 0.9))
        views = Views(play)
        play.wire.news, play.wire.moved = self.outside.collect, views.note_stripe
        play.machine.engine.committed = views.compare
        self._over = False
        self.operation_id: str | None = None
        # Until when no worker runs: a deployment that went wrong, a weekend without power.
        self._down_until = 0.0
        # Since when Stripe has been out of reach for so long that nothing new comes of asking.
        self._dull_from: float | None = None

    async def run(self) -> None:
        play, chance = self.play, self.chance
        self.operation_id = await play.open()
        play.wire.trouble.left = play.setting.faults
        play.wire.trouble.chance = chance.choice((0.15, 0.4))
        play.wire.trouble.reads = chance.choice((0.0, 0.05))
        play.database_left = chance.choice((0, 0, 0, 1, 2))
        play.dawdling = chance.choice((0.0, 0.1, 0.3))
        outage = asyncio.create_task(self._outage())
        work = asyncio.gather(*(self._worker() for _ in range(chance.choice((1, 1, 2)))))
        await asyncio.gather(*self._cast())
        self._over = True
        await work
        await outage
        await self._rest()

    def _cast(self) -> list:
        setting = self.play.setting
        create = Verb.CHARGE if setting.kind == "package" else Verb.AUTHORIZE
        cast = [self._student(create)]
        for who in (ANA, BEN)[: self.chance.choice((0, 1, 1, 1, 2, 2))]:
            cast.append(self._staff(who))
        cast.append(self._package() if setting.kind == "package" else self._lesson())
        if setting.card == "pm_card_authenticationRequired":
            cast.append(self._bank())
        if self.chance.random() < 0.35:
            cast.append(self._abroad())
        if setting.kind == "renewal" and self.chance.random() < 0.4:
            cast.append(self.people.capture_both(self.chance.choice((0.05, 0.5, 5.0))))
        return cast

    def _soon(self) -> float:
        """A person's pause: mostly seconds, now and then a day."""
        chance = self.chance
        reach = chance.choices((1.0, 40.0, HOUR, DAY), weights=(10, 5, 2, 2))[0]
        return chance.random() * reach

    async def _wait_for_due(self, before: float = 0.0) -> None:
        """Until about the time when the capture is due, where most things meet."""
        at = self.play.setting.due_in - before
        await asyncio.sleep(max(0.0, at - self.loop.now) + self._soon())

    async def _student(self, create: Verb) -> None:
        if self.operation_id is None:
            await self.people.give_card(None)
            while self.chance.random() < 0.3:
                await asyncio.sleep(self._soon())
                await self.people.give_card(self.chance.choice(list(CARDS)))
            return
        await self.people.first_attempt(self.operation_id)
        if self.chance.random() < 0.3:
            await asyncio.sleep(self._soon())
            await self.people.press(STUDENT, create)

    async def _staff(self, who) -> None:
        chance, price = self.chance, self.play.setting.price
        await asyncio.sleep(self._soon())
        if self.play.setting.due_in > DAY and chance.random() < 0.7:
            await self._wait_for_due(chance.choice((0.0, 2 * DAY, 2.5 * DAY)))
        for _ in range(chance.choice((1, 2, 3))):
            amount = chance.choice((None, price, price // 2, price // 3))
            ids = [row["id"] for row in self.play.rows("SELECT id FROM payment")]
            target = chance.choice([None, None, *ids])
            act = chance.choices(
                ("capture", "release", "refund", "ask", "give up", "tell"), (4, 2, 5, 2, 1, 1)
            )[0]
            if act in ("capture", "release", "refund"):
                asked = None if act == "release" else amount
                await self.people.press(who, Verb(act), asked, target)
            else:
                work = {
                    "ask": self.people.ask_again,
                    "give up": self.people.give_up,
                    "tell": self.people.tell_automation,
                }
                await work[act]()
            await asyncio.sleep(self._soon())

    async def _lesson(self) -> None:
        """How the lesson ends: held, cancelled in time or late; or nobody says."""
        chance, price = self.chance, self.play.setting.price
        await self._wait_for_due(chance.choice((0.0, 0.0, HOUR, DAY)))
        for _ in range(chance.choice((0, 1, 1, 2))):
            why, owed = chance.choice(
                (("complete", price), ("cancel", 0), ("late cancel", price // 2))
            )
            await self.people.decide(owed, why, owed > 0)
            await asyncio.sleep(self._soon())

    async def _package(self) -> None:
        """Lessons are taken; sooner or later the others may be given back, once or again."""
        for _ in range(self.chance.choice((0, 1, 1, 2))):
            await asyncio.sleep(self._soon())
            await self.people.refund_unused(self.chance.choice((0, 1, 3)))

    async def _bank(self) -> None:
        for _ in range(2):
            await asyncio.sleep(self.chance.choice((5.0, 60.0, 31 * MINUTE, HOUR)))
            if self.chance.random() < 0.8:
                self.outside.authenticate(self.chance.choice(("success", "success", "failure")))

    async def _abroad(self) -> None:
        await self._wait_for_due()
        for _ in range(self.chance.choice((1, 2))):
            if self.chance.random() < 0.5:
                self.outside.refund(self.chance.choice((1000, 4800)))
            else:
                self.outside.dispute(self.chance.random() < 0.3)
            await asyncio.sleep(self._soon())

    async def _outage(self) -> None:
        """Now and then no worker runs, or Stripe is out of reach, for longer than a key lives."""
        chance, loop = self.chance, self.loop
        what = chance.choices((None, "workers", "Stripe"), weights=(8, 2, 1))[0]
        if what is None:
            return
        before_due = max(0.0, self.play.setting.due_in - chance.choice((0.0, MINUTE, DAY)))
        await asyncio.sleep(chance.choice((0.01, 1.0, before_due)) + chance.random())
        length = chance.choice((HOUR, 12 * HOUR, 25 * HOUR, 3 * DAY))
        self.play.tell(f"{what}: away for {length / HOUR:.0f} h")
        if what == "workers":
            self._down_until = loop.now + length
            return
        self.play.wire.away = True
        # After an hour the tries are alike: a worker that looks less often finds all that it would.
        self._dull_from = loop.now + HOUR
        await asyncio.sleep(length)
        self._dull_from = None
        self.play.wire.away = False

    async def _worker(self) -> None:
        while not self._over:
            if self._down_until > self.loop.now:
                await asyncio.sleep(self._down_until - self.loop.now)
            due = self.people.next_due()
            idle = self.chance.choice((MINUTE, HOUR, DAY))
            wait = idle if due is None else max(0.0, due - self.loop.now)
            if self._dull_from is not None and self.loop.now > self._dull_from:
                wait = max(wait, self.chance.random() * 4 * HOUR)
            await asyncio.sleep(min(wait, DAY) + self.chance.random() * 2)
            await self.people.tick(self.chance.random() < 0.03)

    async def _rest(self) -> None:
        """Faults off, and time goes by until nothing is planned any more."""
        self.play.calm()
        self.outside.close_disputes()
        quiet, last = 0, None
        for _ in range(ROUNDS):
            upcoming = self._upcoming()
            story = self._story_so_far()
            idle = story is not None and story == last
            quiet, last = quiet + 1 if not upcoming or idle else 0, story
            if quiet > (IDLE_READS if upcoming else 2) and not self.outside.arrivals:
                return
            await asyncio.sleep(max(1.0, min(upcoming) - self.loop.now) if upcoming else MINUTE)
            self.play.wire.tick()
            self.outside.collect()
            await self.people.tick(thorough=not upcoming)
        self.play.errors.append(f"not at rest after {ROUNDS} rounds")

    def _story_so_far(self) -> object:
        """What tells that something happens; None while others have something in hand.

        What a student never completes is read again for ever, which is rest as well.
        """
        if self._theirs() or self.play.rows(OPEN_OPERATIONS):
            return None
        return self.play.rows("SELECT max(id) AS event FROM payment_events")

    def _upcoming(self) -> list[float]:
        """The instants at which something is planned, here, at Stripe, or on the way."""
        due = self.people.next_due()
        return [*([] if due is None else [due]), *self._theirs()]

    def _theirs(self) -> list[float]:
        """The instants of what is not in our rows: at Stripe, on the way, or asleep."""
        now = self.loop.now
        stripes = self.play.wire.sandbox.store.run("SELECT min(at) AS at FROM due").fetchone()["at"]
        theirs = [] if stripes is None else [stripes - BASE.timestamp()]
        asleep = [one.asleep_until for one in self.loop.sleepers if not one.dead]
        return [*theirs, *(at for at in (*self.outside.arrivals, *asleep) if at > now)]
