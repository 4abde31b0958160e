"""The row of views above the queue: those of the desk, then those that were saved, with counts."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qsl, urlencode

from dashboard.bookings import outlook, queue
from dashboard.bookings.queue import VIEWS, Filters
from dashboard.staff import views
from dashboard.staff.tables import SavedView, Staff

VIEW_NAMES = {
    "expiring": "Expiring",
    "person": "Needs a person",
    "disputed": "Disputed",
    "open": "All open",
    "failed": "Failed",
    "all": "Everything",
}


@dataclass(frozen=True, slots=True)
class Tab:
    """One view: its address, how many rows it has now, and whether it is the list that is shown.

    `change` is where a saved one is renamed or deleted, if this person may.
    """

    name: str
    href: str
    count: int
    current: bool
    whose: str = ""
    change: str = ""


@dataclass(frozen=True, slots=True)
class Tabs:
    """The whole row; `counts` are those of the desk's own views."""

    all: list[Tab]
    counts: Mapping[str, int]
    save: str

    @property
    def change(self) -> Tab | None:
        """The saved view that is shown now, where this person may change it."""
        return next((tab for tab in self.all if tab.current and tab.change), None)


async def tabs(chosen: Filters, staff: Staff | None, now: datetime) -> Tabs:
    """The row for this person, every number counted in one look."""
    saved = await views.seen_by(staff.id) if staff is not None else []
    own = [Filters(view=view) for view in VIEWS]
    found = await outlook.numbers([*own, *(read(view.query) for view in saved)], now)
    here = state(chosen)
    of_desk = dict(zip(VIEWS, found, strict=False))
    kept = [
        _kept(view, count, here, staff)
        for view, count in zip(saved, found[len(VIEWS) :], strict=True)
    ]
    named = any(tab.current for tab in kept)
    fixed = [
        Tab(name, f"/holds?view={view}", of_desk[view], chosen.view == view and not named)
        for view, name in VIEW_NAMES.items()
    ]
    return Tabs([*fixed, *kept], of_desk, f"/holds/views/new?{here}")


def _kept(view: SavedView, count: int, here: str, staff: Staff | None) -> Tab:
    return Tab(
        view.name,
        f"/holds?{view.query}",
        count,
        view.query == here,
        "shared" if view.shared else "only yours",
        f"/holds/views/{view.id}" if staff and views.may_change(view, staff) else "",
    )


def state(chosen: Filters) -> str:
    """What an address says about a list, whichever of its pages is shown."""
    return urlencode(chosen.query(after=""))


def read(query: str) -> Filters:
    """The list that such a text stands for."""
    return queue.filters(dict(parse_qsl(query)))
