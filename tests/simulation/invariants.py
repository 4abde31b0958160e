"""What must hold when a schedule has come to rest."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from tests.simulation.accounts import GAVE_NOTHING, Account, Case
from tests.simulation.play import DAY, HOUR, MINUTE, Play
from tests.simulation.virtual import BASE

Json = dict[str, Any]
CLOSED_DISPUTES = ("won", "lost", "warning_closed")
MOVES = ("hold:", "end:", "cancel:", "refund:", "dispute:", "funds:")


def violations(play: Play) -> list[str]:
    """Every promise that is broken now, as a sentence; empty when all hold."""
    case = Case(play)
    return [*play.errors, *(said for rule in _RULES for said in rule(case))]


def one_capture(case: Case) -> Iterator[str]:
    """I1: at most one effective capture per purchase."""
    found = list(case.accounts.values())
    if case.play.setting.kind == "package":
        # A charge can't be held back: a second one is given back, or a person sees that it was not.
        kept = [one for one in found if one.kept > 0]
        if len(kept) > 1 and case.attention != "refund_failed":
            yield f"I1: {len(kept)} charges are kept for one purchase"
        return
    captured = [one for one in found if one.taken]
    if len(captured) > 1:
        yield f"I1: {len(captured)} holds of one purchase were captured"


def refunds_as_asked(case: Case) -> Iterator[str]:
    """I2: refunds never exceed captures, and one wish of a person makes one refund at most."""
    made: Counter[str] = Counter()
    for one in case.accounts.values():
        if one.refunded("succeeded", "pending", "requires_action") > one.taken:
            yield "I2: more was refunded than captured"
        for refund in one.refunds:
            if refund["status"] not in GAVE_NOTHING:
                made[refund["metadata"].get("operation_id", "")] += 1
    for name, count in made.items():
        if name and count > 1:
            yield f"I2: operation {name[:8]} made {count} refunds"
    for request in case.play.requests:
        if sum(made[name] for name in request.ids) > 1 and request.verb == "refund":
            yield "I2: one wish of a person made two refunds"


def not_more_than_decided(case: Case) -> Iterator[str]:
    """I2: of the payment that stands we give back no more than what is not owed."""
    owed = case.purchase["owed"]
    for payment in case.payments:
        one = case.account_of(payment)
        if one is None or not payment["current"] or not one.taken or owed is None:
            continue
        ours = [
            refund["amount"]
            for refund in one.refunds
            if refund["status"] not in GAVE_NOTHING and "operation_id" in refund["metadata"]
        ]
        if one.taken - sum(ours) < min(owed, one.taken):
            yield f"I2: {sum(ours)} of {one.taken} went back although {owed} are owed"


def books_tell_all(case: Case) -> Iterator[str]:
    """I3: every movement at Stripe has its one event, and every event its movement."""
    must: dict[str, int] = {}
    may: dict[str, int] = {}
    for name, one in case.accounts.items():
        if name not in case.strays:
            _moves(one, must, may)
    kept = {row["key"]: row["amount"] for row in case.events}
    for key, amount in must.items():
        if key not in kept:
            yield f"I3: no event tells of {key}"
        elif key in kept and kept[key] != amount:
            yield f"I3: {key} says {kept[key]}, Stripe {amount}"
    for key in kept:
        if key.startswith(MOVES) and key not in must and key not in may and "planned" not in key:
            yield f"I3: Stripe knows nothing of {key}"


def _moves(one: Account, must: dict[str, int], may: dict[str, int]) -> None:
    intent, charge = one.intent, one.charge
    if charge and intent["capture_method"] == "manual":
        must[f"hold:{charge['id']}"] = charge["amount"]
    if charge and intent["status"] in ("succeeded", "canceled"):
        must[f"end:{charge['id']}"] = one.taken or charge["amount"]
    if intent["status"] == "canceled" and not charge:
        must[f"cancel:{intent['id']}"] = 0
        may[f"end:{intent['latest_charge']}"] = 0
    for refund in one.refunds:
        phase = {"succeeded": "succeeded", "failed": "failed", "canceled": "failed"}
        now = phase.get(refund["status"], "pending")
        must[f"refund:{refund['id']}:{now}"] = refund["amount"]
        for other in ("pending", "succeeded"):
            may[f"refund:{refund['id']}:{other}"] = refund["amount"]
    for dispute in one.disputes:
        must[f"dispute:{dispute['id']}:opened"] = dispute["amount"]
        if dispute["status"] in CLOSED_DISPUTES:
            must[f"dispute:{dispute['id']}:closed"] = dispute["amount"]
        may[f"dispute:{dispute['id']}:answered"] = 0
        for moved in dispute["balance_transactions"]:
            must[f"funds:{moved['id']}"] = abs(moved["amount"])


def ends_or_is_seen(case: Case) -> Iterator[str]:
    """I4: every operation has ended, or a person is called; so has every event."""
    for row in case.operations:
        # At rest every key has lapsed and every hold has ended: only what Stripe never showed is
        # left open, and that is a person's to look up.
        if row["open_for"] is not None and (row["state"], case.attention) != ("stalled", "stalled"):
            yield f"I4: {row['verb']} is {row['state']} and the list says {case.attention}"
    for row in case.play.rows("SELECT * FROM stripe_event WHERE state IN ('waiting', 'dead')"):
        yield f"I4: event {row['type']} is {row['state']}: {row['error']}"


def books_are_right(case: Case) -> Iterator[str]:
    """I5: our status and amounts are Stripe's."""
    for name in case.strays:
        intent = case.accounts[name].intent
        # What was looked for in vain under a lapsed key is a person's until that person ends it.
        if not case.looked_up(intent):
            yield f"I5: {name} over {intent['amount']} is {intent['status']}, and nobody knows it"
    for payment in case.payments:
        one = case.account_of(payment)
        if one is None:
            continue
        ours = tuple(payment[name] for name in _COLUMNS)
        theirs = (
            one.status,
            one.held,
            one.taken,
            one.refunded("succeeded"),
            one.refunded("pending", "requires_action"),
        )
        if ours != theirs:
            yield f"I5: payment {payment['id']} is {ours} here and {theirs} at Stripe"


