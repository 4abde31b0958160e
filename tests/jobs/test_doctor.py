"""The doctor: what is wrong, what to do about it, and an exit code that programs can go by."""

import json
import re
import subprocess
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from dashboard import clock, schema
from dashboard.commands import configured, doctor, surroundings
from dashboard.commands.findings import Finding, Level
from dashboard.metrics.tables import Heartbeat
from dashboard.payments.tables import StripeEvent
from dashboard.settings import from_env
from tests.jobs.processes import environment, free_port, of, spawn
from tests.jobs.test_unsafe_starts import LIVE
from tests.world import World

Said = tuple[int, str, str]


def ask(env: dict[str, str], *words: str) -> Said:
    """What the command itself answers: its code, its output and its errors."""
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with spawn(["doctor", *words], env, **pipes) as process:
        out, err = process.communicate(timeout=60)
    return process.returncode, out, err


async def beat(name: str = "handle_events", ago: timedelta = timedelta(), error: str = "") -> None:
    then = clock.now() - ago
    await Heartbeat.insert(
        Heartbeat(name=name, last_started_at=then, last_finished_at=then, last_error=error)
    )


def named(found: list[Finding], part: str) -> Finding:
    (one,) = [finding for finding in found if finding.part == part]
    return one


def about(part: str, **changes: str) -> Finding:
    """What is said about one part of a good live configuration with these changes."""
    return named(configured.findings(from_env(LIVE | changes)), part)


async def test_where_all_is_well_every_line_says_so(world: World):
    await beat()
    code, out, err = ask(of(world))
    assert (code, err) == (0, "")
    assert {line[:5] for line in out.splitlines()} == {"ok   "}
    for part in ("secret key", "database", "migrations", "schema", "sandbox", "clock", "queue"):
        assert f"ok    {part}: " in out


async def test_each_thing_that_is_wrong_comes_with_what_to_do(world: World):
    code, out, _ = ask(of(world) | {"SANDBOX_PORT": str(free_port())})
    assert code == 1
    assert re.search(r"WRONG worker: has never run\n +→ run: python -m dashboard worker", out)
    assert re.search(r"WRONG sandbox: can't be reached at .*\n +→ run: .* sandbox", out)


async def test_programs_get_the_same_as_json(world: World):
    code, out, _ = ask(of(world), "--json")
    said = json.loads(out)
    assert code == 1 and said["well"] is False
    (worker,) = [one for one in said["findings"] if one["part"] == "worker"]
    assert worker["level"] == "wrong" and worker["do"].startswith("run: ")
    assert ask(of(world), "--colour")[0] == 2


def test_a_configuration_that_must_not_run_is_a_finding_too(tmp_path: Path):
    env = environment(tmp_path, ENVIRONMENT="production")
    code, out, err = ask(env)
    assert (code, out) == (1, "") and "STRIPE_API_KEY" in err and err.count("\n") == 1
    code, out, err = ask(env, "--json")
    assert code == 1 and err == ""
    assert json.loads(out)["findings"][0]["part"] == "configuration"


def test_a_database_that_was_never_set_up_is_told_with_its_cure(tmp_path: Path):
    code, out, err = ask(environment(tmp_path, SANDBOX_PORT=str(free_port())))
    assert code == 1 and err == ""
    assert "WRONG migrations: never run" in out and "python -m dashboard migrate" in out
    env = environment(tmp_path, DATABASE_URL="postgresql://desk:hunter22@127.0.0.1:1/x")
    code, out, err = ask(env)
    assert code == 1 and "WRONG database: postgresql can't be reached" in out
    assert "hunter22" not in out + err


def test_no_secret_is_ever_told(tmp_path: Path):
    secrets = {
        "STRIPE_API_KEY": "sk_test_topsecret1",
        "STRIPE_API_BASE": f"http://127.0.0.1:{free_port()}",
        "STRIPE_WEBHOOK_SECRET": "topsecret2",
        "SECRET_KEY": "topsecret3",
        "METRICS_TOKEN": "topsecret4-topsecret4",
        "SMTP_URL": f"smtp://ana:topsecret5@127.0.0.1:{free_port()}",
        "REDIS_URL": f"redis://:topsecret6@127.0.0.1:{free_port()}/0",
    }
    code, out, err = ask(environment(tmp_path, **secrets))
    assert code == 1 and "topsecret" not in out + err
    for part in ("stripe", "webhook secret", "mail", "queue"):
        assert f"WRONG {part}: " in out


