"""The exports: files that are too large to wait for, and those that have lain long enough."""

from dashboard.exports import making, shelf

# A page takes some time beyond it, and the tick of the next minute goes on.
BUDGET = 40.0
AT_ONCE = 90.0


async def make_exports() -> int:
    """Make the files that were asked for, and remove old ones; answers how many of both."""
    made = await making.make(BUDGET)
    return made + await shelf.tidy()


async def make_exports_at_once(_export: int) -> None:
    """What a nudge asks for: make what is due."""
    await making.make(AT_ONCE)
