"""The same alerts at every door: above each page, on /alerts, /readyz, /metrics, in the doctor."""

import asyncio
import re
from pathlib import Path

import pytest

from dashboard import clock, settings
from dashboard.alerts import queries, wording
from dashboard.alerts.kinds import ABOUT, Kind, Trouble
from dashboard.commands import surroundings
from dashboard.commands.findings import Level
from dashboard.observability import readiness
from dashboard.payments.tables import StripeEvent
from jobs.mail import send_mail
from jobs.watch import watch
from tests.alerts.scenes import HOUR, MINUTE, beat, paused, unknown, wrong
from tests.alerts.test_kinds import compared
from tests.mail.conftest import use
from tests.web.desk import Person, sign_in, text
from tests.web.routes import OPEN, TABLE
from tests.web.test_health import look, numbers
from tests.world import World

# Not pages with a frame: piccolo's own, e-mails in frames, and an address for programs.
FRAMELESS = (
    "/admin",
    "/bookings/{booking_id}",
    "/mail/{message_id}/html",
    "/mail/templates/{name}/html",
)


def addresses() -> list[str]:
    """Every page of the desk, of the first payment, package and so on."""
    found = []
    for (method, path), rule in TABLE.items():
        if method != "GET" or path in FRAMELESS or rule is OPEN:
            continue
        first = re.sub(r"\{(payment|package|ticket|message)_id\}", "1", path)
        found += [first] if "{" not in first else []
    return found


async def shop(world: World) -> Person:
    """A shop with something to show on every page, and an admin who may see all of it."""
    await world.buy_package(payment_method="pm_card_visa")
    await send_mail()
    admin = await sign_in(world, "admin", "Ida")
    await world.client.post(
        "/tickets",
        json={"subject": "Why?", "body": "Why?", "topic": "other"},
        headers=await world.rights("tickets"),
    )
    return admin


async def test_17_every_page_tells_how_fresh_it_is_and_what_is_late(world: World, tmp_path: Path):
    use(var_dir=tmp_path)
    ida = await shop(world)
    await world.deliver()
    await world.advance(4 * MINUTE)
    await beat(ago=16 * MINUTE)
    await compared(clock.now() - 3 * HOUR)
    pages = addresses()
    assert len(pages) >= 18
    seen = 0
    for path in pages:
        answer = await ida.page(path)
        if answer.status_code != 200:
            # A form that is not for this payment: its refusal reads nothing more.
            assert answer.status_code in (303, 404, 409, 422), (path, answer.status_code)
            continue
        said = text(answer)
        assert "Stripe 4 min ago worker 16 min ago compared 3 h ago" in said, (path, said[:300])
        assert "The worker is late, since " in said and "(16 minutes ago)." in said, path
        assert "What is due by itself waits until it runs. What to do" in said, path
        assert 'href="/alerts#sweep_late"' in answer.text, path
        seen += 1
    assert seen >= 15


async def test_17_the_banner_comes_at_more_than_15_minutes_and_goes(world: World):
    ana = await sign_in(world)
    await beat()
    start = clock.now()
    zone = settings.current().zone
    for late, at in ((False, start + 15 * MINUTE), (True, start + 16 * MINUTE)):
        await beat(ago=clock.now() - start)
        found = wording.banner(await queries.standing(at), at, zone)
        assert (found is not None) is late
    await beat()
    page = await ana.page("/holds")
    assert 'class="late"' not in page.text and ">Alerts" not in page.text
    then = clock.now() - 16 * MINUTE
    await StripeEvent.insert(
        StripeEvent(id="evt_1", type="charge.captured", created_at=then, received_at=then)
    )
    said = text(await ana.page("/holds"))
    assert "A message from Stripe waits to be handled, since" in said
    assert "Some numbers here may be old." in said
    await StripeEvent.update({"state": "handled"}).where(StripeEvent.id == "evt_1")
    assert 'class="late"' not in (await ana.page("/holds")).text


async def test_one_line_the_worst_first_and_how_many_more(world: World):
    ana = await sign_in(world)
    await paused(world, life=90 * MINUTE)
    await unknown(world)
    await world.advance(20 * MINUTE)
    await beat(ago=16 * MINUTE)
    page = await ana.page("/holds")
    assert page.text.count('class="late"') == 1
    said = text(page)
    assert "1 hold worth $96.00 is at risk; there is time until" in said and "and 2 more" in said
    assert "Alerts 3" in said


async def test_what_can_wait_makes_no_noise_and_is_counted_beside_the_places(world: World):
    ana = await sign_in(world)
    await beat()
    await paused(world)
    page = await ana.page("/tickets")
    assert 'class="late"' not in page.text and "Alerts 1" in text(page)


