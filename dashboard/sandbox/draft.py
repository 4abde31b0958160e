"""Objects of a told past: in memory while it is told, kept all at once at its end."""

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

from dashboard.sandbox.answers import Json
from dashboard.sandbox.store import Store
from dashboard.sandbox.turn import Turn

# The conditions by which the actions themselves look for objects, and what each compares.
_COMPARED = {"charge = ?": "charge", "intent = ?": "payment_intent"}
Due = tuple[float, int, str, str]


class Draft(Store):
    """A store over another one, which it reads and does not write until `keep`."""

    def __init__(self, behind: Store) -> None:
        self._behind = behind
        self._made: dict[str, Json] = {}
        self._story: dict[str, Json] = {}
        self._notes: dict[str, Any] = {}
        self._due: list[Due] = []
        self._left: list[Due] = []
        self._number = count()

    def get(self, kind: str, name: str) -> Json | None:
        found = self._story.get(name)
        if found is None:
            return self._behind.get(kind, name)
        return found if found["object"] == kind else None

    def save(self, thing: Json) -> None:
        self._story[thing["id"]] = thing

    def find(
        self, kind: str, where: Mapping[str, Any], limit: int, newest_first: bool = True
    ) -> list[Json]:
        """Objects of the story that is being told, the newest first."""
        wanted = [(_COMPARED[condition], value) for condition, value in where.items()]
        found = [
            thing
            for thing in reversed(self._story.values())
            if thing["object"] == kind and all(thing[name] == value for name, value in wanted)
        ]
        return found[:limit]

    def note(self, name: str, default: Any = None) -> Any:
        return self._notes.get(name, default)

    def remember(self, name: str, value: Any) -> None:
        self._notes[name] = value

    def later(self, at: float, action: str, target: str) -> None:
        heapq.heappush(self._due, (at, next(self._number), action, target))

    def put_off(self, target: str, to: float) -> None:
        """Let what is arranged for an object fall due at another instant."""
        for at, number, action, name in [due for due in self._due if due[3] == target]:
            self._due.remove((at, number, action, name))
            self.later(to, action, name)
        heapq.heapify(self._due)

    def fallen_due(self, until: float) -> Iterator[Due]:
        """What falls due by then, in the order of its instants."""
        while self._due and self._due[0][0] <= until:
            yield heapq.heappop(self._due)

    def begin(self) -> None:
        """A story of its own: nothing of the one before concerns it."""
        self._made.update(self._story)
        self._left += self._due
        self._story, self._due, self._notes = {}, [], {}

    def keep(self) -> None:
        """Write everything that was told into the store behind, and what is still to come."""
        self.begin()
        self._behind.save_all(self._made.values())
        self._behind.arrange((at, action, target) for at, _, action, target in self._left)
        self._made, self._left = {}, []


@dataclass(frozen=True, slots=True)
class PastTurn(Turn):
    """A turn at an instant of the past, over a draft: nobody is told of it any more."""

    @property
    def draft(self) -> Draft:
        assert isinstance(self.store, Draft)
        return self.store

    def at(self, instant: float) -> "PastTurn":
        return replace(self, now=instant, request=None)

    def new_id(self, prefix: str) -> str:
        # A year needs a million of them.
        return f"{prefix}_{self.ids.getrandbits(96):024x}"

    def later(self, at: float, action: str, target: str) -> None:
        self.draft.later(at, action, target)

    def emit(self, kind: str, thing: Json, previous: Json | None = None) -> None:
        """Stripe keeps events for thirty days and has sent them long ago."""
