"""Saved views: lists of holds under a name, of one person or of everybody.

What a view lists is the text of an address, which nobody here reads.
"""

from typing import Any

from dashboard import clock, db
from dashboard.staff.tables import SavedView, Staff, reaches

# Of one person, and of everybody together: each is counted whenever the queue is looked at.
MOST = 20
LONGEST_NAME = 60
LONGEST_QUERY = 4_000


class ViewRefused(Exception):
    """It can't be kept like this; `at` is the field that says why, or "form"."""

    def __init__(self, at: str, said: str) -> None:
        super().__init__(said)
        self.at = at
        self.said = said


async def seen_by(staff_id: int) -> list[SavedView]:
    """Everybody's views, then those of this person, each in the order in which they were made."""
    found: list[SavedView] = (
        await SavedView.objects()
        .where(SavedView.shared.eq(True) | (SavedView.owner == staff_id))
        .order_by(SavedView.shared, ascending=False)
        .order_by(SavedView.id)
    )
    return found


async def view(view_id: int, staff: Staff) -> SavedView | None:
    """The view, if there is one that this person may change: their own, or any shared one for an
    administrator."""
    found = await SavedView.objects().get(SavedView.id == view_id)
    return found if found is not None and may_change(found, staff) else None


def may_change(found: SavedView, staff: Staff) -> bool:
    """Whether this person may rename or delete the view; a shared one needs the right to share."""
    if not found.shared:
        return bool(found.owner == staff.id)
    shares = reaches(staff, "support")
    return staff.role == "admin" or (shares and bool(found.owner == staff.id))


async def keep(staff: Staff, name: str, query: str, *, shared: bool) -> int:
    """Keep a list under a name; answers the view's id. Joins an open transaction."""
    called = _checked(name)
    if len(query) > LONGEST_QUERY:
        raise ViewRefused("form", "This list’s address is too long to be kept.")
    mine = SavedView.shared.eq(True) if shared else _personal(staff.id)
    if await SavedView.count().where(mine) >= MOST:
        whose = "Everybody together has" if shared else "You have"
        raise ViewRefused("form", f"{whose} {MOST} views already. Delete one first.")
    now = clock.wall()
    row = SavedView(
        owner=staff.id,
        shared=shared,
        name=called,
        slot=_slot(shared, staff.id, called),
        query=query,
        created_at=now,
        changed_at=now,
    )
    made = await _unique(SavedView.insert(row).returning(SavedView.id), called)
    return int(made[0]["id"])


async def rename(found: SavedView, name: str) -> None:
    """Give the view another name. Joins an open transaction."""
    called = _checked(name)
    values: dict[Any, Any] = {
        "name": called,
        "slot": _slot(found.shared, found.owner, called),
        "changed_at": clock.wall(),
    }
    await _unique(SavedView.update(values).where(SavedView.id == found.id), called)


async def delete(found: SavedView) -> None:
    """Forget the view; what it listed stays where it is. Joins an open transaction."""
    await SavedView.delete().where(SavedView.id == found.id)


def _personal(staff_id: int) -> Any:
    return SavedView.shared.eq(False) & (SavedView.owner == staff_id)


def _checked(name: str) -> str:
    called = " ".join(name.split())
    if not called:
        raise ViewRefused("name", "Give the view a name.")
    if len(called) > LONGEST_NAME:
        raise ViewRefused("name", f"Use {LONGEST_NAME} characters or fewer.")
    if not called.isprintable():
        raise ViewRefused("name", "Leave out what can’t be seen.")
    return called


def _slot(shared: bool, owner: int, name: str) -> str:
    return f"{'all' if shared else owner}:{name.casefold()}"[:200]


async def _unique(query: Any, name: str) -> Any:
    try:
        return await query
    except Exception as error:
        if db.is_unique_violation(error, "slot"):
            raise ViewRefused("name", f"There is a view called “{name}” already.") from error
        raise
