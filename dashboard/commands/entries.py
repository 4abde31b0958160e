"""What is put in, listed and withdrawn from the command line: staff, tokens, the catalogue."""

import asyncio
import getpass
import sys
from argparse import Namespace
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime
from typing import Any, TypeVar

from dashboard import db
from dashboard.audit import record
from dashboard.audit.record import Action, Who
from dashboard.bookings import catalog
from dashboard.commands import BadInput
from dashboard.metrics import rollup
from dashboard.staff import auth
from dashboard.staff.tables import Staff

T = TypeVar("T")
LONGEST_PASSWORD_LINE = 10_000


def add_staff(args: Namespace) -> str:
    """Add a person to the desk, whose password is the first line of stdin; answers the id."""
    work = auth.add_staff(args.email, args.role, _password(), args.name)
    return str(_kept("staff add", f"staff/{args.email}", work, role=args.role).id)


def list_staff(_: Namespace) -> str:
    """Everybody at the desk, a line each."""
    rows = [
        (one.username, one.role, one.name, "" if one.active else "shut out")
        for one in _stored(auth.people())
    ]
    return _lines(("e-mail", "role", "name", ""), rows)


def deactivate(args: Namespace) -> str:
    """Shut a person out; answers what happened."""
    staff = _changed("deactivate", args.email, lambda found: auth.deactivate(found.id))
    return f"{staff.username} is shut out. Every session has ended."


def change_role(args: Namespace) -> str:
    """Give a person another role; answers what happened."""
    role = args.role
    staff = _changed("role", args.email, lambda one: auth.change_role(one.id, role), role=role)
    return f"{staff.username} is {args.role} now. Every session has ended."


def change_password(args: Namespace) -> str:
    """Set a person's password to the first line of stdin; answers what happened."""
    password = _password()
    staff = _changed("password", args.email, lambda one: auth.change_password(one.id, password))
    return f"{staff.username} has another password now. Every session has ended."


def add_token(args: Namespace) -> str:
    """Make a token; answers it, for the only time."""
    work = auth.add_token(args.name, args.scope)
    return _kept("token add", f"api_token/{args.name}", work, scopes=str(args.scope))


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
    found = _kept("token revoke", f"api_token/{args.id}", auth.revoke_token(args.id))
    return f"Token {found.id}, {found.name}, is worth nothing any more."


def add_instructor(args: Namespace) -> str:
    """Add an instructor; answers the id."""
    currency = args.currency.lower()
    more = {"subject": args.subject, "time_zone": args.time_zone}
    work = catalog.add_instructor(args.name, args.email, args.rate, currency, **more)
    return str(_kept("catalog add-instructor", f"instructor/{args.email}", work))


def add_package(args: Namespace) -> str:
    """Add a package; answers the id."""
    work = catalog.add_package(args.name, args.lessons, args.price, args.currency.lower())
    return str(_kept("catalog add-package", f"package_offer/{args.name}", work))


def rebuild_metrics(_: Namespace) -> str:
    """Count every day of the metrics anew; answers how many days were wrong."""
    found = _stored(rollup.rebuild())
    if not found.changed:
        return f"Days counted: {found.days}. Every one was right: nothing was changed."
    return f"Days counted: {found.days}. Changed: {len(found.changed)}."


def _password() -> str:
    return sys.stdin.readline(LONGEST_PASSWORD_LINE).rstrip("\r\n")


def _changed(
    what: str, email: str, change: Callable[[Staff], Coroutine[Any, Any, None]], **detail: str
) -> Staff:
    async def work() -> Staff:
        found = await auth.person(email)
        await change(found)
        return found

    return _kept(f"staff {what}", f"staff/{email}", work(), **detail)


def _kept(command: str, subject: str, work: Coroutine[Any, Any, T], **detail: str) -> T:
    """Do it, and keep in the audit that it was done here and by which user of the machine."""

    async def both() -> T:
        made = await work
        who = Who(actor=_user(), address="command line")
        await record.write(who, Action.COMMAND, subject, detail={"command": command, **detail})
        return made

    return _stored(both())


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A container's user may have a number and no name.
        return "unknown"


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
