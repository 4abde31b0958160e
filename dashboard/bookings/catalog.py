"""What can be bought: instructors with their rates, and packages."""

import re
from functools import cache
from zoneinfo import available_timezones

from dashboard import clock, money
from dashboard.bookings.errors import BadOrder
from dashboard.bookings.tables import Instructor, PackageOffer

MOST_LESSONS = 100
_EMAIL = re.compile(r"[^\s@<>(),;:\"\[\]\\]{1,64}@[^\s@<>(),;:\"\[\]\\]+\.[^\s@.<>(),;:\"\[\]\\]+")


async def add_instructor(
    name: str,
    email: str,
    rate: int,
    currency: str,
    *,
    subject: str = "",
    time_zone: str = "UTC",
) -> int:
    """Add an instructor; answers the id. `rate` is the price of an hour in minor units.

    Raises BadOrder for what can't be one, or when the e-mail is there already.
    """
    account = email.strip().lower()
    _refuse(
        ("name", text_fault(name, 200)),
        ("email", email_fault(account)),
        ("time_zone", zone_fault(time_zone)),
        *price_faults("rate", rate, currency),
    )
    row = Instructor(
        name=name.strip(),
        email=account,
        subject=subject.strip()[:80],
        rate=rate,
        currency=currency,
        time_zone=time_zone,
        created_at=clock.now(),
    )
    made = await Instructor.insert(row).on_conflict(action="DO NOTHING", target=Instructor.email)
    if not made:
        raise BadOrder(("email", f"{account} is an instructor already."))
    return int(made[0]["id"])


async def add_package(name: str, lessons: int, price: int, currency: str) -> int:
    """Add a package to the catalogue; answers the id. `price` is in minor units.

    Raises BadOrder for what can't be one.
    """
    count = None if 1 <= lessons <= MOST_LESSONS else f"Give between 1 and {MOST_LESSONS}."
    _refuse(
        ("name", text_fault(name, 200)),
        ("lessons", count),
        *price_faults("price", price, currency),
    )
    row = PackageOffer(
        name=name.strip(),
        lessons_count=lessons,
        price=price,
        currency=currency,
        created_at=clock.now(),
    )
    await row.save()
    return int(row.id)


def text_fault(text: str, most: int) -> str | None:
    """Why `text` can't be stored and shown as one line; None when it can."""
    if not text.strip():
        return "This can't be empty."
    if len(text) > most:
        return f"This can't be longer than {most} characters."
    # PostgreSQL stores no NUL, and no name has a line break or an unpaired surrogate in it.
    if not all(character.isprintable() for character in text):
        return "This has characters that can't be shown."
    return None


def email_fault(email: str) -> str | None:
    """Why `email` can't be written to; None when it looks as if it could."""
    if len(email) > 254 or not email.isprintable() or not _EMAIL.fullmatch(email):
        return "This is no e-mail address."
    return None


def zone_fault(name: str) -> str | None:
    """Why `name` is no time zone; None when it is one."""
    return None if name in _zones() else "This is no time zone, like Europe/Berlin."


@cache
def _zones() -> set[str]:
    # Read from the disk once: it takes as long as the rest of a request.
    return available_timezones()


def price_faults(field: str, amount: int, currency: str) -> list[tuple[str, str | None]]:
    """Why this can't be a price in this currency, beside the field that is wrong."""
    if currency not in money.SUPPORTED:
        known = ", ".join(sorted(money.SUPPORTED))
        return [("currency", f"Use one of {known}.")]
    least, most = money.minimum(currency), money.MAXIMUM_CHARGE
    if not least <= amount <= most:
        return [(field, f"Give between {least} and {most} minor units.")]
    if amount % money.step(currency):
        return [(field, f"{currency.upper()} amounts end in 0.")]
    return []


def _refuse(*found: tuple[str, str | None]) -> None:
    if faults := [(field, fault) for field, fault in found if fault is not None]:
        raise BadOrder(*faults)
