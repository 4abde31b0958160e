"""E-mails about crossed lines: one for each crossing to each of finance, whoever dies meanwhile."""

import asyncio
import re
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from dashboard import clock
from dashboard.alerts import telling
from dashboard.mail.tables import Notice
from dashboard.metrics import queries, thresholds
from dashboard.metrics.facts import Metric
from dashboard.metrics.numbers import named
from dashboard.metrics.tables import Crossing
from dashboard.reports import crossings, notices
from dashboard.staff import auth
from dashboard.staff.tables import Staff
from jobs import reports
from jobs.metrics import keep_metrics
from tests.mail.conftest import use
from tests.mail.office import Office
from tests.metrics.histories import Told, payment, tell
from tests.world import PASSWORD, World

DAY = timedelta(days=1)


async def hire(name: str, role: str = "finance") -> str:
    email = f"{name.lower()}@example.test"
    await auth.add_staff(email, role, PASSWORD, name)
    return email


async def crossed(metric: Metric = Metric.AUTHORIZATION, bad: int = 3) -> None:
    """A day on which 17 of 20 attempts succeeded, and a line at 95 %."""
    await thresholds.draw(metric, "usd", 95_00, "Fay")
    row = await payment("usd")
    told = [Told("charged", timedelta())] * (20 - bad) + [Told("declined", timedelta())] * bad
    await tell(row, told, clock.now())
    await keep_metrics()


async def written() -> list[Notice]:
    return list(await Notice.objects().order_by(Notice.id))


async def test_each_of_finance_is_told_once_with_the_rows_linked(world: World):
    for name, role in (("Fay", "finance"), ("Gil", "finance"), ("Sam", "support")):
        await hire(name, role)
    await hire("Bo", "admin")
    await crossed()
    assert await reports.tell_finance() == 1
    assert await reports.tell_finance() == 0
    found = await written()
    assert sorted(row.recipient for row in found) == ["fay@example.test", "gil@example.test"]
    assert len({row.message_id for row in found}) == 2
    assert found[0].subject == (
        "[Holdfast] Authorization success (USD): 85 %, below the line of 95 %"
    )
    (counted, of) = re.findall(r"https?://\S+/analytics/rows\?\S+", found[0].text)
    for address, count in ((counted, 17), (of, 20)):
        asked = {name: value[0] for name, value in parse_qs(urlsplit(address).query).items()}
        assert asked["from"] == asked["to"] == queries.today().isoformat()
        rows = named(asked["what"], queries.today(), queries.today(), asked["currency"])
        assert (await rows.come_to())[0] == count


async def test_it_is_sent_by_the_mail_of_the_same_minute(world: World, post: Office):
    await hire("Fay")
    await crossed()
    await reports.tell_finance()
    assert [str(mail["To"]) for mail in post.received] == ["Fay <fay@example.test>"]


async def test_without_finance_whoever_reads_the_alerts_is_told(world: World):
    fay = await hire("Fay")
    await Staff.update({Staff.active: False}).where(Staff.email == fay)
    await crossed()
    assert await reports.tell_finance() == 0
    use(alert_email="ops@example.test")
    assert await reports.tell_finance() == 1
    assert [row.recipient for row in await written()] == ["ops@example.test"]


async def test_the_worker_that_dies_before_its_commit_has_told_nobody(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    await hire("Fay")
    await crossed()

    async def dies(*_: object) -> None:
        raise ConnectionError

    with monkeypatch.context() as until:
        until.setattr(crossings, "owe", dies)
        with pytest.raises(ConnectionError):
            await reports.tell_finance()
    assert await written() == []
    assert await reports.tell_finance() == 1
    assert len(await written()) == 1


async def test_of_many_at_once_one_tells(world: World):
    await hire("Fay")
    await crossed()
    now = clock.now()
    told = await asyncio.gather(*(crossings.tell(now) for _ in range(5)))
    assert sum(told) == 1
    assert len(await written()) == 1


async def test_crossings_of_one_minute_are_one_letter(world: World):
    await hire("Fay")
    await thresholds.draw(Metric.TICKETS, "", 0, "Fay")
    await world.book()
    answer = await world.client.post(
        "/tickets",
        json={"topic": "hold", "subject": "Why?", "body": "Why?", "booking_id": 1},
        headers=await world.rights(),
    )
    assert answer.status_code == 201
    await crossed()
    await reports.tell_finance()
    (letter,) = await written()
    assert letter.subject.endswith(", and 1 more")
    assert "Tickets about holds" in letter.text and "Authorization success, USD" in letter.text


async def test_what_is_old_is_no_news(world: World):
    await crossed()
    await world.advance(crossings.NEWS_FOR)
    await hire("Fay")
    assert await reports.tell_finance() == 0
    (row,) = await Crossing.objects()
    assert row.mailed_at is None


async def test_a_letter_about_a_line_holds_up_no_alert(world: World):
    """An alert that is not critical waits for the alerts before it, and for nothing else."""
    await hire("Fay")
    await crossed()
    assert await reports.tell_finance() == 1
    assert await telling._may_now([], clock.now())


async def test_finance_is_whoever_has_the_role_now(world: World):
    fay = await hire("Fay")
    await hire("Gil")
    await Staff.update({Staff.role: "support"}).where(Staff.email == fay)
    assert await notices.finance() == [("gil@example.test", "Gil")]
