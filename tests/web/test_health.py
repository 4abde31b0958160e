"""What machines ask about the health of the product, and what they may not learn."""

import asyncio
import re
import time
from datetime import timedelta
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from dashboard import clock, db
from dashboard.app import create_app
from dashboard.metrics.tables import Heartbeat
from dashboard.observability import readings
from dashboard.observability.readiness import Readiness
from dashboard.payments.tables import StripeEvent
from dashboard.settings import Settings
from dashboard.web.health import Health
from tests.conftest import POSTGRESQL
from tests.running import alive
from tests.sandbox.server import RunningSandbox
from tests.web.desk import sign_in
from tests.world import BASE_URL, World

TOKEN = "a-token-for-metrics"
HERE = ("127.0.0.1", 1)
ELSEWHERE = ("203.0.113.9", 1)


def app_of(world: World) -> Any:
    return world.client._transport.app  # type: ignore[attr-defined]


def health_of(world: World) -> Health:
    found: Health = app_of(world).state.health
    return found


async def beat(name: str, ago: timedelta = timedelta(), error: str = "") -> None:
    then = clock.now() - ago
    beaten = Heartbeat(
        name=name, last_started_at=then, last_finished_at=then, handled=3, last_error=error
    )
    await Heartbeat.insert(beaten)


async def look(world: World) -> tuple[int, dict[str, Any]]:
    """Ask /readyz as if the last look were long ago."""
    health_of(world).readiness._seen = None
    answer = await world.client.get("/readyz")
    return answer.status_code, answer.json()


async def numbers(world: World) -> dict[str, float]:
    """/metrics, read anew, by name and labels."""
    health_of(world)._read = None
    answer = await world.client.get("/metrics")
    assert answer.status_code == 200
    lines = (line.rpartition(" ") for line in answer.text.splitlines() if line[0] != "#")
    return {name: float(value) for name, _, value in lines}


def from_address(world: World, address: tuple[str, int], app: Any = None) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=app or app_of(world), client=address)
    return httpx.AsyncClient(transport=transport, base_url=BASE_URL)


async def test_a_process_that_is_up_says_so_and_asks_nothing(world: World):
    answer = await world.client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert answer.headers["cache-control"] == "no-store"


async def test_with_a_worker_at_work_everything_is_ready(world: World):
    await beat("handle_events")
    status, said = await look(world)
    assert (status, said["status"]) == (200, "ok")
    names = ["database", "migrations", "worker", "webhooks", "alerts", "stripe"]
    assert list(said["parts"]) == names
    assert {part["status"] for part in said["parts"].values()} == {"ok"}


async def test_a_worker_that_is_late_or_never_ran_is_told_and_turns_nobody_away(world: World):
    status, said = await look(world)
    assert (status, said["status"]) == (200, "degraded")
    await beat("handle_events")
    await beat("auto_capture_completed_lessons", timedelta(minutes=4))
    await beat("check_expiring_authorizations", timedelta(minutes=12))
    status, said = await look(world)
    assert (status, said["status"]) == (200, "degraded")
    late = "late: auto_capture_completed_lessons"
    assert said["parts"]["worker"] == {"status": "degraded", "detail": late}


async def test_an_event_that_waits_too_long_is_told(world: World):
    await beat("handle_events")
    then = clock.now() - timedelta(minutes=7)
    await StripeEvent.insert(
        StripeEvent(id="evt_1", type="charge.updated", created_at=then, received_at=then)
    )
    _, said = await look(world)
    assert "7 minutes" in said["parts"]["webhooks"]["detail"]


