"""Real worker processes: killed between sending and recording, and two of them at once."""

import signal
import subprocess
from datetime import timedelta

from dashboard.mail import delivery
from dashboard.mail.facts import State
from dashboard.mail.tables import Message
from tests.jobs.processes import kill, until, worker
from tests.mail.conftest import states
from tests.mail.office import Office
from tests.world import World


async def _sent(count: int) -> bool:
    return int(await Message.count().where(Message.state == State.SENT)) == count


async def test_a_worker_killed_before_it_could_record_a_sending_leads_to_one_id_twice(
    world: World, post_office: Office
):
    await world.book()
    running: list[subprocess.Popen[str]] = []

    def shot(_: object) -> None:
        # The message has arrived and was not acknowledged: nobody there knows that it was sent.
        kill(running[0].pid)
        running[0].wait(10)

    post_office.after_data = shot
    with worker(world, SMTP_URL=post_office.url()) as process:
        running.append(process)

        async def arrived() -> bool:
            return len(post_office.ids) == 1 and process.returncode is not None

        await until(arrived)
        assert process.returncode == -signal.SIGKILL
    assert await states() == ["sending"]
    post_office.after_data = None
    await world.advance(delivery.LEASE + timedelta(seconds=1))
    with worker(world, SMTP_URL=post_office.url()):
        await until(lambda: _sent(1))
    assert len(post_office.ids) == 2 and len(set(post_office.ids)) == 1


async def test_two_workers_send_each_message_once(world: World, post_office: Office):
    count = 12
    for _ in range(count):
        await world.book()
    url = post_office.url()
    with worker(world, SMTP_URL=url), worker(world, SMTP_URL=url):
        await until(lambda: _sent(count))
    assert len(post_office.ids) == len(set(post_office.ids)) == count
    rows = await Message.objects()
    assert {row.attempts for row in rows} == {1}


async def test_a_webhook_brings_its_email_at_once(world: World, post_office: Office):
    with worker(world, SMTP_URL=post_office.url()):
        await world.book()
        # The sweeps of the worker's start may be over: what follows is the nudge's work.
        for delivered in world.sandbox.deliveries("held"):
            await world.receive(delivered["body"].encode(), delivered["signature"])
        seconds = await until(lambda: _sent(1))
    assert seconds < 10 and len(post_office.ids) == 1
