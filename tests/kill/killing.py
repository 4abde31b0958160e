"""A batch of kills: count a scene's points, die at them, start again, and look at the books."""

import random
import time
from dataclasses import dataclass, field

from dashboard.payments.tables import Operation
from tests.kill import books
from tests.kill.scenes import Scene, Subject, sign_in
from tests.kill.stage import ALL, Stage, until

# Ticks come each minute, so that the second one after a start comes within two minutes; the rest is
# for what a slow machine needs to carry them out.
LATEST_FIRST_TICK = 45.0


@dataclass
class Batch:
    """What became of it."""

    scene: str
    verb: str
    process: str
    points: list[str] = field(default_factory=list)
    killed: list[str] = field(default_factory=list)
    # Seconds by the product's clock from the restart until every promise held again.
    recovered: float = 0.0
    violations: list[str] = field(default_factory=list)


async def play(stage: Stage, name: str, scene: Scene, chance: random.Random, most: int) -> Batch:
    """Kill at `most` of the scene's points, chosen by `chance`; at all if it has fewer."""
    batch = Batch(name, scene.verb, scene.process)
    await stage.start("web")
    await sign_in(stage)
    stage.sandbox.webhooks("hold")
    if scene.process == "worker":
        await stage.start("worker")
    subjects = [await _one(stage, scene, batch, 0, 0.0)]
    assert set(subjects[0].statuses) <= {200, 201, 303}, subjects[0].statuses
    batch.points = [line["label"] for line in stage.passed]
    every = range(1, len(batch.points) + 1)
    for at in sorted(chance.sample(every, min(most, len(every)))):
        # At the point itself, or a moment later: in the middle of what it is before or after.
        delay = chance.choice((0.0, 0.0, chance.uniform(0.0001, 0.004)))
        subjects.append(await _one(stage, scene, batch, at, delay))
        if scene.resent or (scene.repeats and chance.random() < 0.3):
            # Whoever saw no answer presses again at once.
            await scene.act(stage, subjects[-1], "")
    await _recover(stage, batch, chance)
    await _judge(stage, scene, subjects, batch)
    return batch


async def _one(stage: Stage, scene: Scene, batch: Batch, at: int, delay: float) -> Subject:
    """Act once, die at a point, and be started again."""
    subject = Subject()
    await scene.arrange(stage, subject)
    process = stage.processes[scene.process]
    order = stage.order(scene.process, at, delay)
    await scene.act(stage, subject, order)
    if any(line["what"] == "killed" for line in stage.journal(scene.process, order)):
        await until(lambda: _dead(stage, scene.process))
    told = stage.journal(scene.process, order)
    stage.take_back(scene.process)
    stage.passed = [line for line in told if line["what"] == "passed"]
    if not process.alive:
        batch.killed += [line["label"] for line in told if line["what"] == "killed"]
        await stage.start(scene.process)
    return subject


async def _dead(stage: Stage, name: str) -> bool:
    return not stage.processes[name].alive


async def _recover(stage: Stage, batch: Batch, chance: random.Random) -> None:
    """Start both afresh, with or without the events, and let less than two minutes pass."""
    stage.end()
    watch = _Watch()
    await stage.start("web")
    await stage.start("worker")
    if chance.random() < 0.5:
        stage.sandbox.webhooks("send")
        stage.sandbox.release(chance.choice(("created", "reverse")))
    if await _all_well(stage, batch, watch):
        return
    # The first tick may come at any moment of the first minute.
    first = chance.uniform(2.0, LATEST_FIRST_TICK)
    watch.wait_until(stage, first)
    if chance.random() < 0.5 and await _dies_again(stage, batch, chance):
        watch, first = _Watch(), LATEST_FIRST_TICK
        await stage.start("worker")
        watch.wait_until(stage, first)
    await stage.tick()
    if await _all_well(stage, batch, watch):
        return
    # The last tick that comes within two minutes: what is not well then is a violation.
    watch.wait_until(stage, first + 60.0)
    await stage.tick()
    await _all_well(stage, batch, watch)


class _Watch:
    """Seconds since a start by the product's clock, without what the looking itself takes."""

    def __init__(self) -> None:
        self.advanced, self._started = 0.0, time.monotonic()

    def wait_until(self, stage: Stage, seconds: float) -> None:
        """Move the clock on; what the start took on a slow machine is a part of the minute."""
        missing = max(0.0, seconds - self.seconds)
        stage.advance(missing)
        self.advanced += missing

    def skip(self, seconds: float) -> None:
        self._started += seconds

    @property
    def seconds(self) -> float:
        return self.advanced + time.monotonic() - self._started


async def _all_well(stage: Stage, batch: Batch, watch: _Watch) -> bool:
    await stage.rest()
    batch.recovered = watch.seconds
    began = time.monotonic()
    batch.violations = await books.violations(stage.sandbox)
    watch.skip(time.monotonic() - began)
    return not batch.violations


async def _dies_again(stage: Stage, batch: Batch, chance: random.Random) -> bool:
    """The worker dies over the tick that would have made up for it."""
    worker = stage.processes["worker"]
    before = worker.ended()
    order = stage.order("worker", chance.randint(1, 60))
    stage.enqueue()

    async def over() -> bool:
        return not worker.alive or all(worker.ended()[name] > before[name] for name in ALL)

    await until(over)
    told = stage.journal("worker", order)
    if any(line["what"] == "killed" for line in told):
        await until(lambda: _dead(stage, "worker"))
    stage.take_back("worker")
    batch.killed += [f"again {line['label']}" for line in told if line["what"] == "killed"]
    return not worker.alive


async def _judge(stage: Stage, scene: Scene, subjects: list[Subject], batch: Batch) -> None:
    """Each subject stands as before or as it was asked for, and a repeat changes nothing."""
    if scene.repeats:
        for subject in subjects:
            await scene.act(stage, subject, "")
            if subject.statuses[-1] not in (200, 201, 303):
                batch.violations.append(f"pressed again, it says {subject.statuses}")
    await stage.rest()
    cases, _ = await books.cases_of(stage.sandbox)
    by_operation = {row["id"]: case for case in cases.values() for row in case.operations}
    for subject in subjects:
        purchase = subject.purchase or await _bought(subject)
        case = cases.get(purchase) or by_operation.get(subject.key)
        state = None if case is None or not case.payments else case.state
        asked = case is not None and await _was_asked(scene, case)
        allowed = {scene.after} if asked or scene.repeats else {scene.before, scene.after}
        if state not in allowed:
            batch.violations.append(f"{scene.verb} ended as {state}, not as {allowed}")
    await stage.rest()
    batch.violations += await books.violations(stage.sandbox)
    if (said := books.integrity()) != "ok":
        batch.violations.append(f"integrity_check: {said}")


async def _bought(subject: Subject) -> int:
    from dashboard.bookings.tables import Booking, Student

    student = await Student.objects().get(Student.email == f"{subject.key}@example.test")
    if student is None:
        return 0
    rows = await Booking.select(Booking.purchase).where(Booking.student == student.id)
    # A second booking under the same key would be one too many.
    return int(rows[0]["purchase"]) if len(rows) == 1 else 0


async def _was_asked(scene: Scene, case: books.Case) -> bool:
    """Whether the movement was written down: then it must come true."""
    verb = {"webhook": "", "sweep": ""}.get(scene.verb, scene.verb)
    decided = case.purchase["owed"] is not None and case.purchase["owed_reason"] == "a test"
    return decided or await Operation.exists().where(
        (Operation.purchase == case.purchase["id"]) & (Operation.asked_verb == verb)
    )
