"""Writes the audit: one call per deed, with words from a small list and without a secret."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from dashboard import clock
from dashboard.audit.tables import AuditEntry

_SECRET = re.compile(r"password|token|secret|cookie|authorization", re.IGNORECASE)
_BOOKING = re.compile(r"/?bookings?/(\d{1,15})(?:/|$)")
_PAYMENT = re.compile(r"/?(?:holds|payment)/(\d{1,15})(?:/|$)")


class Action(StrEnum):
    """What can be in the audit."""

    SIGN_IN = "sign_in"
    SIGN_IN_FAILED = "sign_in_failed"
    SIGN_OUT = "sign_out"
    DENIED = "denied"
    ADMIN_WRITE = "admin_write"
    COMMAND = "command"
    DECISION = "decision"
    GIVE_UP = "give_up"
    KEEP = "keep"
    RECONCILE = "reconcile"
    SANDBOX = "sandbox"
    REPLAY = "replay"
    EXPORT = "export"
    SUBSCRIPTION = "subscription"
    BATCH = "batch"
    VIEW = "view"
    LINE = "line"
    FEED = "feed"


@dataclass(frozen=True, slots=True)
class Who:
    """Who it was, as far as we know: a name, the number of a person at the desk, from where."""

    actor: str = ""
    staff: int | None = None
    address: str = ""
    request_id: str = ""


async def write(
    who: Who, action: Action, subject: str, outcome: str = "done", detail: Mapping[str, str] = {}
) -> None:
    """Append one entry. Joins an open transaction, so that a deed and its entry stand together.

    `subject` is an address or `table/id`; the booking or the payment in it can be searched for.
    """
    await AuditEntry.insert(
        AuditEntry(
            at=clock.now(),
            actor=_shown(who.actor, 255),
            staff=who.staff,
            booking=_number(_BOOKING, subject),
            payment=_number(_PAYMENT, subject),
            address=_shown(who.address, 64),
            action=action,
            outcome=_shown(outcome, 40),
            subject=_shown(subject, 500),
            detail=_safe(detail),
            request_id=who.request_id[:40],
        )
    )


def _safe(detail: Mapping[str, str]) -> str:
    """As JSON; of what is called a secret, only that it was there."""
    told = {
        name: "(not kept)" if _SECRET.search(name) else _shown(value, 500)
        for name, value in detail.items()
    }
    return json.dumps(told)


def _shown(text: str, most: int) -> str:
    # A stranger chooses these texts, and PostgreSQL stores no NUL and no unpaired surrogate.
    return "".join(mark if mark.isprintable() else " " for mark in text)[:most]


def _number(pattern: re.Pattern[str], subject: str) -> int | None:
    match = pattern.match(subject)
    return int(match[1]) if match else None
