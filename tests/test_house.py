"""The house rules: which way imports may point, how big things get, and what no file may hold."""

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("dashboard", "jobs")
GENERATED = "piccolo_migrations"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
CONTRACTS: dict[str, str] = {
    contract["id"]: contract["name"] for contract in PROJECT["tool"]["importlinter"]["contracts"]
}


def sources() -> list[Path]:
    return sorted(
        path
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if GENERATED not in path.parts
    )


# Purity: a decision about money can be read, and tested, without a database or a network.

PURE_NAMES = (
    "rules.py",
    "case.py",
    "waiting.py",
    "holding.py",
    "horizon.py",
    "checks.py",
    "facts.py",
    "evidence.py",
    "proof.py",
    "verdict.py",
    "policy.py",
)
PURE_TOP = ("clock.py", "money.py", "snapshots.py")


def pure_modules() -> dict[str, Path]:
    """Dotted name and file of every module that must be pure."""
    top = [ROOT / "dashboard" / name for name in PURE_TOP]
    slices = [path for name in PURE_NAMES for path in (ROOT / "dashboard").glob(f"*/{name}")]
    return {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in top + slices}


def imported(source: str) -> Iterator[str]:
    """Every dotted name that `source` imports, wherever in it; `from a import b` gives a.b."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = "." * node.level + (node.module or "")
            yield from (f"{start}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Name) and node.id == "__import__":
            yield node.id


def strangers(source: str) -> list[str]:
    """What a pure module may not import: all but the standard library and other pure modules."""
    # The standard library's importlib would be a way around this list.
    known = (sys.stdlib_module_names | {"__future__"}) - {"importlib"}
    pure = pure_modules()
    return [
        name
        for name in imported(source)
        if name.split(".")[0] not in known
        and name not in pure
        and name.rpartition(".")[0] not in pure
    ]


@pytest.mark.parametrize("name", pure_modules())
def test_a_pure_module_imports_the_standard_library_and_its_like_only(name: str) -> None:
    assert strangers(pure_modules()[name].read_text()) == []


@pytest.mark.parametrize(
    ("line", "caught"),
    [
        ("import stripe", ["stripe"]),
        ("import json, httpx", ["httpx"]),
        ("from dashboard import db", ["dashboard.db"]),
        ("from dashboard.payments.tables import Payment", ["dashboard.payments.tables.Payment"]),
        ("def late():\n    from litestar import get", ["litestar.get"]),
        ("from . import tables", ["..tables"]),
        ("import importlib", ["importlib"]),
        ("stripe = __import__('stripe')", ["__import__"]),
        ("import json\nfrom datetime import UTC", []),
        ("from dashboard import clock, money", []),
        ("from dashboard.money import Money", []),
    ],
)
def test_a_stranger_in_a_pure_module_is_caught(line: str, caught: list[str]) -> None:
    assert strangers(line) == caught


# Arrows: a wrong import per contract, planted into a copy, must be named by the linter.

PLANTS = [
    ("doors", "jobs/planted.py", "import dashboard.web"),
    ("doors", "dashboard/payments/planted.py", "import dashboard.web"),
    ("doors", "dashboard/mail/planted.py", "import jobs"),
    ("doors", "dashboard/observability/planted.py", "import dashboard.web"),
    ("slices", "dashboard/payments/planted.py", "import dashboard.bookings"),
    ("slices", "dashboard/bookings/planted.py", "import dashboard.mail"),
    ("slices", "dashboard/mail/planted.py", "import dashboard.metrics"),
    ("slices", "dashboard/mail/planted.py", "import dashboard.alerts"),
    ("slices", "dashboard/metrics/planted.py", "import dashboard.support.actions"),
    ("pure", "dashboard/bookings/policy.py", "import litestar"),
    ("pure", "dashboard/payments/rules.py", "import piccolo"),
    ("stripe", "dashboard/payments/planted.py", "import stripe"),
    ("stripe", "dashboard/sandbox/planted.py", "import stripe"),
    ("stripe", "jobs/planted.py", "from stripe import StripeClient"),
    ("sandbox-alone", "dashboard/sandbox/planted.py", "import dashboard.payments"),
    ("sandbox-apart", "dashboard/web/planted.py", "import dashboard.sandbox"),
    ("circles", "jobs/planted.py", "import jobs.planted_too"),
]


def lint_imports(root: Path, contract: str) -> str:
    """What the linter says in `root` about one contract."""
    linter = str(Path(sys.executable).parent / "lint-imports")
    # The width keeps a contract's name and its verdict on one line.
    wide = {**os.environ, "COLUMNS": "200", "NO_COLOR": "1"}
    ran = subprocess.run(
        [linter, "--no-logo", "--no-cache", "--contract", contract],
        cwd=root,
        env=wide,
        capture_output=True,
        text=True,
        check=False,
    )
    return f"{ran.stdout}{ran.stderr}"


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """The packages and the configuration, free to be broken."""
    for package in PACKAGES:
        ignored = shutil.ignore_patterns("__pycache__", GENERATED)
        shutil.copytree(ROOT / package, tmp_path / package, ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


@pytest.mark.parametrize(("contract", "file", "line"), PLANTS)
def test_a_planted_wrong_import_is_caught(
    copied: Path, contract: str, file: str, line: str
) -> None:
    with (copied / file).open("a") as planted:
        planted.write(f"\n{line}\n")
    (copied / "jobs" / "planted_too.py").write_text("import jobs.planted\n")
    assert f"{CONTRACTS[contract]} BROKEN" in lint_imports(copied, contract)


@pytest.mark.parametrize("contract", CONTRACTS)
def test_the_arrows_hold_and_each_has_a_plant(copied: Path, contract: str) -> None:
    assert f"{CONTRACTS[contract]} KEPT" in lint_imports(copied, contract)
    assert contract in {plant[0] for plant in PLANTS}


# Sizes: what fits on a screen gets read.

LONGEST_FILE = 260
LONGEST_FUNCTION = 40
VAGUE = re.compile(r"(?:^|_)(?:utils?|helpers?|services?|managers?|misc|common)(?:_|$)")


def long_functions(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > LONGEST_FUNCTION:
                yield f"{path.relative_to(ROOT)}: {node.name} has {lines} lines"


def test_files_stay_readable_in_one_sitting() -> None:
    counted = [(path, len(path.read_text().splitlines())) for path in sources()]
    too_long = [
        f"{path.relative_to(ROOT)} has {lines} lines"
        for path, lines in counted
        if lines > LONGEST_FILE
    ]
    assert not too_long, "\n".join(too_long)


def test_functions_stay_on_one_screen() -> None:
    too_long = [line for path in sources() for line in long_functions(path)]
    assert not too_long, "\n".join(too_long)


def test_modules_are_named_after_what_they_do() -> None:
    vague = [
        str(path.relative_to(ROOT))
        for path in sources()
        if any(VAGUE.search(part) for part in path.relative_to(ROOT).with_suffix("").parts)
    ]
    assert not vague, "\n".join(vague)


# Addresses: packages come from whatever index the machine uses, and the hashes say which files.

# Put together here, so that this file does not hold what it looks for.
HOSTS = tuple(
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("files", "pythonhosted", "org"),
        ("registry", "npmjs", "org"),
        ("registry", "yarnpkg", "com"),
        ("deb", "debian", "org"),
    )
)
LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-node.lock")


def kept_files() -> list[Path]:
    """The files that are committed, and those that would be next."""
    # A checkout may belong to somebody else than to who runs the tests.
    git = ["git", "-c", f"safe.directory={ROOT}", "-C", str(ROOT)]
    listed = subprocess.run(
        [*git, "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        capture_output=True,
        text=True,
        check=True,
    )
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def test_no_file_names_a_package_registry() -> None:
    found = [
        f"{path.relative_to(ROOT)} names {host}"
        for path in kept_files()
        for host in HOSTS
        if host.encode() in path.read_bytes()
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_is_hashed_and_has_no_address(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert not re.search(r"://|^--|^-e|\s@\s", text, re.MULTILINE)
    pins = re.findall(r"^\S+==.*$", text, re.MULTILINE)
    hashed = re.findall(r"^\S+==.*\\\n    --hash=sha256:[0-9a-f]{64}", text, re.MULTILINE)
    assert pins and len(pins) == len(hashed)


def test_the_browser_packages_are_hashed_and_have_no_address() -> None:
    text = (ROOT / "package-lock.json").read_text()
    assert '"resolved"' not in text
    assert text.count('"node_modules/') == text.count('"integrity": "sha512-') > 0
