"""Tells the sandbox a past: stories of payments that were made at given instants.

Every act is carried out by the code that answers the API, at the instant of the act, so that an
object of the past can't look unlike one of the present. No webhook is sent and no event is made.
"""

import random
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from dashboard.sandbox import confirming, disputes, due, expansion, intents, people, refunds, setups
from dashboard.sandbox.answers import Json, StripeError, public
from dashboard.sandbox.draft import Draft, PastTurn
from dashboard.sandbox.store import Store

# What a fetch of the product asks for along with an intent.
_EXPANDED = [["latest_charge", "balance_transaction"]]
_MOST_OF_A_LIST = 100


class Act(msgspec.Struct, forbid_unknown_fields=True):
    """One act of a story. `target` counts the intents and set-ups that the story has made so far.

    In `given`, `payment_method` may be "{n}": the card of the story's object n. `life` is how many
    seconds the hold of a create lives; `decided_after` when the bank decides about a refund.
    """

    at: float
    do: Literal[
        "customer",
        "setup",
        "create",
        "authenticate",
        "capture",
        "cancel",
        "refund",
        "dispute",
        "settle_dispute",
        "look",
    ]
    given: dict[str, Any] = {}
    target: int = 0
    life: float | None = None
    decided_after: float | None = None


class History(msgspec.Struct, forbid_unknown_fields=True):
    """Stories that are told up to an instant, in unix seconds. The same `seed` gives the same ids;
    two histories of one sandbox need two."""

    seed: str
    until: float
    stories: list[list[Act]]


def tell(store: Store, history: History) -> Json:
    """Carry the stories out; answers, act by act, what Stripe would have shown right after.

    Raises ValueError, and keeps nothing, for an act that Stripe would refuse. A declined card is no
    such refusal.
    """
    # Names and no secrets: the same history is to give the same ones.
    ids = random.Random(history.seed)  # noqa: S311
    draft = Draft(store)
    turn = PastTurn(draft, ids, 0.0)
    shown = [
        _Story(turn, number).told(acts, history.until)
        for number, acts in enumerate(history.stories)
    ]
    draft.keep()
    return {"stories": shown}


class _Story:
    """The acts upon a few objects, the ones that the story itself has made."""

    def __init__(self, turn: PastTurn, number: int) -> None:
        self._turn = turn
        self._number = number
        self._objects: list[tuple[str, str]] = []

    def told(self, acts: list[Act], until: float) -> list[msgspec.Raw]:
        self._turn.draft.begin()
        shown = [self._shown(act) for act in acts]
        self._fall_due(until)
        return shown

    def _shown(self, act: Act) -> msgspec.Raw:
        self._fall_due(act.at)
        try:
            answer = _ACTS[act.do](self, self._turn.at(act.at), act)
        except (StripeError, LookupError) as error:
            at = datetime.fromtimestamp(act.at, UTC).isoformat()
            raise ValueError(f"Story {self._number}, {act.do} at {at}: {error}") from error
        # What comes later changes the same objects: an answer shows them as they are now.
        return msgspec.Raw(msgspec.json.encode(answer))

    def _fall_due(self, until: float) -> None:
        for at, _, action, target in self._turn.draft.fallen_due(until):
            due.perform(self._turn.at(at), action, target)

    def _customer(self, turn: PastTurn, act: Act) -> Json:
        return public(people.create_customer(turn, "", dict(act.given)))

    def _setup(self, turn: PastTurn, act: Act) -> Json:
        made = setups.create(turn, "", act.given)
        self._objects.append(("setup_intent", made["id"]))
        return public(made)

    def _create(self, turn: PastTurn, act: Act) -> Json:
        if act.life is not None:
            turn.draft.remember("next_authorization", {"capture_before": act.life})
        try:
            name = intents.create(turn, "", self._given(turn, act))["id"]
        except StripeError as error:
            if error.status != 402:
                raise
            name = error.details["payment_intent"]["id"]
        self._objects.append(("payment_intent", name))
        return self._look(turn, act, len(self._objects) - 1)

    def _given(self, turn: PastTurn, act: Act) -> Json:
        card = act.given.get("payment_method", "")
        if not card.startswith("{"):
            return act.given
        kind, name = self._objects[int(card.strip("{}"))]
        return act.given | {"payment_method": turn.get(kind, name)["payment_method"]}

    def _authenticate(self, turn: PastTurn, act: Act) -> Json:
        confirming.authenticate(turn, self._name(act), bool(act.given.get("success", True)))
        return self._look(turn, act)

    def _capture(self, turn: PastTurn, act: Act) -> Json:
        intents.capture(turn, self._name(act), act.given)
        return self._look(turn, act)

    def _cancel(self, turn: PastTurn, act: Act) -> Json:
        intents.cancel(turn, self._name(act), act.given)
        return self._look(turn, act)

    def _refund(self, turn: PastTurn, act: Act) -> Json:
        made = refunds.create(turn, "", act.given | {"payment_intent": self._name(act)})
        if act.decided_after is not None:
            turn.draft.put_off(made["id"], act.at + act.decided_after)
        return self._look(turn, act)

    def _dispute(self, turn: PastTurn, act: Act) -> Json:
        charge = turn.get("charge", turn.get("payment_intent", self._name(act))["latest_charge"])
        reason = str(act.given.get("reason", "fraudulent"))
        disputes.open_dispute(turn, charge, None, reason, bool(act.given.get("inquiry")))
        return self._look(turn, act)

    def _settle_dispute(self, turn: PastTurn, act: Act) -> Json:
        opened = turn.store.find("dispute", {"intent = ?": self._name(act)}, 1)
        if not opened:
            raise LookupError("there is no dispute")
        disputes.settle(turn, opened[0], str(act.given["status"]))
        return self._look(turn, act)

    def _look(self, turn: PastTurn, act: Act, target: int | None = None) -> Json:
        """The intent as the product's own fetch would have read it."""
        name = self._name(act, target)
        intent = expansion.expand(turn.store, turn.get("payment_intent", name), _EXPANDED)
        of_it = {"intent = ?": name}
        return {
            "intent": intent,
            "refunds": [public(one) for one in turn.store.find("refund", of_it, _MOST_OF_A_LIST)],
            "disputes": [public(one) for one in turn.store.find("dispute", of_it, _MOST_OF_A_LIST)],
        }

    def _name(self, act: Act, target: int | None = None) -> str:
        kind, name = self._objects[act.target if target is None else target]
        if kind != "payment_intent":
            raise LookupError(f"object {act.target} is a {kind}")
        return name


_ACTS: dict[str, Callable[[_Story, PastTurn, Act], Json]] = {
    "customer": _Story._customer,
    "setup": _Story._setup,
    "create": _Story._create,
    "authenticate": _Story._authenticate,
    "capture": _Story._capture,
    "cancel": _Story._cancel,
    "refund": _Story._refund,
    "dispute": _Story._dispute,
    "settle_dispute": _Story._settle_dispute,
    "look": _Story._look,
}
