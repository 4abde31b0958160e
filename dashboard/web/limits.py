"""How much one request may bring, and how often one address may knock.

The counts are kept in this process alone, and told in the standard headers of every answer. Two
web processes count apart, so that together they let twice as much through. What must hold exactly,
the number of sign-ins per account, is counted in the database instead.
"""

from dataclasses import dataclass
from math import ceil
from time import monotonic

from litestar.exceptions import TooManyRequestsException
from litestar.handlers import BaseRouteHandler

from dashboard.settings import Settings
from dashboard.web.security import Connection, Guard

BOOKINGS, WEBHOOKS, SIGN_IN = "bookings", "webhooks", "sign-in"
PAGES, PAYING, TICKETS = "student pages", "paying", "tickets"
# Of a request's body, in bytes: many times what any form or event of ours needs.
LARGEST_BODY = 256 * 1024
# Addresses are forgotten from here on, the oldest windows first: nobody fills the memory.
MOST_ADDRESSES = 20_000


@dataclass(frozen=True, slots=True)
class Rate:
    """So many requests in so many seconds."""

    most: int
    seconds: int


def rates(settings: Settings) -> dict[str, Rate]:
    """The limits per address. A year is played through some of these doors in a minute on the
    sandbox, whose limits are there to be seen and not to be met."""
    played = Rate(1000, 1) if settings.sandbox else None
    return {
        # Generous for people, whole classes behind one address included.
        BOOKINGS: played or Rate(120, 60),
        # Stripe sends in bursts, and from few addresses.
        WEBHOOKS: played or Rate(6000, 60),
        SIGN_IN: Rate(60, 60),
        # A page that waits looks every few seconds. Nobody tries cards as fast as that.
        PAGES: played or Rate(240, 60),
        PAYING: played or Rate(60, 60),
        TICKETS: played or Rate(120, 60),
    }


class Limits:
    """The counts of this process, in windows that begin with an address's first request."""

    def __init__(self, settings: Settings) -> None:
        self.rates = rates(settings)
        self._windows: dict[tuple[str, str], tuple[float, int]] = {}

    def count(self, door: str, address: str) -> tuple[Rate, int, int]:
        """Count a request; the rate, what remains (negative: too many), seconds to the reset."""
        rate, now, key = self.rates[door], monotonic(), (door, address)
        began, number = self._windows.get(key, (now, 0))
        if now >= began + rate.seconds:
            began, number = now, 0
            # The newest windows stand last, so that the first is one of the oldest.
            self._windows.pop(key, None)
        if len(self._windows) >= MOST_ADDRESSES and key not in self._windows:
            del self._windows[next(iter(self._windows))]
        self._windows[key] = (began, number + 1)
        return rate, rate.most - number - 1, max(1, ceil(began + rate.seconds - now))


def limit(door: str) -> Guard:
    """A guard that lets so many through and leaves the headers of every answer in the state."""

    async def check(connection: Connection, _: BaseRouteHandler) -> None:
        limits: Limits = connection.app.state.limits
        rate, remaining, reset = limits.count(door, address_of(connection))
        connection.state.rate_headers = {
            "RateLimit-Policy": f"{rate.most};w={rate.seconds}",
            "RateLimit-Limit": str(rate.most),
            "RateLimit-Remaining": str(max(0, remaining)),
            "RateLimit-Reset": str(reset),
        }
        if remaining < 0:
            raise TooManyRequestsException(
                f"Too many requests from this address. Try again in {reset} s.",
                headers={"Retry-After": str(reset)},
            )

    return check


def address_of(connection: Connection) -> str:
    """Where the request comes from; behind a proxy uvicorn has put the real address in place."""
    return connection.client.host if connection.client else ""