@pytest.mark.parametrize(
    ("part", "changes", "level", "words"),
    [
        ("environment", {}, Level.OK, "production, live key"),
        ("environment", {"STRIPE_API_KEY": "sk_test_1"}, Level.WRONG, "no real money"),
        ("environment", {"ENVIRONMENT": "development"}, Level.WRONG, "real cards"),
        ("secret key", {}, Level.OK, "long"),
        ("secret key", {"SECRET_KEY": "short"}, Level.WRONG, "guessed"),
        ("secret key", {"SECRET_KEY": "a" * 60}, Level.WRONG, "guessed"),
        ("address", {"BASE_URL": "http://desk.example.com"}, Level.WRONG, "not https"),
        ("address", {"BASE_URL": "https://localhost"}, Level.WRONG, "this machine"),
        ("webhook secret", {}, Level.OK, "one"),
        ("webhook secret", {"STRIPE_WEBHOOK_SECRET": "whsec_1,whsec_2"}, Level.WARNING, "2 are"),
        ("webhook secret", {"STRIPE_WEBHOOK_SECRET": "we_123"}, Level.WRONG, "whsec_"),
        ("publishable key", {"STRIPE_PUBLISHABLE_KEY": "pk_live_1"}, Level.OK, "live mode"),
        ("publishable key", {"STRIPE_PUBLISHABLE_KEY": "pk_test_1"}, Level.WRONG, "not for"),
        ("publishable key", {"STRIPE_PUBLISHABLE_KEY": "sk_live_2"}, Level.WRONG, "pk_"),
        ("mail", {"SMTP_URL": ""}, Level.WRONG, "hear nothing"),
        ("mail sender", {"MAIL_FROM": "Us <us@localhost>"}, Level.WRONG, "localhost"),
        ("metrics", {"HOST": "0.0.0.0"}, Level.WARNING, "only this machine"),  # noqa: S104
        ("time zone", {"TIME_ZONE": "Europe/Berlin"}, Level.OK, "Europe/Berlin"),
        ("folder", {"VAR_DIR": "/proc/1/holdfast"}, Level.WRONG, "written"),
    ],
)
def test_a_configuration_that_runs_may_still_be_wrong(
    part: str, changes: dict[str, str], level: Level, words: str
):
    found = about(part, **changes)
    assert found.level is level and words in found.said
    assert bool(found.do) == (level is not Level.OK)


def test_the_default_key_is_good_enough_on_one_machine_only():
    here = named(configured.findings(from_env({})), "secret key")
    open_to_all = from_env({"HOST": "0.0.0.0"})  # noqa: S104
    there = named(configured.findings(open_to_all), "secret key")
    assert (here.level, there.level) == (Level.OK, Level.WRONG)


async def _findings(world: World) -> list[Finding]:
    return await surroundings.findings(world.settings)


async def test_a_late_sweep_and_a_failed_one_are_told_without_what_they_said(world: World):
    await beat("handle_events", error="ValueError: whsec_quoted and maya@example.test")
    await beat("send_mail", ago=timedelta(minutes=8))
    late, failed = [one for one in await _findings(world) if one.part == "worker"]
    assert late.level is Level.WRONG and late.said.endswith("late: send_mail")
    assert failed.level is Level.WARNING and failed.said == "handle_events ended with ValueError"


async def test_a_schema_that_was_changed_is_told(world: World, monkeypatch: pytest.MonkeyPatch):
    async def changed() -> list[str]:
        return ["missing: payment.version is bigint"]

    monkeypatch.setattr(schema, "differences", changed)
    found = named(await _findings(world), "schema")
    assert found.level is Level.WRONG and "payment.version" in found.said


@pytest.mark.parametrize(
    ("seconds", "level"), [(0, Level.OK), (20, Level.WARNING), (-400, Level.WRONG)]
)
async def test_a_clock_that_went_astray_is_told_before_webhooks_are_refused(
    world: World, monkeypatch: pytest.MonkeyPatch, seconds: int, level: Level
):
    async def answer(*_: Any) -> httpx.Response:
        then = clock.wall() + timedelta(seconds=seconds)
        return httpx.Response(200, headers={"Date": format_datetime(then, usegmt=True)})

    monkeypatch.setattr("dashboard.observability.readiness.reach", answer)
    assert named(await _findings(world), "clock").level is level


@pytest.mark.parametrize(
    ("version", "live", "level"),
    [
        (surroundings.API_VERSION, False, Level.OK),
        ("2020-08-27", False, Level.WARNING),
        (surroundings.API_VERSION, True, Level.WRONG),
    ],
)
async def test_the_newest_webhook_shows_an_endpoint_of_another_mode_or_version(
    world: World, version: str, live: bool, level: Level
):
    now = clock.now()
    event = StripeEvent(id="evt_1", type="charge.updated", created_at=now, received_at=now)
    event.api_version, event.livemode, event.state = version, live, "handled"
    await StripeEvent.insert(event)
    assert named(await _findings(world), "webhooks").level is level


async def test_a_part_that_fails_in_an_unforeseen_way_hides_no_other(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    def broken(_: Any) -> int:
        raise KeyError("huh")

    monkeypatch.setattr(surroundings.readiness, "late_sweeps", broken)
    await beat()
    found = await _findings(world)
    assert named(found, "worker").level is Level.WRONG
    assert named(found, "mail").level is Level.OK


def test_the_exit_code_goes_by_what_is_wrong(monkeypatch: pytest.MonkeyPatch):
    for level, code in ((Level.OK, 0), (Level.WARNING, 0), (Level.WRONG, 1)):
        found = [Finding("part", level, "said")]
        monkeypatch.setattr(doctor, "examine", lambda _, found=found: found)
        assert doctor.doctor(from_env({}), as_json=True) == code
