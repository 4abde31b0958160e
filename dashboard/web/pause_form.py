"""The fields of a pause, wherever one can be asked for: what was typed, and what it would do."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from dashboard import formats, sentences
from dashboard.bookings.errors import BadOrder
from dashboard.bookings.holds import Hold
from dashboard.payments.case import POLICY_BEFORE_EXPIRY
from dashboard.payments.errors import Busy, NotAllowed
from dashboard.payments.facts import POLICIES

LONGEST_REASON = 400
# What can be wrong with the time alone; everything else is about the whole form.
_OF_THE_TIME = ("needs_policy", "until_past")


def require_reason(reason: str) -> None:
    """Raise BadOrder unless this can stand in the story as a reason."""
    if not reason.strip():
        raise BadOrder(("reason", "Say in a sentence why, for the story."))
    if len(reason) > LONGEST_REASON:
        raise BadOrder(("reason", f"Keep it under {LONGEST_REASON} characters."))


def until(typed: str, zone: ZoneInfo) -> datetime:
    """A time of the desk's own zone; where the clocks go back, the later of the two.

    Raises BadOrder for what is no such time.
    """
    try:
        local = datetime.fromisoformat(typed)
    except ValueError:
        raise BadOrder(("until", "Give a date and a time.")) from None
    if local.tzinfo is not None or not 2000 <= local.year <= 2999:
        raise BadOrder(("until", "Give a date and a time of the desk's own zone."))
    at = local.replace(tzinfo=zone, fold=1).astimezone(UTC)
    if at.astimezone(zone).replace(tzinfo=None) != local:
        raise BadOrder(("until", "The clocks skip this time that day. Give another one."))
    return at


def refused(error: NotAllowed | Busy, currency: str, zone: ZoneInfo) -> tuple[str, str]:
    """Where the form has to say why it was refused, and what."""
    if isinstance(error, Busy):
        return "form", sentences.busy(error.operation, zone)
    field = "until" if error.code in _OF_THE_TIME else "form"
    return field, sentences.not_allowed(error.code, error.values, currency, zone)


def pausable(found: Hold) -> bool:
    """Whether something is held or planned here that could be captured by itself."""
    purchase, facts = found.books.purchase, found.facts
    planned = facts.planned and purchase.hold_due_at is not None
    return bool(found.payment.current and purchase.owed != 0 and (facts.held or planned))


def policies(found: Hold, zone: ZoneInfo) -> dict[str, str]:
    """What each policy would do to this hold, where its planned capture comes too late."""
    saved = found.books.purchase.saves_card
    return {name: _consequence(name, found, zone) for name in POLICIES if name != "renew" or saved}


def _consequence(name: str, found: Hold, zone: ZoneInfo) -> str:
    ends = found.facts.expires_at
    when = f"On {formats.moment(ends - POLICY_BEFORE_EXPIRY, zone)}" if ends else "A day before"
    owed = found.books.purchase.owed
    amount = formats.money(found.facts.authorized if owed is None else owed, found.currency)
    return {
        "capture": f"{when} {amount} is captured early.",
        "renew": f"{when} a new hold is placed on the saved card; this one is released after that.",
        "release": f"{when} it is released, and nothing is charged.",
        "alert": f"{when} it goes on the needs-a-person list, and nothing happens by itself.",
    }[name]
