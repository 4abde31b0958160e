"""What is said of many holds at once: before they are moved, while they are, and afterwards."""

from dashboard import findings, sentences
from dashboard.batches.queries import Line, Progress
from dashboard.batches.review import Review
from dashboard.batches.tables import BatchRow, RowState
from dashboard.payments.facts import Verb

_DONE = {Verb.CAPTURE: "captured", Verb.RELEASE: "released"}
_UNKNOWN = "Stripe hasn’t answered. We don’t know yet whether it was {done}; don’t retry."


def number(count: int, what: str = "hold") -> str:
    """1 hold, 3 holds."""
    return f"1 {what}" if count == 1 else f"{count} {what}s"


def reviewed(found: Review) -> str:
    """The heading of a review: how many can be moved, and for how much."""
    can, all_of_them = len(found.movable), len(found.movable) + len(found.left) + found.unknown
    done = _DONE[found.verb]
    if not can:
        if all_of_them == 1:
            return f"This hold can’t be {done}"
        return f"None of these {all_of_them} holds can be {done}"
    some = number(can) if can == all_of_them else f"{can} of {all_of_them} holds"
    return f"{some} can be {done}, {findings.worth(found.totals)}"


def button(found: Review) -> str:
    """The last button: the verb, how many, and how much."""
    some = number(len(found.movable))
    return f"{found.verb.capitalize()} {some}, {findings.worth(found.totals)}"


def broken(count: int) -> str:
    """How many of the holds were told otherwise; nothing when none was."""
    if not count:
        return ""
    of_them = "1 student was" if count == 1 else f"The students of {count} holds were"
    return f"{of_them} told something else by e-mail."


def heading(found: Progress) -> str:
    """How far a batch has come, or what became of it."""
    verb, total = Verb(found.batch.verb), len(found.lines)
    if found.open == total:
        everything = findings.worth(found.worth(*RowState))
        return f"{sentences.DOING[verb]} {number(total)}, {everything}"
    done = found.count(RowState.DONE)
    some = number(done) if done == total else f"{done} of {total} holds"
    if not done:
        some = "1 hold was not" if total == 1 else f"None of {total} holds was"
    worth = f", {findings.worth(found.worth(RowState.DONE))}" if done else ""
    return f"{some} {_DONE[verb]}{worth}"


def rest(found: Progress) -> str:
    """What is not done, in numbers; nothing when everything is."""
    waiting = found.count(RowState.WAITING, RowState.WORKING)
    parts = [
        f"{count} {said}"
        for count, said in (
            (waiting, "to go"),
            (found.count(RowState.UNKNOWN), "not known yet"),
            (found.count(RowState.DECLINED), "declined"),
            (found.count(RowState.BUSY), "busy with another movement"),
            (found.count(RowState.CHANGED), "changed since the review"),
        )
        if count
    ]
    return ", ".join(parts)


def state(line: Line, verb: Verb) -> str:
    """What became of one hold, beside the mark of its state."""
    row, done = line.row, _DONE[verb]
    return {
        RowState.WAITING: "Waits for its turn",
        RowState.WORKING: f"{sentences.DOING[verb]}…",
        RowState.UNKNOWN: _UNKNOWN.format(done=done),
        RowState.DONE: _late(row) if row.state == RowState.DECLINED else "",
        RowState.DECLINED: f"Declined: {_ended(row.said)} Nothing was moved.",
        RowState.BUSY: f"Nothing was sent, another movement was under way: {_ended(row.said)}",
        RowState.CHANGED: f"Changed since it was reviewed: {_ended(row.said)}",
    }[line.state]


def _late(row: BatchRow) -> str:
    return f"Stripe had declined it ({row.said.rstrip('.')}) and shows now that it worked."


def _ended(said: str) -> str:
    text = said.strip()
    return text if text.endswith((".", "!", "?")) else f"{text}."


def index(found: list[Progress]) -> str:
    """The heading of the list."""
    if not found:
        return "No holds were captured or released together yet"
    going = sum(one.open > 0 for one in found)
    if going:
        return f"{number(going, 'job')} {'is' if going == 1 else 'are'} under way"
    failed = sum(one.retried > 0 for one in found)
    if failed:
        return f"Nothing is under way; {number(failed, 'job')} left something to try again"
    return "Nothing is under way; every job is done"
