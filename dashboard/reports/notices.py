"""Letters to people of the desk, by name, delivered as the notices about alerts are."""

from collections.abc import Sequence
from datetime import datetime

from dashboard import settings
from dashboard.mail.letters import Letter
from dashboard.mail.notices import notice
from dashboard.mail.tables import Notice
from dashboard.staff.tables import Staff


async def finance() -> list[tuple[str, str]]:
    """Who is told of money: address and name of each active person of finance; else ALERT_EMAIL."""
    people = (
        await Staff.select(Staff.email, Staff.name)
        .where((Staff.role == "finance") & Staff.active.eq(True))
        .order_by(Staff.id)
    )
    if people:
        return [(row["email"], row["name"]) for row in people]
    told = settings.current().alert_email
    return [(told, "")] if told else []


async def owe(to: Sequence[tuple[str, str]], letter: Letter, now: datetime) -> None:
    """Write the letter down for each of them; in the caller's transaction, which says why."""
    if to:
        await Notice.insert(*(notice(letter, address, now, name) for address, name in to))