async def test_the_page_of_alerts_tells_what_since_when_how_much_and_what_to_do(world: World):
    ana = await sign_in(world, "viewer")
    await beat()
    assert "Nothing is wrong" in text(await ana.page("/alerts"))
    payment = await paused(world)
    operation = await unknown(world)
    await world.move_to(operation.unknown_since + 15 * MINUTE)
    await beat()
    page = await ana.page("/alerts")
    said = text(page)
    assert "1 hold worth $96.00 is at risk and 1 other matter" in said
    assert "Hold at risk: #1 $96.00, paused past expiry, ends" in said
    assert "Outcome unknown: #2 $96.00, capture" in said
    for kind in (Kind.HOLD_AT_RISK, Kind.OUTCOME_UNKNOWN):
        assert f'id="{kind}"' in page.text
    assert f'href="/holds/{payment.id}"' in page.text
    assert "What it means" in said and "What to press Ask Stripe again." in said
    assert "set ALERT_EMAIL" in said
    await watch()
    world.sandbox.control("DELETE", "faults")
    await world.tick()
    await watch()
    said = text(await ana.page("/alerts"))
    closed = said[said.index("Lately closed") :]
    assert "Outcome unknown: #2 $96.00, capture" in closed and "Hold at risk" not in closed


async def test_every_link_of_an_alert_leads_to_a_page(world: World):
    ana = await sign_in(world, "finance", "Finn")
    await beat()
    for about in ABOUT.values():
        assert (await ana.page(about.page)).status_code == 200, about.page
    then = clock.now()
    await StripeEvent.insert(
        StripeEvent(id="evt_1", type="x", created_at=then, received_at=then, state="dead")
    )
    (found,) = await wrong()
    assert found.link == "/webhooks/evt_1"
    assert (await ana.page(found.link)).status_code == 200


async def test_readiness_and_numbers_tell_the_same_without_amounts(world: World):
    await beat()
    _, said = await look(world)
    assert said["parts"]["alerts"] == {"status": "ok", "detail": "none is open"}
    found = await numbers(world)
    assert found['holdfast_alerts{kind="hold_at_risk",severity="warning"}'] == 0
    await paused(world)
    await paused(world, life=90 * MINUTE)
    operation = await unknown(world)
    await world.move_to(operation.unknown_since + 15 * MINUTE)
    await beat()
    status, said = await look(world)
    assert (status, said["status"]) == (200, "degraded")
    alerts = {"status": "degraded", "detail": "2 hold_at_risk, 1 outcome_unknown"}
    assert said["parts"]["alerts"] == alerts
    found = await numbers(world)
    assert found['holdfast_alerts{kind="hold_at_risk",severity="warning"}'] == 1
    assert found['holdfast_alerts{kind="hold_at_risk",severity="critical"}'] == 1
    assert found['holdfast_alerts{kind="outcome_unknown",severity="warning"}'] == 1
    assert sum(value for name, value in found.items() if "holdfast_alerts{" in name) == 3


async def test_alerts_that_take_too_long_to_read_leave_the_desk_ready(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    await beat()

    async def slow(_: object) -> list[Trouble]:
        await asyncio.sleep(9)
        return []

    monkeypatch.setattr(readiness, "ALERTS_WITHIN", 0.05)
    monkeypatch.setattr(queries, "standing", slow)
    status, said = await look(world)
    assert (status, said["status"]) == (200, "degraded")
    assert said["parts"]["database"]["status"] == "ok"
    assert said["parts"]["alerts"]["detail"] == "could not be read in time"


async def test_the_doctor_tells_the_same_and_fails_for_what_is_critical(world: World):
    await beat()

    async def asked() -> list[tuple[Level, str, str]]:
        found = await surroundings.findings(world.settings)
        return [(one.level, one.said, one.do) for one in found if one.part == "alerts"]

    assert await asked() == [(Level.OK, "none is open", "")]
    payment = await paused(world)
    ((level, said, do),) = await asked()
    assert level is Level.WARNING and said.startswith("1 hold worth $96.00 is at risk, since 20")
    assert do.startswith("docs/runbook.md#hold_at_risk: Capture it")
    await world.move_to(payment.authorization_expires_at - HOUR)
    await beat()
    ((level, said, do),) = await asked()
    assert level is Level.WRONG


async def test_30_what_stripe_and_people_write_is_harmless_there(world: World):
    ana = await sign_in(world)
    await beat()
    evil = "<script>alert(1)</script>"
    then = clock.now()
    await StripeEvent.insert(
        StripeEvent(id="evt_1", type=evil, created_at=then, received_at=then, state="dead")
    )
    page = await ana.page("/alerts")
    assert "&lt;script&gt;alert(1)" in page.text and evil not in page.text
