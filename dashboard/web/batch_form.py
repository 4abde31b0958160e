"""The review of many holds: which were chosen, what its form sent, and what is wrong with that."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from litestar.datastructures import FormMultiDict

from dashboard.batches.record import Item, Order
from dashboard.batches.review import MOST
from dashboard.payments.actions import Shown, Stood
from dashboard.payments.facts import Verb
from dashboard.web.movement_form import NEEDS_REASON, faults_of_reason, is_uuid
from dashboard.web.wholes import whole

VERBS = {"capture": Verb.CAPTURE, "release": Verb.RELEASE}
INCOMPLETE = "This form is incomplete. Choose the holds again."
TOO_MANY = f"At most {MOST} holds can be moved together. Choose fewer."
ONLY_THE_FIRST = f"The list is longer: these are its first {MOST}. Review it again for the rest."
NONE = "No hold is selected. Go back and select some."
# More than a page can send, and few enough to be counted.
_MOST_READ = 5 * MOST
# As many as an instant of the next centuries has in microseconds; every amount has fewer.
_DIGITS = 17
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a review's form sent, as it was typed."""

    key: str
    verb: Verb | None
    items: list[Item] = field(default_factory=list)
    reason: str = ""
    note: str = ""
    garbled: bool = False

    @property
    def payment_ids(self) -> list[int]:
        return [item.payment_id for item in self.items]

    def order(self) -> Order:
        """The same as it is written down."""
        assert self.verb is not None
        return Order(self.key.lower(), self.verb, self.items, self.reason, self.note.strip())


def fresh(verb: Verb | None) -> Asked:
    """An untouched form, with a key of its own."""
    return Asked(str(uuid.uuid4()), verb)


def chosen(values: Iterable[str]) -> list[int]:
    """The payments that a list of checkboxes names; what is no number is nobody's payment."""
    return [
        number
        for value in list(values)[:_MOST_READ]
        if (number := whole(value, _DIGITS)) is not None
    ]


def fault_of_choice(verb: Verb | None, payment_ids: list[int]) -> str:
    """What is wrong with what was selected, before any of it is looked at."""
    if verb is None:
        return INCOMPLETE
    if not payment_ids:
        return NONE
    return TOO_MANY if len(set(payment_ids)) > MOST else ""


def read(given: FormMultiDict) -> Asked:
    """What was sent. Nothing is judged here, but whether the page's own parts can be read."""
    rows = [str(row) for row in given.getall("row", [])[:_MOST_READ]]
    items = [_item(row) for row in rows]
    good = [item for item in items if item is not None]
    verb = VERBS.get(str(given.get("verb", "")))
    twice = len({item.payment_id for item in good}) < len(good)
    return Asked(
        key=str(given.get("key", "")),
        verb=verb,
        items=good,
        reason=str(given.get("reason", "")),
        note=str(given.get("note", "")),
        garbled=verb is None or None in items or twice or _in_part(verb, good),
    )


def _in_part(verb: Verb, items: list[Item]) -> bool:
    """Whether less than a hold would be released: Stripe gives back all of it or nothing."""
    return verb is Verb.RELEASE and any(one.amount != one.shown.authorized for one in items)


def faults(asked: Asked) -> dict[str, str]:
    """What is wrong, by field; nothing when it can be confirmed."""
    found = {}
    if asked.garbled or not is_uuid(asked.key):
        found["form"] = INCOMPLETE
    elif not asked.items:
        found["form"] = NONE
    elif len(asked.items) > MOST:
        found["form"] = TOO_MANY
    if asked.reason and asked.verb not in NEEDS_REASON:
        found["form"] = INCOMPLETE
    return found | faults_of_reason(asked.verb, asked.reason, asked.note)


def row(item: Item) -> str:
    """One hold of the form: its number, what is moved of it, the amounts that were shown, whether
    it was undecided, and until when it was paused."""
    shown, stood = item.shown, item.stood
    parts = (item.payment_id, item.amount, shown.authorized, shown.captured, shown.refunded)
    paused = (stood.paused_until - _EPOCH) // _MICROSECOND if stood.paused_until else 0
    return ":".join(str(part) for part in (*parts, int(stood.undecided), paused))


def _item(text: str) -> Item | None:
    parts = [whole(part, _DIGITS) for part in text.split(":")]
    numbers = [part for part in parts if part is not None]
    if len(parts) != 7 or len(numbers) != 7 or not numbers[1]:
        return None
    payment_id, amount, authorized, captured, refunded, undecided, paused = numbers
    shown = Shown(authorized, captured, refunded)
    until = _EPOCH + paused * _MICROSECOND if paused else None
    return Item(payment_id, amount, shown, Stood(undecided > 0, until))
