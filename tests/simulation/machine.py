"""The simulated machine: the product's real code over virtual time, memory and a Stripe in-process.

`Machine.fresh` puts everything back for the next schedule. It belongs into a process of its own:
it takes the place of the engine, the clock and the gateway of the process that makes it.
"""

import gc
import logging
import random
import uuid
from datetime import datetime
from typing import Any

import structlog
from piccolo.conf.apps import Finder

from dashboard import clock, db, settings, stripe_gateway
from dashboard.settings import Settings
from dashboard.stripe_gateway import StripeGateway
from tests.simulation import fast, fast_sdk
from tests.simulation.memory import MemoryEngine
from tests.simulation.served import ServedEngine, ServedLoop
from tests.simulation.virtual import Loop
from tests.simulation.wire import Client, Wire

TIDIED_AFTER = 25


class Machine:
    """One per process."""

    def __init__(self, database: str, *, quick: bool = True) -> None:
        """`database` is a migrated SQLite file to copy, or the URL of a migrated PostgreSQL."""
        if quick:
            fast.hurry()
            fast_sdk.hurry()
        self.loop, self.engine = _on(database, quick)
        self.wire = Wire(self.loop)
        self._client = Client(self.wire)
        self._ids = random.Random(0)
        self._played = 0
        for table in Finder().get_table_classes():
            table._meta.db = self.engine
        db.engine = lambda: self.engine  # type: ignore[assignment]
        clock.wall = self._wall  # type: ignore[assignment]
        clock.boot_seconds = self.loop.time  # type: ignore[assignment]
        uuid.uuid4 = self._uuid  # type: ignore[assignment]
        logging.disable(logging.CRITICAL)
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))

    def fresh(self, seed: int, policy: str) -> None:
        """An empty shop and an empty Stripe at the beginning of virtual time."""
        self._tidy()
        self.loop.fresh(seed)
        self._ids.seed(seed)
        random.seed(seed)
        self.engine.fresh()
        self.wire.fresh(seed)
        chosen = Settings(stripe_rate_per_second=10_000, expiry_policy=policy)
        settings.use(chosen)
        stripe_gateway.use(StripeGateway(chosen, http_client=self._client))

    def _tidy(self) -> None:
        """Collect what refers to itself between schedules, where it costs less than within."""
        if self._played == 0:
            gc.freeze()
            gc.disable()
        elif self._played % TIDIED_AFTER == 0:
            gc.collect()
        self._played += 1

    def run(self, coro: Any) -> Any:
        """The outcome of `coro`, run in virtual time."""
        return self.loop.run_until_complete(coro)

    def _wall(self) -> datetime:
        return self.loop.wall()

    def _uuid(self) -> uuid.UUID:
        return uuid.UUID(int=self._ids.getrandbits(128), version=4)


def _on(database: str, quick: bool) -> tuple[Loop, MemoryEngine | ServedEngine]:
    if database.startswith("postgresql"):
        served = ServedLoop()
        return served, ServedEngine(served, database)
    loop = Loop()
    return loop, MemoryEngine(loop, database, quick=quick)
