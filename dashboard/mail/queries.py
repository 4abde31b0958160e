"""Reads what was sent to whom, and what is due."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from piccolo.columns import Varchar
from piccolo.columns.combination import And, Or, Where
from piccolo.query.functions import Count

from dashboard.mail.facts import State
from dashboard.mail.tables import Message

Condition = And | Or | Where
PAGE = 50
VIEWS: dict[str, tuple[State, ...]] = {
    "all": (),
    "due": (State.WAITING, State.SENDING),
    "failed": (State.FAILED,),
    "sent": (State.SENT,),
    "skipped": (State.SKIPPED,),
}
LARGEST_ID = 2**62
_NUMBER = re.compile(r"([#pP]?)(\d{1,15})")
# What LIKE would take for a pattern; any one character stands in for it.
_PATTERN = re.compile(r"[%_\\]")
# A list shows none of what the messages say.
_LISTED = (
    Message.id,
    Message.payment,
    Message.template,
    Message.number,
    Message.recipient,
    Message.recipient_name,
    Message.subject,
    Message.state,
    Message.attempts,
    Message.due_at,
    Message.error,
    Message.created_at,
    Message.sent_at,
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What of the mail is looked at: a view, a search, and the message to go on after."""

    view: str = "all"
    q: str = ""
    before: int | None = None


def asked(given: dict[str, str]) -> Asked:
    """What a query string asks for; nonsense in it asks for everything."""
    view = given.get("view", "all")
    before = given.get("before", "")
    past = int(before) if re.fullmatch(r"[0-9]{1,18}", before) else None
    # PostgreSQL refuses a text with a NUL, and nobody is called so.
    q = given.get("q", "").replace("\x00", "").strip()[:254]
    return Asked(view if view in VIEWS else "all", q, past)


async def listed(what: Asked) -> tuple[list[dict[str, Any]], int | None]:
    """A page of messages, the newest first, and after which one the next page begins, if any."""
    query = Message.select(*_LISTED).order_by(Message.id, ascending=False).limit(PAGE + 1)
    if states := VIEWS[what.view]:
        query = query.where(Message.state.is_in([str(state) for state in states]))
    if what.q:
        query = query.where(_matching(what.q))
    if what.before is not None:
        query = query.where(Message.id < what.before)
    rows: list[dict[str, Any]] = await query
    more = rows[PAGE - 1]["id"] if len(rows) > PAGE else None
    return rows[:PAGE], more


async def counts() -> dict[str, int]:
    """How many messages are in each view; `all` is their sum."""
    rows = await Message.select(Message.state, Count(alias="count")).group_by(Message.state)
    by_state = {row["state"]: int(row["count"]) for row in rows}
    found = {
        view: sum(by_state.get(state, 0) for state in states) for view, states in VIEWS.items()
    }
    return {**found, "all": sum(by_state.values())}


async def message(message_id: int) -> Message | None:
    """One message with what it says; None if there is none."""
    if message_id > LARGEST_ID:
        return None
    return await Message.objects().get(Message.id == message_id)


def _matching(q: str) -> Condition:
    if match := _NUMBER.fullmatch(q):
        kinds: Sequence[str] = ("#", "P") if match[1] == "" else (match[1].upper(),)
        return Message.number.is_in([f"{kind}{match[2]}" for kind in kinds])
    if "@" in q and not q.startswith("@"):
        return Message.recipient == q.lower()
    like = f"%{_PATTERN.sub('_', q)}%"
    return _like(Message.recipient, like) | _like(Message.recipient_name, like)


def _like(column: Varchar, pattern: str) -> Where:
    """Without regard to case. SQLite's LIKE has none anyway, and it knows no ILIKE."""
    sqlite = column._meta.engine_type == "sqlite"
    return column.like(pattern) if sqlite else column.ilike(pattern)


async def of_payments(payment_ids: Iterable[int]) -> list[dict[str, Any]]:
    """The e-mails about these payments, in the order in which they were written."""
    where = Message.payment.is_in(list(payment_ids) or [0])
    rows: list[dict[str, Any]] = await Message.select(*_LISTED).where(where).order_by(Message.id)
    return rows
