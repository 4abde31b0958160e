"""What the desk says of the messages from Stripe: what became of each, how late, and whose."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from dashboard import formats
from dashboard.payments.deliveries import MOST_COUNTED
from dashboard.payments.inbox import OF_A_CARD, PREFIXES
from dashboard.payments.refused_deliveries import Count
from dashboard.payments.tables import StripeEvent

VIEW_NAMES = {
    "all": "All",
    "waiting": "Waiting",
    "dead": "Dead",
    "orphan": "Orphans",
    "handled": "Handled",
    "ignored": "Ignored",
}
REFUSED_FOR = {
    "unsigned": "without a signature",
    "signature": "signed with a secret that is none of ours",
    "stale": "signed with our secret, more than 5 minutes before",
    "malformed": "signed, and no event",
    "too_large": "larger than 256 KB",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One event as a list shows it. `word` is its state, `hold` the payment's page and number."""

    id: str
    href: str
    type: str
    object_id: str
    about_href: str
    moment: str
    iso: str
    word: str
    result: str
    why: str
    attempts: int
    deliveries: int
    arrived: str
    handled: str
    replayed: str
    hold_href: str
    number: str


def line(row: StripeEvent, hold: tuple[int, str] | None, now: datetime, zone: ZoneInfo) -> Line:
    """`hold` is the payment that the event is about, with what its booking is called."""
    about = row.intent_id or row.object_id
    return Line(
        id=row.id,
        href=href(row.id),
        type=row.type,
        object_id=row.object_id,
        about_href=f"/webhooks?{urlencode({'q': about})}" if about else "",
        moment=formats.moment(row.received_at, zone),
        iso=row.received_at.isoformat(),
        word=row.state,
        result=result(row, now, zone),
        why=row.error if row.state in ("waiting", "dead") else "",
        attempts=row.attempts,
        deliveries=row.deliveries,
        arrived=span(row.created_at, row.received_at),
        handled=_handled(row),
        replayed=f"replayed by {row.replayed_by}" if row.replays else "",
        hold_href=f"/holds/{hold[0]}" if hold else "",
        number=hold[1] if hold else "",
    )


def href(event_id: str) -> str:
    """The page of an event, whatever its id holds."""
    return f"/webhooks/{quote(event_id, safe='')}"


def result(row: StripeEvent, now: datetime, zone: ZoneInfo) -> str:
    """What became of an event, in words."""
    if row.state == "waiting":
        tried = row.attempts and row.due_at is not None and row.due_at > now
        return f"Waiting, next try {formats.moment(row.due_at, zone)}" if tried else "Waiting"
    if row.state == "orphan":
        if row.type.startswith(OF_A_CARD):
            return "Orphan: unknown card"
        return "Orphan: unknown intent" if row.intent_id else "Orphan: names no payment"
    words = {"handled": "Handled", "dead": "Dead", "ignored": "Ignored: a type we don’t read"}
    return words[row.state]


def _handled(row: StripeEvent) -> str:
    """How long it took from its arrival, or its last replay, to its handling."""
    since = row.replayed_at or row.received_at
    done = row.state in ("handled", "orphan") and row.handled_at is not None
    return span(since, row.handled_at) if done and row.handled_at >= since else ""


def span(since: datetime, until: datetime) -> str:
    """A length of time in one short unit, rounded down; Stripe's own clock tells whole seconds."""
    return formats.age(since, until) if (until - since).total_seconds() >= 1 else "under 1 s"


def number(count: int) -> str:
    """A count, which ends where the counting does."""
    return f"{MOST_COUNTED:,}+" if count > MOST_COUNTED else f"{count:,}"


def heading(counts: dict[str, int], last: datetime | None, now: datetime) -> str:
    """When Stripe last reached us, and what of it is not done."""
    if last is None:
        return "Stripe has not reached us yet"
    waiting, dead = counts["waiting"], counts["dead"]
    said = [
        f"{number(waiting)} {'event waits' if waiting == 1 else 'events wait'}" if waiting else "",
        f"{number(dead)} {'is' if dead == 1 else 'are'} dead" if dead else "",
    ]
    left = ", ".join(part for part in said if part)
    return f"Stripe reached us {formats.age(last, now)} ago; {left or 'nothing waits'}"


