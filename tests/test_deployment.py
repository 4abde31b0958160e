"""The image, compose and the units name only what exists, know every setting, and hold no secret.

No engine is needed: the files are read, and what they say is looked up in the repository.
"""

import configparser
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from dashboard.__main__ import _parser
from dashboard.settings import from_env

ROOT = Path(__file__).resolve().parent.parent
UNITS = sorted((ROOT / "deploy" / "systemd").glob("*.service"))
# Compose's own PostgreSQL is made with it; the product sees it in DATABASE_URL alone.
COMPOSE_ONLY = {"POSTGRES_PASSWORD"}
SECRETS = ("STRIPE_API_KEY", "STRIPE_WEBHOOK_SECRET", "SECRET_KEY", "POSTGRES_PASSWORD")
DUMMIES = {
    "STRIPE_API_KEY": "sk_live_1",
    "STRIPE_WEBHOOK_SECRET": "whsec_1",
    "SECRET_KEY": "k" * 40,
    "POSTGRES_PASSWORD": "p4ssw0rd",
}


class Asked(dict[str, str]):
    """An environment that remembers what it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def get(self, name: str, default: Any = None) -> Any:
        self.names.add(name)
        return super().get(name, default)


def known() -> set[str]:
    """Every variable that the settings are read from."""
    asked = Asked()
    from_env(asked)
    return asked.names


def example() -> dict[str, str]:
    lines = (ROOT / ".env.example").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
    return found


def ours() -> dict[str, dict[str, Any]]:
    """The services that run our image."""
    services: dict[str, dict[str, Any]] = compose()["services"]
    return {name: made for name, made in services.items() if made["image"] == "holdfast"}


def resolved(text: str, env: dict[str, str]) -> str:
    """What compose makes of ${NAME:?why} and ${NAME:-default}."""

    def one(match: re.Match[str]) -> str:
        name, kind, rest = match.groups()
        value = env.get(name, "")
        assert value or kind == "-", f"{name} is missing"
        return value or rest

    return re.sub(r"\$\{(\w+):([?-])([^}]*)\}", one, text)


def unit(path: Path) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(path.read_text())
    return parser


def is_command(words: list[str]) -> bool:
    """Whether `python -m …` names a command or a module of ours."""
    assert Path(words[0]).name == "python" and words[1] == "-m", words
    if words[2] == "dashboard":
        return callable(_parser().parse_args(words[3:]).command)
    return (ROOT / f"{words[2].replace('.', '/')}.py").is_file()


# The example of an environment.


def test_the_example_has_every_variable_and_no_other():
    assert set(example()) == known() | COMPOSE_ONLY
    text = (ROOT / ".env.example").read_text()
    blocks = [block for block in text.split("\n\n") if "=" in block]
    assert all(block.startswith("#") for block in blocks)


def test_the_readme_explains_every_variable_with_its_true_default():
    rows = re.findall(r"^\| (`[A-Z_`, ]+`) \| (.*?) \|", (ROOT / "README.md").read_text(), re.M)
    told = {name: default for names, default in rows for name in re.findall(r"[A-Z_]+", names)}
    assert set(told) == known()
    plain = from_env({})
    for name in ("ENVIRONMENT", "TIME_ZONE", "DEFAULT_CURRENCY", "EXPIRY_POLICY", "VAR_DIR"):
        assert told[name] == f"`{getattr(plain, name.lower())}`"
    for name in ("SANDBOX_PORT", "SUPPORT_REFUND_LIMIT", "CANCEL_FREE_HOURS"):
        assert told[name] == f"`{getattr(plain, name.lower())}`"
    assert told["FORWARDED_ALLOW_IPS"] == f"`{plain.forwarded_allow_ips}`"
    assert told["DATABASE_URL"] == f"`{from_env({'VAR_DIR': '{VAR_DIR}'}).database_url}`"
    assert told["MAIL_FROM"] == f"`{plain.mail_from}`"


def test_the_example_holds_no_secret_and_refuses_to_start_until_it_is_filled_in():
    assert not [name for name in SECRETS if example()[name]]
    settings = from_env(example() | DUMMIES)
    assert settings.production and not settings.sandbox


# Compose.


def test_the_services_are_all_there_and_say_whether_they_are_well():
    services = compose()["services"]
    assert set(services) == {"postgres", "redis", "mail", "migrate", "web", "worker"}
    for name, made in services.items():
        allowed = {"image", "build", "command", "environment", "env_file", "depends_on", "ports"}
        allowed |= {"volumes", "healthcheck", "restart", "read_only", "tmpfs", "cap_drop"}
        assert set(made) <= allowed | {"security_opt"}, name
        assert name == "migrate" or made["healthcheck"]["test"][0] == "CMD", name
        for other, how in made.get("depends_on", {}).items():
            assert other in services
            wanted = "service_completed_successfully" if other == "migrate" else "service_healthy"
            assert how == {"condition": wanted}
    volumes = {
        mount.split(":")[0] for made in services.values() for mount in made.get("volumes", ())
    }
    assert volumes == set(compose()["volumes"])


def test_every_image_is_pinned_and_every_port_is_this_machines():
    for made in compose()["services"].values():
        assert made["image"] == "holdfast" or re.search(r":v?\d", made["image"])
        assert all(port.startswith("127.0.0.1:") for port in made.get("ports", ()))


def test_compose_holds_no_secret_and_starts_nothing_without_one():
    text = (ROOT / "compose.yaml").read_text()
    for name in SECRETS:
        assert re.search(rf"\$\{{{name}:\?", text)
    assert not re.search(r"(?:sk|pk|rk)_(?:test|live)_|whsec_", text)
    for made in ours().values():
        assert made["env_file"] == ".env"


def test_our_services_run_commands_that_exist_with_settings_that_run():
    for made in ours().values():
        assert is_command(made["command"])
        assert made["read_only"] and made["cap_drop"] == ["ALL"]
        assert set(made["environment"]) <= known()
        env = example() | DUMMIES
        env |= {key: resolved(value, env) for key, value in made["environment"].items()}
        settings = from_env(env)
        assert settings.database_url == "postgresql://holdfast:p4ssw0rd@postgres:5432/holdfast"
        assert settings.redis_url and settings.smtp_url and settings.host == "0.0.0.0"  # noqa: S104
    assert is_command(ours()["web"]["healthcheck"]["test"][1:])


# The image.


def instructions() -> Iterator[tuple[str, str]]:
    text = (ROOT / "Dockerfile").read_text()
    text = re.sub(r"^#.*\n", "", text, flags=re.M).replace("\\\n", " ")
    for line in text.splitlines():
        if line.strip():
            word, _, rest = line.partition(" ")
            yield word, rest.strip()


def test_the_image_copies_only_what_exists_and_what_is_let_through():
    let_in = [line[1:] for line in (ROOT / ".dockerignore").read_text().split() if line[0] == "!"]
    copied: set[str] = set()
    for word, rest in instructions():
        if word == "COPY" and not rest.startswith("--from"):
            *sources, _ = rest.split()
            copied |= set(sources)
    for source in copied:
        assert (ROOT / source).exists(), source
        assert source in let_in, source
    assert copied == set(let_in)


def test_the_image_has_all_that_the_product_imports_at_its_start():
    copied = {rest for word, rest in instructions() if word == "COPY"}
    for folder in ("dashboard", "jobs", "templates"):
        assert f"{folder} {folder}" in copied


def test_the_image_takes_hashed_packages_and_runs_as_nobody_special():
    found = list(instructions())
    (install,) = [rest for word, rest in found if word == "RUN" and "pip install" in rest]
    assert "--require-hashes" in install and "-r requirements.lock" in install
    users = [rest for word, rest in found if word == "USER"]
    assert users and not users[-1].startswith(("0", "root"))
    last_from = max(place for place, (word, _) in enumerate(found) if word == "FROM")
    assert [word for word, _ in found[last_from:]].count("USER") == 1
    assert [word for word, _ in found].index("USER") > last_from


def test_the_images_commands_and_variables_are_ours():
    found = list(instructions())
    (command,) = [rest for word, rest in found if word == "CMD"]
    assert is_command(yaml.safe_load(command))
    (probe,) = [rest.partition("CMD ")[2] for word, rest in found if word == "HEALTHCHECK"]
    assert is_command(yaml.safe_load(probe))
    named = {
        pair.partition("=")[0]
        for word, rest in found
        if word == "ENV"
        for pair in shlex.split(rest)
        if not pair.startswith(("PATH=", "PYTHON", "PIP_"))
    }
    assert named <= known()
    secrets = {"STRIPE_API_KEY", "SECRET_KEY", "STRIPE_WEBHOOK_SECRET"}
    assert not secrets & named and not [word for word, _ in found if word in ("ARG", "ADD")]


def test_the_probe_asks_whether_the_process_is_ready():
    env = {"PATH": os.environ["PATH"], "PORT": "1"}
    line = [sys.executable, "-m", "dashboard.observability.probe"]
    assert subprocess.run(line, cwd=ROOT, env=env, check=False).returncode == 1


# systemd.


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_a_unit_starts_a_command_of_ours_as_a_user_of_its_own(path: Path):
    service = unit(path)["Service"]
    words = shlex.split(service["ExecStart"])
    assert is_command(words) and words[-1] == path.stem.removeprefix("holdfast-")
    assert service["User"] == "holdfast" and service["EnvironmentFile"]
    names = {pair.partition("=")[0] for pair in shlex.split(service["Environment"])}
    assert names <= known()
    for name in ("NoNewPrivileges", "ProtectHome", "PrivateTmp", "RestrictSUIDSGID"):
        assert service[name] == "yes"
    assert service["ProtectSystem"] == "strict" and service["CapabilityBoundingSet"] == ""


def test_web_and_worker_wait_for_the_migrations_and_come_back_when_they_die():
    assert [path.stem for path in UNITS] == [
        "holdfast-migrate",
        "holdfast-web",
        "holdfast-worker",
    ]
    migrate, *others = (unit(path) for path in UNITS)
    assert migrate["Service"]["Type"] == "oneshot"
    for one in others:
        assert "holdfast-migrate.service" in one["Unit"]["After"]
        assert one["Unit"]["Requires"] == "holdfast-migrate.service"
        assert one["Service"]["Restart"] == "always"


def test_systemd_itself_finds_nothing_wrong(tmp_path: Path):
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        # The tests above say what matters; a machine without systemd says no more.
        return
    for path in UNITS:
        text = path.read_text().replace("/opt/holdfast/.venv/bin/python", sys.executable)
        (tmp_path / path.name).write_text(text)
    ran = subprocess.run(
        [analyze, "verify", *(str(tmp_path / path.name) for path in UNITS)],
        capture_output=True,
        text=True,
        check=False,
    )
    said = [line for line in ran.stderr.splitlines() if str(tmp_path) in line or "holdfast" in line]
    assert not said, ran.stderr
