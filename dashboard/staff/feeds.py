"""Secret addresses for calendar programs, which have no session: one a person, shown once."""

import secrets
from datetime import timedelta

from dashboard import clock
from dashboard.staff.auth import digest
from dashboard.staff.tables import CalendarFeed, Staff

# `used_at` is written at most so often: a program that asks must not cost a write each time.
USED_EVERY = timedelta(minutes=1)
LONGEST_TOKEN = 100


async def make(staff_id: int) -> str:
    """A new address's token; the one that the person had is worth nothing from now on."""
    token = secrets.token_urlsafe(32)
    row = CalendarFeed(
        staff=staff_id, token_hash=digest(token), created_at=clock.wall(), used_at=None
    )
    await CalendarFeed.insert(row).on_conflict(
        action="DO UPDATE",
        target=CalendarFeed.staff,
        values=[CalendarFeed.token_hash, CalendarFeed.created_at, CalendarFeed.used_at],
    )
    return token


async def revoke(staff_id: int) -> bool:
    """Take the person's address away; false when there is none."""
    gone = (
        await CalendarFeed.delete().where(CalendarFeed.staff == staff_id).returning(CalendarFeed.id)
    )
    return bool(gone)


async def of(staff_id: int) -> CalendarFeed | None:
    """The person's address, as far as it is kept: since when, and when it was last asked."""
    return await CalendarFeed.objects().get(CalendarFeed.staff == staff_id)


async def reader(token: str) -> Staff | None:
    """Whose address this is; None when it is unknown, or the person was shut out."""
    if not 0 < len(token) <= LONGEST_TOKEN:
        return None
    feed = await CalendarFeed.objects().get(CalendarFeed.token_hash == digest(token))
    staff = await Staff.objects().get(Staff.id == feed.staff) if feed else None
    if feed is None or staff is None or not staff.active:
        return None
    now = clock.wall()
    if feed.used_at is None or feed.used_at <= now - USED_EVERY:
        await CalendarFeed.update({"used_at": now}).where(CalendarFeed.id == feed.id)
    return staff
