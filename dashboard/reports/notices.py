"""Letters to people of the desk, by name, delivered as the notices about alerts are."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from email.utils import parseaddr

from dashboard import settings
from dashboard.mail import rendering
from dashboard.mail.letters import Letter
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
    domain = parseaddr(settings.current().mail_from)[1].rpartition("@")[2]
    rows = [
        Notice(
            template=letter.template,
            recipient=address,
            recipient_name=rendering.one_line(name),
            subject=rendering.one_line(letter.subject, 300),
            text=rendering.text(letter),
            html=rendering.html(letter),
            # Kept in the row: however often it is sent, the reader's program shows it once.
            message_id=f"<{letter.template}.{uuid.uuid4().hex}@{domain}>",
            due_at=now,
            created_at=now,
        )
        for address, name in to
    ]
    if rows:
        await Notice.insert(*rows)
