"""The form behind a capture, a release or a refund: what it shows, and what was typed into it."""

import uuid
from dataclasses import dataclass, field
from typing import Any

from litestar.datastructures import FormMultiDict

from dashboard import formats, sentences, settings
from dashboard.bookings import limits
from dashboard.bookings.holds import Hold
from dashboard.money import WrongAmount, decimals, parse, plain
from dashboard.payments.actions import Shown
from dashboard.payments.facts import Verb
from dashboard.staff.tables import Staff
from dashboard.support import wording
from dashboard.web.security import is_finance
from dashboard.web.ways import back_from
from dashboard.web.wholes import whole

LONGEST_NOTE = 2000
_NO_FAULTS = {"form": "", "amount": "", "reason": "", "note": ""}
SCOPES = ("all", "part")
# What the page knew of the payment when it was made.
_SHOWN = ("authorized", "captured", "refunded")
NEEDS_REASON = (Verb.RELEASE, Verb.REFUND)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a form sent, as it was typed. `most` is the maximum that the form showed."""

    operation: str
    part: bool = False
    amount: str = ""
    reason: str = ""
    note: str = ""
    shown: Shown | None = None
    most: int | None = None
    agreed: int | None = None
    garbled: bool = False
    back: str = ""
    # Whether the form was made before anybody had decided what is owed.
    undecided: bool = False


@dataclass(slots=True)
class Checked:
    """What was asked, as far as it can be taken: the amount, and a message per field."""

    amount: int | None = None
    faults: dict[str, str] = field(default_factory=dict)
    forbidden: bool = False


def fresh(back: str = "") -> Asked:
    """An untouched form, with an operation's id of its own; `back` is where it was opened."""
    return Asked(operation=str(uuid.uuid4()), back=back)


def read(given: FormMultiDict) -> Asked:
    """What was typed. Nothing is judged here; `garbled` says that what the page itself had put
    there is no longer what it was."""
    numbers = {name: _whole(given.get(name)) for name in _SHOWN}
    shown = None
    if all(value is not None for value in numbers.values()):
        shown = Shown(**{name: value or 0 for name, value in numbers.items()})
    amount = str(given.get("amount", ""))
    return Asked(
        operation=str(given.get("operation", "")),
        part=given.get("scope") == "part" or (given.get("scope") is None and bool(amount.strip())),
        amount=amount,
        reason=str(given.get("reason", "")),
        note=str(given.get("note", "")),
        shown=shown,
        most=_whole(given.get("most")),
        agreed=_whole(given.get("agreed")),
        garbled=_garbled(given),
        back=back_from(given),
        undecided=given.get("undecided") == "1",
    )


def _garbled(given: FormMultiDict) -> bool:
    """A guard that can't be read must not count as one that was never given."""
    numbers = [given[name] for name in (*_SHOWN, "most", "agreed") if name in given]
    marks = given.get("scope", "all") in SCOPES and given.get("undecided", "1") == "1"
    return not marks or any(_whole(number) is None for number in numbers)


def _whole(value: Any) -> int | None:
    return whole(str(value or ""), 15)


def check(asked: Asked, hold: Hold, verb: Verb, staff: Staff | None) -> Checked:
    """Everything that can be said before the money path is asked, all of it at once."""
    checked = Checked(amount=_amount(asked, hold, verb))
    if checked.amount is None:
        checked.faults["amount"] = _amount_fault(asked, hold)
    checked.faults |= faults_of_reason(verb, asked.reason, asked.note)
    if asked.garbled or not is_uuid(asked.operation):
        checked.faults["form"] = "This form is incomplete. Load the page again."
    if verb is Verb.REFUND and checked.amount is not None:
        limit = beyond_limit(hold, checked.amount, staff)
        if limit:
            checked.faults["amount"], checked.forbidden = limit, True
    return checked


