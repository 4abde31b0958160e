"""The command line: what each command prints, and how it says no."""

import io
import json
import re
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from dashboard import clock, settings
from dashboard.__main__ import main
from dashboard.audit.tables import AuditEntry
from dashboard.bookings.tables import Instructor, PackageOffer
from dashboard.seeding import marker
from dashboard.staff import auth
from dashboard.staff.tables import Staff
from tests.jobs.processes import environment, free_port, spawn
from tests.world import World

Answer = tuple[int, str, str]
Run = Callable[..., Answer]


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., Answer]]:
    """Runs a command in a thread, where no loop is running yet; code, output and errors."""
    before, followed = settings._current, clock._offset_file

    def call(*words: str, stdin: str = "", **env: str) -> Answer:
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        codes: list[int] = []

        def target() -> None:
            try:
                codes.append(main(list(words)))
            except SystemExit as error:
                codes.append(int(error.code or 0))

        thread = threading.Thread(target=target)
        thread.start()
        thread.join(60)
        said = capsys.readouterr()
        return codes[0], said.out, said.err

    yield call
    settings._current, clock._offset_file = before, followed


ANA = ("staff", "add", "ana@example.test", "--role", "finance", "--password-stdin")


async def test_staff_add_prints_the_id_of_somebody_who_can_sign_in(database: None, run: Run):
    code, out, err = run(*ANA, "--name", "Ana", stdin="correct horse\n")
    staff = await Staff.objects().get(Staff.username == "ana@example.test")
    assert staff is not None
    assert (code, out, err) == (0, f"{staff.id}\n", "")
    signed_in = await auth.authenticate("ana@example.test", "correct horse", "127.0.0.1")
    assert (signed_in.role, signed_in.name) == ("finance", "Ana")


async def test_staff_add_says_no_in_one_line(database: None, run: Run):
    assert run(*ANA, stdin="correct horse\n")[0] == 0
    for stdin, said in (("correct horse\n", "already"), ("short\n", "characters"), ("", "char")):
        code, out, err = run(*ANA, stdin=stdin)
        assert (code, out) == (2, "")
        assert said in err and err.count("\n") == 1
    code, _, err = run("staff", "add", "a@b.test", "--role", "boss", "--password-stdin")
    assert code == 2 and "boss" in err
    code, _, err = run("staff", "add", "a@b.test", "--role", "admin")
    assert code == 2 and "--password-stdin" in err


async def test_a_rebuild_of_the_metrics_says_how_many_days_it_changed(world: World, run: Run):
    await world.book()
    code, out, err = run("metrics", "rebuild")
    assert (code, out.splitlines()[-1], err) == (0, "Days counted: 1. Changed: 1.", "")
    code, out, err = run("metrics", "rebuild")
    assert (code, out) == (0, "Days counted: 1. Every one was right: nothing was changed.\n")


async def test_what_is_changed_at_the_command_line_is_in_the_audit(database: None, run: Run):
    run(*ANA, stdin="correct horse battery\n")
    run("staff", "role", "ana@example.test", "support")
    run("token", "add", "the shop", "--scope", "bookings")
    run("staff", "role", "nobody@example.test", "support")
    rows = await AuditEntry.objects().order_by(AuditEntry.id)
    assert [(row.action, row.subject) for row in rows] == [
        ("command", "staff/ana@example.test"),
        ("command", "staff/ana@example.test"),
        ("command", "api_token/the shop"),
    ]
    assert all(row.actor and row.address == "command line" for row in rows)
    assert "support" in rows[1].detail
    assert "correct horse" not in "".join(row.detail for row in rows)


async def test_token_add_prints_a_token_that_works(database: None, run: Run):
    code, out, _ = run("token", "add", "the shop", "--scope", "bookings,payments")
    assert code == 0
    found = await auth.check_token(out.strip())
    assert found is not None
    assert found.scopes == "bookings,payments"
    code, out, err = run("token", "add", "the shop", "--scope", "everything")
    assert (code, out) == (2, "") and "bookings" in err


async def test_token_list_never_shows_a_token_and_revoke_ends_it(database: None, run: Run):
    token = run("token", "add", "the shop", "--scope", "bookings,payments")[1].strip()
    await auth.check_token(token)
    code, out, _ = run("token", "list")
    assert code == 0 and token not in out
    head, line = out.splitlines()
    assert head.split()[:3] == ["id", "name", "scopes"]
    number = line.split()[0]
    assert "the shop" in line and "bookings,payments" in line and "never" not in line
    code, out, _ = run("token", "revoke", number)
    assert code == 0 and "the shop" in out
    assert await auth.check_token(token) is None
    assert "revoked" in run("token", "list")[1]
    assert run("token", "revoke", "999")[0] == 2


async def test_staff_is_listed_given_another_role_and_password_and_shut_out(
    database: None, run: Run
):
    run(*ANA, "--name", "Ana", stdin="correct horse\n")
    staff = await auth.person("ana@example.test")
    for words, stdin in (
        (("role", "Ana@example.test", "viewer"), ""),
        (("password", "ana@example.test", "--password-stdin"), "another horse\n"),
        (("deactivate", "ana@example.test"), ""),
    ):
        session = await auth.open_session(staff)
        code, out, err = run("staff", *words, stdin=stdin)
        assert (code, err) == (0, "") and "Every session has ended" in out
        assert await auth.session_staff(session) is None
    listed = run("staff", "list")[1]
    assert "ana@example.test  viewer  Ana   shut out" in listed
    for words in (("role", "ben@x.test", "viewer"), ("deactivate", "ben@x.test")):
        code, out, err = run("staff", *words)
        assert (code, out) == (2, "") and "ben@x.test is not at the desk" in err
    code, _, err = run("staff", "password", "ana@example.test", "--password-stdin", stdin="x\n")
    assert code == 2 and "characters" in err


