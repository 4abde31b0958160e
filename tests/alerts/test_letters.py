"""E-mails to ALERT_EMAIL: one for what is new, at least once, and no flood."""

import asyncio
import uuid

import pytest

from dashboard import clock, settings
from dashboard.alerts.kinds import Kind
from dashboard.alerts.tables import Alert
from dashboard.mail import delivery
from dashboard.mail.tables import Notice
from dashboard.payments import instructions
from dashboard.payments.tables import Purchase
from jobs import mail
from jobs import watch as watching
from jobs.heartbeat import beating
from jobs.watch import stand_in_once, watch
from tests.alerts.scenes import DAY, HOUR, MINUTE, beat, hold_for, paused, unknown, wrong
from tests.jobs.processes import until
from tests.mail.conftest import use
from tests.mail.office import Office, hang_up
from tests.world import ANA, World

OPS = "ops@example.test"


@pytest.fixture
def ops(world: World, post: Office) -> Office:
    """The mail server, and somebody who reads the alerts."""
    use(alert_email=OPS)
    return post


async def look() -> None:
    """The worker's minute, as far as the watch goes; the other sweeps are on time."""
    await beat()
    await watch()


def subjects(post: Office) -> list[str]:
    """What was written to whoever reads the alerts."""
    return [
        str(mail["Subject"])
        for mail, (_, to) in zip(post.received, post.envelopes, strict=True)
        if to == [OPS]
    ]


def words(post: Office) -> str:
    """The text of the last e-mail."""
    body = [mail for mail in post.received if mail["To"] == OPS][-1].get_body(("plain",))
    assert body is not None
    return " ".join(body.get_content().replace("\xa0", " ").split())


async def test_three_holds_at_risk_are_one_email_and_it_is_sent_once(world: World, ops: Office):
    for number in range(3):
        await paused(world, starts_in=HOUR + number * MINUTE)
    await look()
    assert subjects(ops) == ["[Holdfast] 3 holds worth $288.00 are at risk"]
    said = words(ops)
    assert said.count("Hold at risk: #") == 3 and "paused past expiry" in said
    assert "What to press: Capture it" in said and "ALERT_EMAIL names you" in said
    assert f"{settings.current().base_url}/holds/1" in said
    for _ in range(3):
        await world.advance(20 * MINUTE)
        await look()
    assert len(subjects(ops)) == 1


async def test_what_is_new_waits_ten_minutes_unless_it_presses(world: World, ops: Office):
    await paused(world)
    await look()
    await paused(world, starts_in=2 * HOUR)
    await world.advance(MINUTE)
    await look()
    assert len(subjects(ops)) == 1
    await world.advance(9 * MINUTE)
    await look()
    assert len(subjects(ops)) == 2
    assert "Still open, told before 1 hold worth $96.00 is at risk." in words(ops)
    await paused(world, life=2 * HOUR, starts_in=3 * HOUR)
    await world.advance(MINUTE)
    await look()
    assert len(subjects(ops)) == 3


async def test_a_hold_that_grows_pressing_is_told_once_more(world: World, ops: Office):
    payment = await paused(world)
    await look()
    await world.move_to(payment.authorization_expires_at - 2 * HOUR - MINUTE)
    await look()
    assert len(subjects(ops)) == 1
    await world.advance(2 * MINUTE)
    await look()
    await world.advance(20 * MINUTE)
    await look()
    assert len(subjects(ops)) == 2


async def test_what_is_still_open_a_day_later_is_told_again(world: World, ops: Office):
    await paused(world, life=6 * DAY, starts_in=5 * DAY)
    operation = await unknown(world)
    await world.move_to(operation.unknown_since + 15 * MINUTE)
    await look()
    assert subjects(ops) == ["[Holdfast] 1 movement of $96.00 has no answer from Stripe"]
    await world.advance(DAY - MINUTE)
    await look()
    await world.advance(2 * MINUTE)
    await look()
    assert len(subjects(ops)) == 2


async def test_an_alert_that_opens_again_is_a_new_one(world: World, ops: Office):
    payment = await paused(world)
    await look()
    await instructions.unpause(payment.purchase, "They agreed.", ANA)
    await world.tick()
    await look()
    (row,) = await Alert.objects()
    assert row.closed_at is not None and row.open_for is None
    # Here the lesson is over, so the capture is only paused again in time.
    await instructions.pause(
        payment.purchase, clock.now() + 3 * DAY, "They did not.", ANA, policy="alert"
    )
    await world.tick()
    await world.advance(11 * MINUTE)
    await look()
    assert len(subjects(ops)) == 2
    first, second = await Alert.objects().order_by(Alert.id)
    assert (first.kind, first.subject) == (second.kind, second.subject)
    assert first.told_at and second.told_at and second.closed_at is None


async def test_what_was_over_before_it_could_be_told_is_told_as_over(world: World, ops: Office):
    await paused(world)
    await look()
    payment = await paused(world, starts_in=2 * HOUR)
    await world.advance(MINUTE)
    await look()
    await instructions.unpause(payment.purchase, "They agreed.", ANA)
    await world.tick()
    await world.advance(10 * MINUTE)
    await look()
    assert "This is over." in words(ops) and "over by now" in words(ops)
    await world.advance(11 * MINUTE)
    await look()
    assert len(subjects(ops)) == 2


