"""What slows guessing down: sign-ins are counted per account and per address."""

from datetime import datetime, timedelta
from math import ceil

from piccolo.columns.combination import Where

from dashboard import clock
from dashboard.staff.tables import SignInAttempt

WINDOW = timedelta(minutes=15)
MOST_PER_ACCOUNT = 10
MOST_PER_ADDRESS = 30
LONGEST_ADDRESS = 64


class Throttled(Exception):
    """Too many attempts of late; `seconds` is how long to wait before the next one."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"wait {seconds} seconds")
        self.seconds = seconds

    @property
    def minutes(self) -> int:
        """The same in whole minutes, never too few."""
        return ceil(self.seconds / 60)


async def count(account: str, address: str) -> None:
    """Count an attempt; raises Throttled when there were too many before it.

    The attempt is written down before the others are counted, so that of a burst of parallel
    guesses each one sees those before it. A refused attempt doesn't count: waiting always helps.
    """
    address = address[:LONGEST_ADDRESS]
    mine = SignInAttempt(account=account, address=address, at=clock.wall())
    await mine.save()
    limits = (
        (SignInAttempt.account == account, MOST_PER_ACCOUNT),
        (SignInAttempt.address == address, MOST_PER_ADDRESS),
    )
    free_at = max([await _free_at(who, most, mine) for who, most in limits])
    if free_at > mine.at:
        await SignInAttempt.delete().where(SignInAttempt.id == mine.id)
        raise Throttled(ceil((free_at - mine.at).total_seconds()))


async def forget(account: str) -> None:
    """The account's person came in: what was counted before was their own typing."""
    old = SignInAttempt.at < clock.wall() - WINDOW
    await SignInAttempt.delete().where((SignInAttempt.account == account) | old)


async def _free_at(who: Where, most: int, mine: SignInAttempt) -> datetime:
    """When the attempt would be within the limit: its own moment, or later."""
    since = mine.at - WINDOW
    before: list[datetime] = (
        await SignInAttempt.select(SignInAttempt.at)
        .where(who & (SignInAttempt.at > since) & (SignInAttempt.id < mine.id))
        .order_by(SignInAttempt.at, ascending=False)
        .limit(most)
        .output(as_list=True)
    )
    return before[-1] + WINDOW if len(before) == most else mine.at