_COLUMNS = (
    "payment_status",
    "authorized_amount",
    "captured_amount",
    "refunded_amount",
    "refund_pending_amount",
)


def no_hold_dies_unseen(case: Case) -> Iterator[str]:
    """I6: before a hold ends unwanted a person is called, if anybody was awake to see it coming."""
    for payment in case.payments:
        one = case.account_of(payment)
        # Where nothing is owed, its end is as good as a release.
        if one is None or not one.expired or not one.charge or case.purchase["owed"] == 0:
            continue
        shown = one.charge["payment_method_details"]["card"]["capture_before"]
        end = shown - BASE.timestamp()
        # On the last day the policy acts, or a person is called; the last minute is too late.
        awake = [seen for seen in case.play.watched if end - DAY + MINUTE < seen[0] < end - MINUTE]
        # One look alone may have come while the last try was under way.
        long = len(awake) > 1 and awake[-1][0] - awake[0][0] > HOUR
        if long and not any(called for _, called in awake):
            yield f"I6: the hold of payment {payment['id']} ended and nobody was told before"


def paid_is_owed(case: Case) -> Iterator[str]:
    """I7: what the customer has paid is what is owed, or a person is called."""
    owed, play = case.purchase["owed"], case.play
    if play.decided and (owed is None or owed > min(play.decided)):
        yield f"I7: {min(play.decided)} was decided, and {owed} is owed"
    if case.attention:
        # Whether that is a good reason, `called_for_a_reason` asks.
        return
    # A charge that was refunded and lost in a dispute as well has cost us more than was paid.
    kept = sum(max(0, one.kept) for one in case.accounts.values())
    held = any(one.status == "authorized" for one in case.accounts.values())
    if held:
        yield "I7: a hold still stands, and nothing is planned for it"
    wanted = owed
    if wanted is None:
        # A package that nobody has decided about is paid by its price, less what somebody gave back
        # at Stripe. A lesson that nobody has decided about was never paid.
        paid = play.setting.kind == "package" and any(one.taken for one in case.accounts.values())
        wanted = case.purchase["price"] - case.given_back_elsewhere if paid else 0
    if kept != wanted:
        yield f"I7: {kept} is kept, {owed} is owed, and nobody is called"


def called_for_a_reason(case: Case) -> Iterator[str]:
    """I7: a person who is called finds what the list says; it excuses nothing else."""
    said = case.attention
    if said is None:
        return
    found = list(case.accounts.values())
    owed = case.purchase["owed"]
    target = case.purchase["price"] if owed is None else owed
    short = sum(max(0, one.kept) for one in found) < target
    true = {
        "underpaid": short,
        "expired": short,
        "released": short,
        "cancelled": short,
        "refund_failed": any(row["refund_trouble"] for row in case.payments),
        "stalled": any(row["state"] == "stalled" for row in case.operations),
        "hold_refused": short and not any(one.taken for one in found),
    }
    # At rest there is no open dispute, no hold, no open question and nothing to try again.
    if not true.get(said, False):
        yield f"I7: a person is called because of {said!r}, which is not so"


_RULES = (
    one_capture,
    refunds_as_asked,
    not_more_than_decided,
    books_tell_all,
    ends_or_is_seen,
    books_are_right,
    no_hold_dies_unseen,
    paid_is_owed,
    called_for_a_reason,
)
