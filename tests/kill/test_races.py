"""Two people, a sweep and a webhook at one booking in the same moment: one of them moves the money.

`make kill` runs a thousand rounds, every run of the tests some dozens.
"""

import asyncio
import json
import os
import random
import re
import uuid
from collections import Counter
from datetime import timedelta
from typing import Any

import httpx

from dashboard import clock, db
from dashboard.payments import settle
from dashboard.payments.facts import OPEN, State
from jobs import sweeps
from tests.web.desk import Person, sign_in, text
from tests.world import World

ROUNDS = 1000 if "KILLS" in os.environ else 20
PAIRS = (("capture", "capture"), ("capture", "release"), ("release", "release"))
# Who was first, what it was, and when; or what is under way.
CLEAR = re.compile(
    r"^(Ana|Finn|Holdfast) (captured|released) this .+ ago\."
    r"|^(Captur|Releas)ing… (Ana|Finn|Holdfast), \d\d:\d\d Nothing was sent\.$"
)


async def _forms(world: World, person: Person) -> dict[str, dict[str, str]]:
    """The fields of each form: all bookings of a race look the same but for their ids."""
    payment = int((await world.payment((await world.book())["id"])).id)
    reason = {"reason": "requested_by_customer"}
    found = {verb: await person.form(payment, verb) | reason for verb in ("capture", "release")}
    for form in found.values():
        # In a race it is decided what is owed before anybody looks.
        form.pop("undecided", None)
    return found


async def _later(chance: random.Random, work: Any) -> Any:
    for _ in range(chance.randint(0, 40)):
        await asyncio.sleep(0)
    return await work


async def _swept(purchase: int, after: float) -> None:
    await asyncio.sleep(after)
    await sweeps.settle_one(purchase)


async def _told(world: World, events: list[dict[str, Any]]) -> None:
    for event in events:
        answer = await world.receive(event["body"].encode(), event["signature"])
        assert answer.status_code == 200
        await sweeps.handle_one(json.loads(event["body"])["id"])


class Race:
    """The rounds of one world."""

    def __init__(self, world: World, people: list[Person], forms: list[Any]) -> None:
        self.world, self.people, self.forms = world, people, forms
        self.chance, self.seen = random.Random(1000), 0
        self.said: Counter[str] = Counter()
        self.won: Counter[str] = Counter()

    async def round(self) -> None:
        world, chance = self.world, self.chance
        booked = await world.book()
        payment = await world.payment(booked["id"])
        purchase = int(booked["purchase_id"])
        async with db.transaction():
            due = settle.Decision(9600, "a race", "a test", clock.now() - timedelta(seconds=1))
            await settle.decide(purchase, due)
        events = world.sandbox.deliveries("held", after=self.seen)
        self.seen = events[-1]["id"]
        world.sandbox.control("DELETE", "requests")
        verbs = chance.choice(PAIRS)
        rivals = [
            self._press(person, forms, verb, int(payment.id))
            for person, forms, verb in zip(self.people, self.forms, verbs, strict=True)
        ]
        # People have a page to be let in to first: now and then the sweep comes as late as they do.
        rivals += [_swept(purchase, chance.choice((0.0, 0.02, 0.05))), _told(world, events)]
        chance.shuffle(rivals)
        answers = await asyncio.gather(*(_later(chance, rival) for rival in rivals))
        await self._judge(booked["id"], [one for one in answers if one is not None])

    async def _press(self, person: Person, forms: Any, verb: str, payment: int) -> httpx.Response:
        given = forms[verb] | {"operation": str(uuid.uuid4())}
        return await person.send(payment, verb, given)

    async def _judge(self, booking: int, answers: list[httpx.Response]) -> None:
        await self.world.tick(1)
        calls = self.world.money_calls("/capture") + self.world.money_calls("/cancel")
        assert len(calls) == 1, calls
        statuses = sorted(answer.status_code for answer in answers)
        assert statuses in ([303, 409], [409, 409]), [text(answer)[:2000] for answer in answers]
        for answer in answers:
            if answer.status_code == 409:
                told = re.search(r'id="trouble".*?>(.*?)</div>', answer.text, re.DOTALL)
                said = re.sub(r"<[^>]*>|\s+", " ", told[1] if told else "").strip()
                assert CLEAR.search(said), said
                self.said[re.sub(r"\d+", "0", said)] += 1
        operations = await self.world.operations(booking)
        moved = [one for one in operations if one.asked_verb in ("capture", "release")]
        done = [one for one in moved if one.state == State.SUCCEEDED]
        assert len(done) == 1, moved
        assert not [one for one in moved if one.state in OPEN]
        by_hand = done[0].cause == "staff"
        assert by_hand == (statuses == [303, 409])
        kinds = await self.world.story(booking)
        assert kinds in (["authorized", "captured"], ["authorized", "released"])
        self.won[done[0].asked_by] += 1


async def test_two_people_a_sweep_and_a_webhook_make_one_money_call(world: World) -> None:
    people = [await sign_in(world), await sign_in(world, "finance", "Finn")]
    race = Race(world, people, [await _forms(world, person) for person in people])
    race.seen = world.sandbox.deliveries("held")[-1]["id"]
    for _ in range(ROUNDS):
        await race.round()
    # A race that the same one always wins is none.
    assert len(race.won) >= 2, race.won
