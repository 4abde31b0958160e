"""What the audit learns at the web's door: a hook that reads every answer before it is sent.

It is one place, so that no page can forget it, and what was refused comes by here as well.
"""

import re
from dataclasses import dataclass

import structlog
from litestar.types import Message, Scope

from dashboard import clock, db
from dashboard.audit import record
from dashboard.audit.record import Action, Who

log = structlog.get_logger()
DENIALS = (401, 403)
# A stranger can be refused as often as he likes, and what is written here stays for ever.
MOST_DENIALS = 30


@dataclass(frozen=True, slots=True)
class Deed:
    """A request that belongs into the audit when it is answered so."""

    path: re.Pattern[str]
    statuses: tuple[int, ...]
    action: Action
    outcome: str = "done"


DEEDS = (
    Deed(re.compile(r"/sign-in"), (303,), Action.SIGN_IN),
    Deed(re.compile(r"/sign-in"), (422,), Action.SIGN_IN_FAILED, "refused"),
    Deed(re.compile(r"/sign-in"), (429,), Action.SIGN_IN_FAILED, "throttled"),
    Deed(re.compile(r"/sign-out|/admin/public/logout/"), (200, 303), Action.SIGN_OUT),
    Deed(re.compile(r"/holds/\d+/give-up"), (303,), Action.GIVE_UP),
    Deed(re.compile(r"/holds/\d+/(keep|accept-loss)"), (303,), Action.KEEP),
    Deed(re.compile(r"/packages/\d+/withdraw"), (303,), Action.KEEP),
    Deed(re.compile(r"/packages/\d+/refunds?|/holds/\d+/waivers"), (200, 303), Action.DECISION),
    Deed(re.compile(r"/holds/\d+/(pause|unpause|policy)"), (303,), Action.DECISION),
    Deed(re.compile(r"/holds/\d+/snoozes"), (200, 303), Action.DECISION),
    Deed(re.compile(r"/tickets/\d+/pause|/holds/\d+/link"), (303,), Action.DECISION),
    Deed(
        re.compile(r"/bookings/\d+/(complete|cancel|no-show|waive)"),
        (200, 201, 202),
        Action.DECISION,
    ),
)


def who(scope: Scope) -> Who:
    """Who makes this request, as far as its guard found out, and from where."""
    state, client = scope["state"], scope.get("client")
    actor = state.get("actor")
    return Who(
        actor=actor.name if actor else str(state.get("tried", "")),
        staff=actor.staff_id if actor else None,
        address=client[0] if client else "",
        request_id=str(state.get("request_id", "")),
    )


async def write_down(message: Message, scope: Scope) -> None:
    """A `before_send` hook: what was denied, and the deeds that no other table tells of."""
    if message["type"] != "http.response.start":
        return
    status, path, method = message["status"], scope["path"], str(scope.get("method", ""))
    try:
        if status in DENIALS:
            await _denied(scope, f"{method} {path}", path, status)
        elif method == "POST":
            for deed in DEEDS:
                if status in deed.statuses and deed.path.fullmatch(path):
                    await record.write(who(scope), deed.action, path, deed.outcome)
    except db.CONNECTION_ERRORS as error:
        # The answer is worth more than its entry: it goes out, and the log keeps what was lost.
        log.warning("audit.lost", path=path, status=status, error=str(error))


_denials: dict[str, int] = {}
_minute = 0


async def _denied(scope: Scope, asked: str, path: str, status: int) -> None:
    """Write a denial down; of a flood from one address only the first of every minute."""
    global _minute
    person = who(scope)
    minute = int(clock.wall().timestamp()) // 60
    if minute != _minute:
        _minute = minute
        _denials.clear()
    count = _denials[person.address] = _denials.get(person.address, 0) + 1
    if count > MOST_DENIALS:
        return
    detail = {"asked": asked, "status": str(status), "because": _because(scope)}
    if count == MOST_DENIALS:
        detail["flood"] = "More of this minute from this address are not written down."
    await record.write(person, Action.DENIED, path, "denied", detail)


def _because(scope: Scope) -> str:
    return str(scope["state"].get("refused_because", ""))
