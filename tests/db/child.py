"""What the tests run in a process of its own: `python -m tests.db.child VERB …`."""

import asyncio
import signal
import sys
from pathlib import Path

from piccolo.conf.apps import AppConfig

from dashboard import db, migrate
from tests.db.toys import Toy


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


async def count(tasks: int, rounds: int) -> None:
    """Read, then write, from many tasks at once."""

    async def one() -> None:
        for _ in range(rounds):
            await read_then_write()

    async with db.lifespan():
        await asyncio.gather(*(one() for _ in range(tasks)))


async def read_then_write() -> None:
    """Lost updates would show: the new value is made from the one that was read."""
    query = Toy.select(Toy.tally).where(Toy.id == 1)
    if db.engine().engine_type == "postgres":
        query = query.lock_rows()
    async with db.transaction():
        [row] = await query
        await Toy.update({Toy.tally: row["tally"] + 1}).where(Toy.id == 1)


async def busy() -> None:
    """Write without an end, until a SIGTERM cancels everything."""
    loop = asyncio.get_running_loop()
    main = asyncio.current_task()
    assert main is not None
    loop.add_signal_handler(signal.SIGTERM, main.cancel)

    async def forever() -> None:
        while True:
            await read_then_write()

    async with db.lifespan():
        tasks = [db.spawn(forever(), name=f"writer {number}") for number in range(20)]
        _say("busy")
        await asyncio.gather(*tasks)


async def abandon() -> None:
    """End the loop in the middle of everything, with nothing closed."""
    await db.engine().start_connection_pool()

    async def forever() -> None:
        while True:
            await read_then_write()

    tasks = [db.spawn(forever(), name=f"writer {number}") for number in range(5)]
    await asyncio.wait(tasks, timeout=0.2)


async def run_migrations(folder: str) -> None:
    app = AppConfig(app_name="toys", migrations_folder_path=Path(folder))
    async with db.lifespan():
        _say(str(await migrate.migrate([app])))


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["count", tasks, rounds]:
            asyncio.run(count(int(tasks), int(rounds)))
        case ["busy"]:
            asyncio.run(busy())
        case ["abandon"]:
            asyncio.run(abandon())
        case ["migrate", folder]:
            asyncio.run(run_migrations(folder))
