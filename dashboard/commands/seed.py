"""`seed`: fill an empty sandbox, or finish a seed that was broken off."""

import asyncio
import logging
import sys
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import httpx
import msgspec

from dashboard import clock, db
from dashboard.commands import BadInput
from dashboard.observability import logs
from dashboard.seeding import SIGN_INS, SignIn, marker, rows
from dashboard.seeding.marker import Progress
from dashboard.seeding.past import size
from dashboard.seeding.past.fill import fill
from dashboard.seeding.past.posting import Disagrees
from dashboard.seeding.past.size import Size
from dashboard.seeding.past.wire import Refused
from dashboard.seeding.play import Player, SeedFailed
from dashboard.settings import Settings
from dashboard.staff.tables import Staff
from jobs.advance import Controls
from jobs.bridge import opened_gateway

T = TypeVar("T")
BEGUN = "Seeding 60 days of bookings…"
HALF_WRITTEN = (
    "A past was broken off while it was written. Delete the database and VAR_DIR, run `migrate`,"
    " and write it anew."
)


def needed(settings: Settings) -> bool:
    """Whether this sandbox is empty, or its seed was broken off."""
    return asyncio.run(_in_database(_to_do(settings))) is not None


def sign_ins() -> list[SignIn]:
    """The sign-ins of the seed that are at the desk."""

    async def there() -> set[str]:
        return set(await Staff.select(Staff.username).output(as_list=True))

    known = asyncio.run(_in_database(there()))
    return [one for one in SIGN_INS if one.email in known]


def seed(settings: Settings, number: int) -> int:
    """Play sixty days, against a running sandbox and web; answers the exit code."""
    return _run(settings, lambda: _seed(settings, number), "`sandbox` and `web`")


def write_past(settings: Settings, number: int, bookings: int, months: int) -> int:
    """Write a past of any size, against a running sandbox; answers the exit code."""
    if fault := size.fault(bookings, months):
        raise BadInput(fault)
    return _run(settings, lambda: _write_past(settings, number, bookings, months), "`sandbox`")


def _run(settings: Settings, work: Callable[[], Coroutine[Any, Any, None]], needs: str) -> int:
    if not settings.sandbox:
        raise BadInput("STRIPE_API_KEY is set: only the sandbox can be seeded.")
    # Its refusals and unknown outcomes are meant to be there.
    logs.configure(settings, logging.ERROR)
    clock.follow(settings.clock_file)
    started = time.monotonic()
    try:
        asyncio.run(work())
    except (SeedFailed, Refused, Disagrees) as error:
        sys.stderr.write(f"The seed stopped at {error}\n")
        return 1
    except httpx.HTTPError as error:
        raise BadInput(f"Start {needs} first, then seed ({type(error).__name__}).") from error
    except db.CONNECTION_ERRORS as error:
        raise BadInput(f"The database can't be reached: {error}") from error
    sys.stdout.write(f"Seeded in {time.monotonic() - started:.0f} s.\n")
    return 0


async def _seed(settings: Settings, number: int) -> None:
    base = settings.base_url
    async with (
        opened_gateway(settings),
        db.lifespan(),
        Controls(settings) as controls,
        httpx.AsyncClient(base_url=base, timeout=30.0, trust_env=False) as web,
    ):
        progress = await _to_do(settings)
        if progress is None:
            raise BadInput("There are bookings already: only an empty database is seeded.")
        await web.get("/healthz")
        await controls.now()
        if progress.done == 0:
            progress = marker.begin(settings, progress.number or number)
        await Player(settings, controls, web).play(progress, _tell())


async def _write_past(settings: Settings, number: int, bookings: int, months: int) -> None:
    async with db.lifespan(), Controls(settings) as controls:
        progress = await _to_do(settings)
        if progress is None or progress.number:
            raise BadInput("There are bookings already: only an empty database is seeded.")
        await controls.now()
        await controls.order("POST", "reset")
        progress = marker.begin(settings, number, bookings)
        wanted = Size(bookings, months, number, progress.anchor)
        await fill(settings, wanted, _tell(f"Writing {bookings:,} bookings…"))
        marker.write(settings, msgspec.structs.replace(progress, finished=True))


async def _to_do(settings: Settings) -> Progress | None:
    """Where to go on; None when there are bookings that no broken-off seed has left."""
    progress = marker.read(settings)
    broken_off = progress is not None and not progress.finished
    if await rows.is_empty():
        # Whatever the file says, a database without bookings starts from the beginning.
        return Progress(number=0, anchor=clock.wall())
    if progress is not None and broken_off and progress.bookings:
        raise BadInput(HALF_WRITTEN)
    return progress if broken_off else None


async def _in_database(work: Coroutine[Any, Any, T]) -> T:
    async with db.lifespan():
        return await work


def _tell(begun: str = BEGUN) -> Callable[[str], None]:
    """Begin the line that shows how far it is, and answer what goes on with it."""
    terminal = sys.stdout.isatty()
    sys.stdout.write(begun + ("" if terminal else "\n"))
    sys.stdout.flush()

    def say(text: str) -> None:
        if terminal:
            sys.stdout.write(f"\r{begun} {text} ")
            sys.stdout.flush()

    return say
