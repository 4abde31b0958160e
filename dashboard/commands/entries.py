"""What is put in from the command line: staff, tokens, and the catalogue."""

import asyncio
import sys
from argparse import Namespace
from collections.abc import Coroutine
from typing import Any, TypeVar

from dashboard import db
from dashboard.bookings import catalog
from dashboard.commands import BadInput
from dashboard.staff import auth

T = TypeVar("T")
LONGEST_PASSWORD_LINE = 10_000


def add_staff(args: Namespace) -> str:
    """Add a person to the desk, whose password is the first line of stdin; answers the id."""
    password = sys.stdin.readline(LONGEST_PASSWORD_LINE).rstrip("\r\n")
    made = _stored(auth.add_staff(args.email, args.role, password, args.name))
    return str(made.id)


def add_token(args: Namespace) -> str:
    """Make a token; answers it, for the only time."""
    return _stored(auth.add_token(args.name, args.scope))


def add_instructor(args: Namespace) -> str:
    """Add an instructor; answers the id."""
    return str(
        _stored(
            catalog.add_instructor(
                args.name,
                args.email,
                args.rate,
                args.currency.lower(),
                subject=args.subject,
                time_zone=args.time_zone,
            )
        )
    )


def add_package(args: Namespace) -> str:
    """Add a package; answers the id."""
    lessons, price = args.lessons, args.price
    return str(_stored(catalog.add_package(args.name, lessons, price, args.currency.lower())))


def _stored(work: Coroutine[Any, Any, T]) -> T:
    async def run() -> T:
        async with db.lifespan():
            return await work

    try:
        return asyncio.run(run())
    except ValueError as error:
        raise BadInput(str(error)) from error
    except db.CONNECTION_ERRORS as error:
        raise BadInput(f"The database can't be reached: {error}") from error
    except Exception as error:
        if "no such table" in str(error) or "does not exist" in str(error):
            raise BadInput("The database is not set up: python -m dashboard migrate") from error
        raise