async def test_a_stripe_out_of_reach_is_told_within_two_seconds_and_asked_again_later(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    await beat("handle_events")
    health = health_of(world)
    away = Settings(stripe_api_base="http://127.0.0.1:1", var_dir=world.settings.var_dir)
    monkeypatch.setattr(health, "readiness", Readiness(away))
    status, said = await look(world)
    assert (status, said["status"]) == (200, "degraded")
    assert said["parts"]["stripe"]["detail"].startswith("out of reach")
    # What was found stands for some seconds, whoever asks meanwhile.
    health.readiness.settings = world.settings
    assert (await look(world))[1]["parts"]["stripe"]["status"] == "degraded"
    health.readiness._stripe = None
    assert (await look(world))[1]["parts"]["stripe"]["status"] == "ok"


async def test_a_stripe_that_hangs_holds_nobody_up(
    world: World, sandbox: tuple[RunningSandbox, Any]
):
    await beat("handle_events")

    async def hang(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await over.wait()
        writer.close()

    over = asyncio.Event()
    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    health_of(world).readiness.settings = Settings(stripe_api_base=f"http://127.0.0.1:{port}")
    started = time.monotonic()
    try:
        _, said = await look(world)
    finally:
        over.set()
        server.close()
        await server.wait_closed()
    assert time.monotonic() - started < 10
    assert said["parts"]["stripe"]["status"] == "degraded"


async def test_a_database_that_is_away_or_not_migrated_makes_it_unready(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    async def one_missing() -> int:
        return 1

    with monkeypatch.context() as patched:
        patched.setattr("dashboard.observability.readiness.missing_migrations", one_missing)
        status, said = await look(world)
    assert (status, said["status"]) == (503, "unready")
    assert said["parts"]["migrations"]["detail"] == "1 still to run"

    async def away(_: str) -> None:
        raise db.DatabaseUnreachable("secret-host:5432 refuses")

    with monkeypatch.context() as patched:
        patched.setattr(db.engine(), "run_ddl", away)
        status, said = await look(world)
    assert (status, said["status"]) == (503, "unready")
    assert said["parts"]["database"] == {"status": "unready", "detail": "out of reach"}
    assert (await look(world))[0] == 200


async def test_every_answer_carries_the_name_of_its_request(world: World):
    given = "0b8a-1f.Request_7"
    for path in ("/healthz", "/nothing-here", "/holds", "/bookings/1"):
        answer = await world.client.get(path, headers={"X-Request-Id": given})
        assert answer.headers["x-request-id"] == given
    for bad in ("short", "a" * 41, "two words", "line%0abreak<script>", "../../../etc"):
        answer = await world.client.get("/healthz", headers={"X-Request-Id": bad})
        assert re.fullmatch(r"[0-9a-f]{12}", answer.headers["x-request-id"])


async def test_the_numbers_tell_operations_holds_and_sweeps(world: World):
    held = await world.book()
    await world.call(held["id"], "capture-payment")
    await world.post_booking(payment_method="pm_card_chargeDeclined")
    await world.book()
    await beat("handle_events", timedelta(seconds=90), error="LookupError: gone")
    found = await numbers(world)
    assert found['holdfast_operations_total{outcome="succeeded",verb="capture"}'] == 1
    assert found['holdfast_operations_total{outcome="succeeded",verb="authorize"}'] == 2
    assert found['holdfast_operations_total{outcome="refused",verb="authorize"}'] == 1
    assert found["holdfast_due_purchases"] >= 1
    assert 89 < found['holdfast_sweep_age_seconds{sweep="handle_events"}'] < 120
    assert found['holdfast_sweep_failing{sweep="handle_events"}'] == 1
    assert not [name for name in found if name.startswith("holdfast_holds_expiring")]
    await world.advance(timedelta(days=6, hours=2))
    found = await numbers(world)
    assert found['holdfast_holds_expiring{currency="usd"}'] == 1
    assert found['holdfast_holds_expiring_minor_units{currency="usd"}'] == 9600


async def test_the_numbers_tell_webhooks_and_mail(world: World):
    await world.book()
    then = clock.now() - timedelta(minutes=2)
    await StripeEvent.insert(
        StripeEvent(
            id="evt_1",
            type="charge.updated",
            created_at=then - timedelta(seconds=3),
            received_at=then,
        )
    )
    found = await numbers(world)
    assert found['holdfast_webhook_events{state="waiting"}'] == 1
    assert 119 < found["holdfast_webhook_lag_seconds"] < 150
    assert found["holdfast_webhook_delivery_seconds"] == 3
    assert found["holdfast_mail_unread_events"] >= 1
    await world.deliver()
    found = await numbers(world)
    assert found['holdfast_webhook_events{state="handled"}'] >= 1


async def test_requests_are_measured_by_the_template_of_their_route(world: World):
    for booking in (1, 2, 3):
        await world.client.get(f"/bookings/{booking}")
    await world.client.get("/nobody@example.test")
    await world.client.request("PROPFIND", "/healthz")
    found = await numbers(world)
    labels = 'method="GET",route="/bookings/{booking_id}",status="401"'
    assert found[f"holdfast_request_seconds_count{{{labels}}}"] == 3
    missed = 'method="GET",route="(none)",status="404"'
    assert found[f"holdfast_request_seconds_count{{{missed}}}"] == 1
    assert not [name for name in found if "example.test" in name or "PROPFIND" in name]


async def test_a_token_or_this_machine_may_read_the_numbers_and_nobody_else(world: World):
    async with from_address(world, ELSEWHERE) as stranger:
        assert (await stranger.get("/metrics")).status_code == 403
        assert (await stranger.get("/healthz")).status_code == 200
    async with from_address(world, HERE) as proxied:
        answer = await proxied.get("/metrics", headers={"X-Forwarded-For": "203.0.113.9"})
        assert answer.status_code == 403
    chosen = Settings(
        stripe_api_base=world.settings.stripe_api_base,
        var_dir=world.settings.var_dir,
        metrics_token=TOKEN,
    )
    app = create_app(chosen)
    async with alive(app), from_address(world, ELSEWHERE, app) as prometheus:
        for wrong in ({}, {"Authorization": "Bearer no"}, {"Authorization": f"Basic {TOKEN}"}):
            assert (await prometheus.get("/metrics", headers=wrong)).status_code == 403
        right = {"Authorization": f"Bearer {TOKEN}"}
        assert (await prometheus.get("/metrics", headers=right)).status_code == 200
    async with alive(app), from_address(world, HERE, app) as local:
        assert (await local.get("/metrics")).status_code == 403


async def test_the_numbers_survive_a_database_that_is_away(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    async def away(_: Settings) -> list[Any]:
        raise db.DatabaseUnreachable("gone")

    monkeypatch.setattr(readings, "read", away)
    found = await numbers(world)
    assert "process_resident_memory_bytes" in found


async def test_no_number_needs_a_whole_table(world: World, monkeypatch: pytest.MonkeyPatch):
    if POSTGRESQL:
        # With few rows PostgreSQL rightly reads whole tables, and would prove nothing.
        return
    asked: list[str] = []
    engine: Any = db.engine()
    run = engine.run_querystring

    async def watched(querystring: Any, *more: Any, **named: Any) -> Any:
        asked.append(str(querystring))
        return await run(querystring, *more, **named)

    monkeypatch.setattr(engine, "run_querystring", watched)
    await readings.read(world.settings)
    monkeypatch.undo()
    assert len(asked) > 8
    for query in asked:
        plan = await engine.run_ddl(f"EXPLAIN QUERY PLAN {query}")
        steps = [step["detail"] for step in plan]
        # There is one heartbeat a sweep, and an unread event is gone as soon as it was read.
        # So is there one notice an alert, and of these the newest is read.
        small = any(f'FROM "{name}"' in query for name in ("heartbeat", "mail_unread", "notice"))
        assert small or not [step for step in steps if _whole_table(step)], (query, steps)


def _whole_table(step: str) -> bool:
    return step.startswith("SCAN") and "USING" not in step


async def test_staff_are_named_by_number_in_the_lines_of_requests(
    world: World,
):
    ana = await sign_in(world)
    with capture_logs() as lines:
        await ana.page("/holds?q=maya@example.test")
    (line,) = [line for line in lines if line["event"] == "web.request"]
    assert line["route"] == "/holds" and line["status"] == 200 and line["staff"] > 0
    assert "maya" not in str(line)