def refused(counts: list[Count], zone: ZoneInfo) -> list[tuple[str, str, str]]:
    """Of each reason: how many, why, and when the last one came."""
    return [
        (
            f"{one.count:,}",
            REFUSED_FOR.get(one.reason, one.reason),
            formats.moment(one.last_at, zone),
        )
        for one in counts
    ]


def title(row: StripeEvent) -> str:
    """The heading of an event's page."""
    tries = "1 try" if row.attempts == 1 else f"{row.attempts} tries"
    said = {
        "waiting": "waits to be handled",
        "dead": f"dead after {tries}",
        "orphan": "of no payment of ours",
        "ignored": "a type we don’t read",
        "handled": f"handled {_handled(row)} after it came"
        if _handled(row) and not row.replays
        else "handled",
    }
    return f"{row.type}: {said[row.state]}"


def triggers(row: StripeEvent) -> str:
    """What its handling does."""
    if not row.type.startswith(PREFIXES):
        return "Nothing. It is kept, and left alone."
    if row.type.startswith(OF_A_CARD):
        return "Stripe is asked how the saving of the card stands."
    return (
        "Stripe is asked how the payment stands. What is news is written into its story, each "
        "movement once; then the rules look at what is due."
    )


def refusal(row: StripeEvent, now: datetime, zone: ZoneInfo) -> str:
    """Why an event can't be replayed as it stands, and who was faster."""
    if row.state == "ignored":
        return "Events of this type aren’t read, so there is nothing to handle again."
    ago = formats.ago(row.replayed_at, now) if row.replayed_at else ""
    if row.state != "waiting":
        return f"{row.replayed_by} replayed this {ago} ago. Look how it stands before you do, too."
    if ago and (row.handled_at is None or row.handled_at < row.replayed_at):
        return f"{row.replayed_by} replayed this {ago} ago, and it is being handled."
    until = formats.moment(row.due_at, zone) if row.due_at and row.due_at > now else "now"
    return f"It waits to be handled anyway. Next try: {until}."


def story(row: StripeEvent, secrets: int, zone: ZoneInfo) -> list[dict[str, Any]]:
    """What happened to an event, in the order of time."""
    tries = "1 try" if row.attempts == 1 else f"{row.attempts} tries"
    found: list[tuple[datetime, str, str]] = [
        (row.created_at, "Happened at Stripe", ""),
        (row.received_at, "Received", _received(row, secrets)),
    ]
    if row.repeated_at:
        again = f"{row.deliveries} deliveries of it in all; only the first one counts"
        found.append((row.repeated_at, "Sent once more", again))
    if row.replayed_at:
        often = "" if row.replays == 1 else f"{row.replays} replays in all"
        found.append((row.replayed_at, f"Replayed by {row.replayed_by}", often))
    if row.handled_at:
        ended = "Found to be of no payment of ours" if row.state == "orphan" else "Handled"
        after = f"after {tries}" if row.state in ("handled", "orphan") else ""
        found.append((row.handled_at, ended, after))
    entries = [_entry(*one, zone=zone) for one in sorted(found, key=lambda one: one[0])]
    if row.state == "dead":
        entries.append(_entry(None, f"Given up after {tries}", row.error, zone=zone))
    if row.state == "waiting" and row.due_at:
        entries.append(_entry(row.due_at, "Next try", row.error, zone=zone))
    return entries


def _received(row: StripeEvent, secrets: int) -> str:
    said = f"{span(row.created_at, row.received_at)} later"
    if row.signed_with and secrets > 1:
        place = {1: "1st", 2: "2nd", 3: "3rd"}.get(row.signed_with, f"{row.signed_with}th")
        said += f", signed with the {place} of {secrets} secrets"
    return said


def _entry(at: datetime | None, text: str, said: str, *, zone: ZoneInfo) -> dict[str, Any]:
    moment, iso = (formats.moment(at, zone), at.isoformat()) if at else ("", "")
    return {"text": text, "said": said, "moment": moment, "iso": iso}
