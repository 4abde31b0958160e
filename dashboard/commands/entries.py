"""What is put in, listed and withdrawn from the command line: staff, tokens, the catalogue."""

import asyncio
import sys
from argparse import Namespace
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime
from typing import Any, TypeVar

from dashboard import db
from dashboard.bookings import catalog
from dashboard.commands import BadInput
from dashboard.staff import auth
from dashboard.staff.tables import Staff

T = TypeVar("T")
LONGEST_PASSWORD_LINE = 10_000


def add_staff(args: Namespace) -> str:
    """Add a person to the desk, whose password is the first line of stdin; answers the id."""
    made = _stored(auth.add_staff(args.email, args.role, _password(), args.name))
    return str(made.id)


def list_staff(_: Namespace) -> str:
    """Everybody at the desk, a line each."""
    rows = [
        (one.username, one.role, one.name, "" if one.active else "shut out")
        for one in _stored(auth.people())
    ]
    return _lines(("e-mail", "role", "name", ""), rows)


def deactivate(args: Namespace) -> str:
    """Shut a person out; answers what happened."""
    staff = _changed(args.email, lambda found: auth.deactivate(found.id))
    return f"{staff.username} is shut out. Every session has ended."


def change_role(args: Namespace) -> str:
    """Give a person another role; answers what happened."""
    staff = _changed(args.email, lambda found: auth.change_role(found.id, args.role))
    return f"{staff.username} is {args.role} now. Every session has ended."


def change_password(args: Namespace) -> str:
    """Set a person's password to the first line of stdin; answers what happened."""
    password = _password()
    staff = _changed(args.email, lambda found: auth.change_password(found.id, password))
    return f"{staff.username} has another password now. Every session has ended."


def add_token(args: Namespace) -> str:
    """Make a token; answers it, for the only time."""
    return _stored(auth.add_token(args.name, args.scope))


def list_tokens(_: Namespace) -> str:
    """Every token, a line each: what it may do and when it was last used."""
    rows = [
        (
            str(one.id),
            one.name,
            one.scopes,
            _moment(one.used_at, "never used"),
            "" if one.active else "revoked",
        )
        for one in _stored(auth.tokens())
    ]
    return _lines(("id", "name", "scopes", "last used (UTC)", ""), rows)


def revoke_token(args: Namespace) -> str:
    """Withdraw a token; answers what happened."""
    found = _stored(auth.revoke_token(args.id))
    return f"Token {found.id}, {found.name}, is worth nothing any more."


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


def _password() -> str:
    return sys.stdin.readline(LONGEST_PASSWORD_LINE).rstrip("\r\n")


def _changed(email: str, change: Callable[[Staff], Coroutine[Any, Any, None]]) -> Staff:
    async def work() -> Staff:
        found = await auth.person(email)
        await change(found)
        return found

    return _stored(work())


def _moment(at: datetime | None, otherwise: str) -> str:
    return f"{at:%Y-%m-%d %H:%M}" if at else otherwise


def _lines(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table for a terminal, each column as wide as it must be."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (head, *rows)
    )


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
