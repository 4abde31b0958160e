"""`doctor`: one line a part, good or bad, and what to do about it."""

import asyncio
from collections.abc import Awaitable, Callable

from piccolo.apps.migrations.commands.base import BaseMigrationManager
from piccolo.apps.migrations.tables import Migration

from dashboard import clock, db, stripe_gateway
from dashboard.metrics.tables import Heartbeat
from dashboard.settings import Settings
from jobs.queue import open_queue

Check = Callable[[Settings], Awaitable[str]]
LONGEST_SILENCE = 180


class Wrong(Exception):
    """A part that does not work; the message says which and what to do."""


def examine(settings: Settings) -> list[tuple[str, str, bool]]:
    """Every part's name, what there is to say about it, and whether it is well."""
    return asyncio.run(_examine(settings))


async def _examine(settings: Settings) -> list[tuple[str, str, bool]]:
    checks: list[tuple[str, Check]] = [
        ("database", _database),
        ("migrations", _migrations),
        ("sandbox" if settings.sandbox else "stripe", _stripe),
        ("queue", _queue),
        ("worker", _worker),
    ]
    found = []
    for name, check in checks:
        try:
            found.append((name, await check(settings), True))
        except Wrong as wrong:
            found.append((name, str(wrong), False))
    return found


async def _database(settings: Settings) -> str:
    kind = settings.database_url.split(":", 1)[0]
    try:
        await db.engine().run_ddl("SELECT 1")
    except db.CONNECTION_ERRORS as error:
        raise Wrong(f"{kind} can't be reached: {error}") from error
    return f"{kind} answers"


async def _migrations(settings: Settings) -> str:
    manager = BaseMigrationManager()
    missing = 0
    try:
        for app in manager.get_app_configs():
            known = manager.get_migration_modules(app.resolved_migrations_folder_path)
            ran = await Migration.get_migrations_which_ran(app.app_name)
            missing += len(set(known) - set(ran))
    except Exception as error:
        raise Wrong("not run yet: python -m dashboard migrate") from error
    if missing:
        raise Wrong(f"{missing} still to run: python -m dashboard migrate")
    return "all run"


async def _stripe(settings: Settings) -> str:
    gateway = stripe_gateway.StripeGateway(settings)
    try:
        await gateway.fetch("pi_doctor")
    except stripe_gateway.NotThere:
        return f"answers at {settings.stripe_api_base} and takes the key"
    except stripe_gateway.Unreachable as error:
        if "Authentication" in str(error):
            raise Wrong("refuses the key: check STRIPE_API_KEY") from error
        raise Wrong(f"can't be reached at {settings.stripe_api_base} ({error})") from error
    finally:
        await gateway.close()
    return "answers"


async def _queue(settings: Settings) -> str:
    where = "Redis" if settings.redis_url else "SQLite"
    try:
        waiting = await asyncio.to_thread(_waiting, settings)
    except Exception as error:
        raise Wrong(f"{where} can't be reached: {error}") from error
    return f"{where}, {waiting} waiting"


def _waiting(settings: Settings) -> int:
    return int(open_queue(settings).huey.pending_count())


async def _worker(settings: Settings) -> str:
    try:
        row = await Heartbeat.objects().order_by(Heartbeat.last_started_at, ascending=False).first()
    except Exception as error:
        raise Wrong("nothing is known before the migrations") from error
    if row is None:
        raise Wrong("has never run: python -m dashboard worker")
    silent = int((clock.now() - row.last_started_at).total_seconds())
    if silent > LONGEST_SILENCE:
        raise Wrong(f"was last at work {silent // 60} minutes ago: python -m dashboard worker")
    return f"was at work {max(silent, 0)} seconds ago"