async def test_catalog_prints_ids_and_names_what_is_wrong(database: None, run: Run):
    clara = ("catalog", "add-instructor", "Clara", "--email", "c@example.test")
    code, out, _ = run(*clara, "--rate", "9600", "--currency", "usd")
    row = await Instructor.objects().get(Instructor.id == int(out))
    assert code == 0 and row is not None
    assert (row.name, row.rate, row.currency) == ("Clara", 9600, "usd")
    five = ("catalog", "add-package", "Five lessons", "--lessons", "5")
    code, out, _ = run(*five, "--price", "42000", "--currency", "USD")
    offer = await PackageOffer.objects().get(PackageOffer.id == int(out))
    assert code == 0 and offer is not None
    assert (offer.lessons_count, offer.price, offer.currency) == (5, 42000, "usd")
    for wrong in (
        (*clara, "--rate", "9600", "--currency", "usd"),
        (*five, "--price", "1", "--currency", "usd"),
        (*five, "--price", "42000", "--currency", "doge"),
        (*five, "--price", "a lot", "--currency", "usd"),
    ):
        code, out, err = run(*wrong)
        assert (code, out) == (2, "") and err


async def test_migrate_says_what_it_did(run: Run, tmp_path: Path):
    env = environment(tmp_path)
    for said in (r"\d+ migrations run\.\n", r"The database is up to date\.\n"):
        with spawn(["migrate"], env, stdout=subprocess.PIPE) as process:
            out, _ = process.communicate(timeout=60)
        assert process.returncode == 0
        assert re.fullmatch(said, out)


def test_a_configuration_that_must_not_run_is_one_line_and_code_2(run: Run):
    code, out, err = run("migrate", ENVIRONMENT="production")
    assert (code, out) == (2, "")
    assert err == "ENVIRONMENT=production needs STRIPE_API_KEY: the sandbox moves no real money.\n"


def test_a_taken_port_is_one_line(run: Run, tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for command, name in (("run", "PORT"), ("web", "PORT"), ("sandbox", "SANDBOX_PORT")):
            env = environment(tmp_path, **{name: port})
            with spawn([command], env, stderr=subprocess.PIPE) as process:
                _, err = process.communicate(timeout=60)
            assert process.returncode == 2
            assert port in err and name in err and err.count("\n") == 1


def test_the_sandbox_is_neither_started_nor_seeded_beside_stripe(run: Run):
    env = {"STRIPE_API_KEY": "sk_test_x", "STRIPE_WEBHOOK_SECRET": "whsec_x", "SECRET_KEY": "x"}
    for command in ("sandbox", "seed"):
        code, out, err = run(command, **env)
        assert (code, out) == (2, "") and "STRIPE_API_KEY is set" in err


async def test_seed_refuses_where_somebody_has_booked(world: World, run: Run):
    await world.book()
    code, _, err = run("seed", VAR_DIR=str(world.settings.var_dir))
    assert code == 2 and "There are bookings already" in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--bookings", "5"), "--bookings must be between"),
        (("--bookings", "300", "--months", "99"), "--months must be between"),
    ],
)
async def test_a_past_has_a_size_that_makes_sense(
    database: None, run: Run, words: tuple[str, ...], said: str
):
    code, _, err = run("seed", *words)
    assert code == 2 and said in err and err.count("\n") == 1


async def test_a_past_is_written_once_and_not_over_bookings(world: World, run: Run, tmp_path: Path):
    port = world.settings.stripe_api_base.rpartition(":")[2]
    where = {"VAR_DIR": str(tmp_path), "SANDBOX_PORT": port}
    code, out, err = run("seed", "--bookings", "40", "--months", "2", **where)
    assert code == 0, err
    assert "Seeded in" in out and await world.bookings() == 40
    for words in ((), ("--bookings", "40")):
        code, _, err = run("seed", *words, **where)
        assert code == 2 and "There are bookings already" in err


async def test_a_past_that_was_broken_off_is_not_gone_on_with(
    world: World, run: Run, tmp_path: Path
):
    await world.book()
    marker.begin(msgspec.structs.replace(world.settings, var_dir=tmp_path), 1, bookings=40)
    for words in ((), ("--bookings", "40")):
        code, _, err = run("seed", *words, VAR_DIR=str(tmp_path))
        assert code == 2 and "broken off" in err and err.count("\n") == 1


async def test_seed_needs_a_running_sandbox(database: None, run: Run, tmp_path: Path):
    ports = {"PORT": str(free_port()), "SANDBOX_PORT": str(free_port())}
    code, _, err = run("seed", VAR_DIR=str(tmp_path), **ports)
    assert code == 2 and "Start `sandbox` and `web` first" in err
    code, _, err = run("seed", "--bookings", "40", VAR_DIR=str(tmp_path), **ports)
    assert code == 2 and "Start `sandbox` first" in err


def test_log_lines_are_json_where_nobody_looks(tmp_path: Path):
    env = environment(
        tmp_path, SANDBOX_PORT=str(free_port()), DATABASE_URL="postgresql://127.0.0.1:1/x"
    )
    with spawn(["worker"], env, stderr=subprocess.PIPE) as process:
        _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    *logged, last = err.splitlines()
    assert last.startswith("The database can't be reached")
    assert all(json.loads(line)["level"] for line in logged)
