"""Is this process fit for work, and are the parts around it?

`unready` means: send no request here. That is so only where nothing could be answered: the
database is away, or not migrated. A worker that is late and a Stripe that is out of reach make it
`degraded`: pages must stay readable then, and webhooks must still be kept.
"""

import asyncio
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

import httpx
from piccolo.apps.migrations.commands.base import BaseMigrationManager
from piccolo.apps.migrations.tables import Migration

from dashboard import clock, db
from dashboard.alerts import lateness, queries, wording
from dashboard.alerts.machinery import oldest_waiting
from dashboard.metrics.tables import Heartbeat
from dashboard.settings import Settings

Level = Literal["ok", "degraded", "unready"]
# Sweeps run every minute; this is sooner than anybody is told of it. The rare ones may be older.
LATE = timedelta(minutes=3)
DATABASE_WITHIN = 2.0
ALERTS_WITHIN = 2.0
STRIPE_WITHIN = 2.0
STRIPE_FRESH = 15.0
FRESH = 1.0
AWAY: tuple[type[BaseException], ...] = (*db.CONNECTION_ERRORS, TimeoutError, OSError)


@dataclass(frozen=True, slots=True)
class Part:
    """One part, how it is, and a few words without an address or a secret."""

    name: str
    level: Level
    said: str


@dataclass
class Readiness:
    """Looks at the parts, and remembers for a moment: many may ask, nobody should pay for it."""

    settings: Settings
    _stripe: tuple[float, Part] | None = None
    _seen: tuple[float, list[Part]] | None = None
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def parts(self) -> list[Part]:
        """Every part as it was at most a second ago; never raises, and takes 4 s at most."""
        async with self._lock:
            if self._seen is None or time.monotonic() - self._seen[0] > FRESH:
                # Beside each other: a database that hangs must not add to a Stripe that does.
                found, stripe = await asyncio.gather(self._rows(), self._reach_stripe())
                self._seen = time.monotonic(), [*found, stripe]
            return self._seen[1]

    async def _rows(self) -> list[Part]:
        try:
            async with asyncio.timeout(DATABASE_WITHIN):
                found = await _look_at_rows()
        except AWAY:
            return [Part("database", "unready", "out of reach")]
        usable = all(part.level != "unready" for part in found)
        return [*found, await _alerts(clock.now())] if usable else found

    async def _reach_stripe(self) -> Part:
        """Whether Stripe's address answers at all, asked without the key."""
        if self._stripe is None or time.monotonic() - self._stripe[0] > STRIPE_FRESH:
            self._stripe = time.monotonic(), await _stripe(self.settings)
        return self._stripe[1]


async def missing_migrations() -> int:
    """How many migrations have not run here; raises the database's error when there are no tables.

    The migrations of a release don't change while it runs, yet their rows do.
    """
    manager = BaseMigrationManager()
    missing = 0
    for app in manager.get_app_configs():
        known = manager.get_migration_modules(app.resolved_migrations_folder_path)
        missing += len(set(known) - set(await Migration.get_migrations_which_ran(app.app_name)))
    return missing


async def late_sweeps(now: datetime) -> list[str]:
    """The names of sweeps that should have ended long ago; "worker" when none has ever run."""
    beats = await Heartbeat.select(Heartbeat.name, Heartbeat.last_finished_at)
    late = [
        str(beat["name"])
        for beat in beats
        if beat["last_finished_at"] is None
        or now - beat["last_finished_at"] > lateness.ALLOWED.get(beat["name"], LATE)
    ]
    return late if beats else ["worker"]


async def _look_at_rows() -> list[Part]:
    await db.engine().run_ddl("SELECT 1")
    database = Part("database", "ok", "answers")
    return [database, *await _migrated()]


async def _migrated() -> list[Part]:
    try:
        missing = await missing_migrations()
    except AWAY:
        raise
    except Exception:  # noqa: BLE001 - no table of migrations, in whichever words
        return [Part("migrations", "unready", "never run")]
    if missing:
        return [Part("migrations", "unready", f"{missing} still to run")]
    now = clock.now()
    return [Part("migrations", "ok", "all run"), await _worker(now), await _webhooks(now)]


async def _worker(now: datetime) -> Part:
    late = await late_sweeps(now)
    return Part("worker", "degraded", f"late: {', '.join(late)}") if late else _ok("worker")


async def _webhooks(now: datetime) -> Part:
    waiting = await oldest_waiting()
    if waiting is None or now - waiting <= LATE:
        return _ok("webhooks")
    minutes = int((now - waiting).total_seconds() // 60)
    return Part("webhooks", "degraded", f"the oldest has waited for {minutes} minutes")


async def _alerts(now: datetime) -> Part:
    """How many of which kind. Amounts are for those who have signed in.

    Its time is its own: a machine that is slow must not be taken for one without a database.
    """
    try:
        async with asyncio.timeout(ALERTS_WITHIN):
            said = wording.counts(await queries.standing(now))
    except AWAY:
        return Part("alerts", "degraded", "could not be read in time")
    return Part("alerts", "degraded", said) if said else Part("alerts", "ok", "none is open")


def _ok(name: str) -> Part:
    return Part(name, "ok", "on time")


async def _stripe(settings: Settings) -> Part:
    try:
        await reach(settings, STRIPE_WITHIN)
    except (httpx.HTTPError, TimeoutError, OSError) as error:
        return Part("stripe", "degraded", f"out of reach ({type(error).__name__})")
    return Part("stripe", "ok", "answers")


async def reach(settings: Settings, within: float) -> httpx.Response:
    """Ask Stripe's address for its health, without the key; raises httpx's errors or TimeoutError.

    Any answer below 500 will do: it came from there.
    """
    # Proxies of the environment have no business between two local processes.
    async with (
        asyncio.timeout(within),
        httpx.AsyncClient(timeout=within, trust_env=not settings.sandbox) as http,
    ):
        answer = await http.get(f"{settings.stripe_api_base}/healthcheck")
    if answer.status_code >= 500:
        answer.raise_for_status()
    return answer