def faults_of_reason(verb: Verb | None, reason: str, note: str) -> dict[str, str]:
    """What is wrong with why something is moved, by field; a capture needs no reason."""
    found = {}
    if verb in NEEDS_REASON:
        if reason not in sentences.REASONS[verb]:
            found["reason"] = "Choose a reason."
        elif reason == "other" and not note.strip():
            found["note"] = "Say in a few words what the reason is."
    if len(note) > LONGEST_NOTE:
        found["note"] = f"Keep the note under {LONGEST_NOTE} characters."
    elif marks := wording.marks_fault(note):
        found["note"] = marks
    return found


def beyond_limit(hold: Hold, amount: int, staff: Staff | None) -> str:
    """Why a refund needs finance; nothing when this person may make it.

    What was refunded before counts as well: a large refund is not many small ones.
    """
    if is_finance(staff):
        return ""
    before = hold.facts.refunded + hold.facts.refund_pending
    refused = limits.needs_finance(amount, before, hold.currency)
    if refused is None:
        return ""
    zone = settings.current().zone
    said = sentences.not_allowed(refused.code, refused.values, hold.currency, zone)
    told = refused.code == "limit" and before
    return f"{said} {formats.money(before, hold.currency)} was refunded already." if told else said


def _amount(asked: Asked, hold: Hold, verb: Verb) -> int | None:
    """The wanted amount in minor units; None when what was typed is none."""
    if verb is Verb.RELEASE:
        return hold.facts.authorized
    if not asked.part:
        return asked.most if asked.most is not None else hold.most(verb)
    try:
        return parse(asked.amount, hold.currency)
    except WrongAmount:
        return None


def _amount_fault(asked: Asked, hold: Hold) -> str:
    if not asked.amount.strip():
        return "Enter an amount."
    try:
        parse(asked.amount, hold.currency)
    except WrongAmount as error:
        return str(error)
    return ""


def is_uuid(text: str) -> bool:
    """Whether this is a UUID as our pages write one."""
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class Consequence:
    """What a movement will do. `taken` and `rest` are formatted amounts, told apart in the page."""

    verb: str
    who: str
    taken: str
    rest: str
    whole: bool
    before: str


def consequence(hold: Hold, verb: Verb, amount: int | None) -> Consequence:
    """What `amount` minor units will do; None counts as the most that is possible."""
    most = hold.most(verb)
    chosen = most if amount is None else amount
    if verb is Verb.CAPTURE:
        rest = max(0, hold.facts.authorized - chosen)
    else:
        rest = max(0, hold.facts.kept - chosen)
    return Consequence(
        verb=verb,
        who=hold.subject.first_name or "The student",
        taken=formats.money(chosen, hold.currency),
        rest=formats.money(rest, hold.currency),
        whole=rest == 0,
        before=formats.money(hold.facts.captured, hold.currency),
    )


def shown(hold: Hold, verb: Verb, asked: Asked, checked: Checked | None) -> dict[str, Any]:
    """All that the form's template needs, with what was typed in its place."""
    facts, most = hold.facts, hold.most(verb)
    amount = checked.amount if checked is not None else None
    usable = amount is not None and 0 < amount <= most
    wanted = amount if usable and amount is not None and asked.part else most
    return {
        "hold": hold,
        "verb": verb.value,
        "asked": asked,
        "faults": {**_NO_FAULTS, **(checked.faults if checked else {})},
        "most": most,
        "most_said": formats.money(most, hold.currency),
        "most_plain": plain(most, hold.currency),
        "agreed": wanted,
        "button": f"{verb.capitalize()} {formats.money(wanted, hold.currency)}",
        "consequence": consequence(hold, verb, wanted),
        "reasons": sentences.REASONS.get(verb, {}),
        "decimals": decimals(hold.currency),
        "base": facts.authorized if verb is Verb.CAPTURE else facts.kept,
        "amounts": {
            "authorized": facts.authorized,
            "captured": facts.captured,
            "refunded": facts.refunded + facts.refund_pending,
        },
        "undecided": hold.books.purchase.owed is None,
        "can_part": verb is not Verb.RELEASE,
    }