async def test_a_server_that_is_away_delays_the_email_and_loses_none(world: World, ops: Office):
    use(smtp_url="smtp://127.0.0.1:1")
    await paused(world)
    await look()
    assert subjects(ops) == []
    use(smtp_url=ops.url())
    await world.advance(MINUTE)
    await mail.send_mail()
    assert len(subjects(ops)) == 1
    await look()
    assert len(subjects(ops)) == 1


async def test_an_email_whose_sender_died_goes_out_again_as_the_same_one(
    world: World, ops: Office, monkeypatch: pytest.MonkeyPatch
):
    await paused(world)

    async def dies(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        # The process is gone between sending and marking.
        patched.setattr(delivery, "_finish", dies)
        with pytest.raises(KeyboardInterrupt):
            await look()
    await world.advance(delivery.LEASE)
    await mail.send_mail()
    notices = await Notice.objects()
    assert [(row.state, row.attempts) for row in notices] == [("sent", 2)]
    copies = [mail["Message-ID"] for mail in ops.received if mail["To"] == OPS]
    assert copies == [notices[0].message_id] * 2


async def test_an_email_whose_answer_was_lost_goes_out_again_as_the_same_one(
    world: World, ops: Office
):
    await paused(world)
    ops.after_data = hang_up
    await look()
    ops.after_data = None
    await world.advance(2 * MINUTE)
    await mail.send_mail()
    assert len({mail["Message-ID"] for mail in ops.received if mail["To"] == OPS}) == 1
    assert len(subjects(ops)) == 2


async def test_alerts_go_before_the_mail_to_students(world: World, ops: Office):
    await paused(world)
    await mail._write()
    await look()
    assert ops.envelopes[0][1] == [OPS] and len(ops.envelopes) == 2


async def test_without_an_address_nobody_is_written_to_and_the_alert_stands(
    world: World, post: Office
):
    await paused(world)
    await look()
    (row,) = await Alert.objects()
    assert row.closed_at is None and row.told_at is None
    assert await Notice.count() == 0
    # Whoever is named later learns of it.
    use(alert_email=OPS)
    await look()
    assert len(subjects(post)) == 1


async def test_an_address_that_is_refused_is_itself_an_alert(world: World, ops: Office):
    ops.replies[OPS] = "550 No such mailbox"
    await paused(world)
    await look()
    await look()
    found = [one for one in await wrong() if one.kind == Kind.MAIL_LATE]
    assert "ALERT_EMAIL was refused: 550 No such mailbox" in found[0].detail


async def test_two_watches_at_once_open_and_tell_once(world: World, ops: Office):
    await paused(world)
    await beat()
    await asyncio.gather(*(watch() for _ in range(4)))
    assert await Alert.count() == 1 and await Notice.count() == 1


async def test_the_web_process_tells_when_the_worker_does_not_run(world: World, ops: Office):
    await beat(ago=14 * MINUTE)
    assert not await stand_in_once()
    await beat(ago=16 * MINUTE)
    await world.book()
    await mail._write()
    assert await stand_in_once()
    assert subjects(ops) == ["[Holdfast] The worker is late"]
    assert "python -m dashboard worker" in words(ops)
    assert await stand_in_once() and len(ops.received) == 1
    # The worker is back: it closes the alert, tells nothing anew, and the mail of students goes.
    await beating("watch", watch)
    await beat()
    await world.advance(MINUTE)
    await beating("watch", watch)
    await mail.send_mail()
    (row,) = await Alert.objects()
    assert row.closed_at is not None
    assert len(subjects(ops)) == 1 and len(ops.received) == 2
    assert not await stand_in_once()


async def test_the_web_process_goes_on_looking_though_one_look_fails(
    world: World, ops: Office, monkeypatch: pytest.MonkeyPatch
):
    looks: list[int] = []

    async def looked() -> bool:
        looks.append(1)
        if len(looks) == 1:
            raise LookupError("no such table")
        return await stand_in_once()

    monkeypatch.setattr(watching, "STAND_IN_EVERY", 0.01)
    monkeypatch.setattr(watching, "stand_in_once", looked)
    await beat(ago=16 * MINUTE)

    async def told() -> bool:
        return len(ops.received) == 1

    async with watching.standing_in():
        await until(told)
    ended = len(looks)
    await asyncio.sleep(0.05)
    assert ended == len(looks) > 1


async def test_the_web_process_waits_for_a_worker_that_never_ran_until_something_is_overdue(
    world: World, ops: Office
):
    await paused(world)
    assert not await stand_in_once()
    await world.book()
    await world.tick()
    await Purchase.update({"due_at": clock.now() - HOUR}).where(Purchase.id == 2)
    assert await stand_in_once()
    assert "The worker is late" in subjects(ops)[0]


async def test_a_message_id_is_of_the_sender_and_never_the_same_twice(world: World, ops: Office):
    use(mail_from="Lessons <lessons@shop.test>")
    await paused(world)
    await look()
    await hold_for(world, 20 * HOUR)
    await paused(world, starts_in=4 * HOUR)
    await world.advance(11 * MINUTE)
    await look()
    ids = [row.message_id for row in await Notice.objects()]
    assert len(set(ids)) == 2 and all(one.endswith("@shop.test>") for one in ids)
    assert uuid.UUID(hex=ids[0].split(".")[1].partition("@")[0])
