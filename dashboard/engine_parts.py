"""What both database engines share: errors, the current transaction, one pool per event loop."""

import asyncio
import contextvars
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any, Generic, Protocol, TypeVar
from weakref import WeakKeyDictionary

log = logging.getLogger(__name__)
T = TypeVar("T")


class DatabaseUnreachable(Exception):
    """The database can't be reached or read at the moment; nothing is known to be wrong with us."""


class DatabaseBusy(DatabaseUnreachable):
    """Somebody else kept the database for longer than we were willing to wait."""


class NaiveDatetime(ValueError):
    """A datetime without a time zone was on its way into a query."""

    def __init__(self, value: datetime) -> None:
        super().__init__(f"{value!r} has no time zone: every instant here is aware, in UTC")


class Endable(Protocol):
    """A transaction that knows whether it is over."""

    ended: bool


class Current:
    """Stands in for piccolo's context variable, and is blind to transactions that have ended.

    A task inherits the context it was started in. Without this, a task started inside a
    transaction would go on writing to its connection after the commit, outside any transaction
    and in the middle of somebody else's.
    """

    def __init__(self, name: str) -> None:
        self._variable: contextvars.ContextVar[Endable | None] = contextvars.ContextVar(
            name, default=None
        )

    def get(self) -> Any:
        """The transaction that is open here, or None."""
        found = self._variable.get()
        return None if found is None or found.ended else found

    def set(self, transaction: Endable | None) -> None:
        """Make `transaction` the one that is open here; None forgets it."""
        self._variable.set(transaction)


def refuse_unsafe(querystring: Any, arguments: Iterable[Any]) -> None:
    """Raise NaiveDatetime or TypeError for a value that a database would quietly make another.

    Every value of every query passes here, in inserts, updates and filters alike. SQLite would
    store a datetime without a time zone as it is, and PostgreSQL would read it in the time zone
    of the machine. A fraction in a column of whole numbers is cut off by asyncpg without a word;
    no table has a column for fractions.
    """
    # Piccolo's own table of migrations writes naive local time; nothing of ours reads it.
    table = querystring.table
    if table is not None and table.__module__ == "piccolo.apps.migrations.tables":
        return
    for value in arguments:
        for single in value if isinstance(value, list | tuple) else (value,):
            if isinstance(single, datetime) and single.utcoffset() is None:
                raise NaiveDatetime(single)
            if isinstance(single, float | Decimal):
                raise TypeError(f"{single!r} is a fraction: the database keeps whole numbers")


async def to_the_end(work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`, which runs to its end even if the caller is cancelled meanwhile.

    The caller hears of the cancellation afterwards. Meant for short work that must not be left
    half done, such as a rollback; it has to bring its own limit if it can hang.
    """
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is None:
        return task.result()
    if not task.cancelled() and (failure := task.exception()) is not None:
        log.error("database.cleanup_failed", exc_info=failure)
    raise cancelled


class Ending:
    """How a transaction ends on either database; `_close` is what that takes on this one."""

    engine: Any
    ended = False
    _parent: Any

    async def _close(self, *, commit: bool) -> None:
        raise NotImplementedError

    async def __aexit__(self, kind: Any, error: Any, traceback: Any) -> bool:
        if self._parent is not None:
            return error is None
        # Before the commit is sent: a statement of a child task must not slip in behind it.
        self.ended = True
        self.engine.current_transaction.set(None)
        await to_the_end(self._close(commit=error is None))
        return error is None


class PerLoop(Generic[T]):
    """One resource per event loop, opened by the first user there and closed by the last.

    Connections belong to the loop that opened them: used from another one they hang or crash.
    """

    def __init__(self) -> None:
        self._open: dict[asyncio.AbstractEventLoop, tuple[T, int]] = {}
        # Two who enter at once must not both open.
        self._gates: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock]
        self._gates = WeakKeyDictionary()

    def here(self) -> T | None:
        """The resource of the running loop, or None before it is opened."""
        found = self._open.get(asyncio.get_running_loop())
        return None if found is None else found[0]

    async def enter(self, opening: Callable[[], Awaitable[T]]) -> None:
        """Open the resource, or join those who use it already."""
        loop = asyncio.get_running_loop()
        async with self._gates.setdefault(loop, asyncio.Lock()):
            if loop not in self._open:
                self._open[loop] = (await opening(), 0)
            resource, users = self._open[loop]
            self._open[loop] = (resource, users + 1)

    async def leave(self, closing: Callable[[T], Awaitable[None]]) -> None:
        """Leave the resource; the last user closes it."""
        loop = asyncio.get_running_loop()
        if loop not in self._open:
            return
        resource, users = self._open.pop(loop)
        if users > 1:
            self._open[loop] = (resource, users - 1)
        else:
            await closing(resource)
