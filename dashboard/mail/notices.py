"""A letter to somebody of the desk as the row that is delivered with the mail."""

import uuid
from datetime import datetime
from email.utils import parseaddr

from dashboard import settings
from dashboard.mail import rendering
from dashboard.mail.letters import Letter
from dashboard.mail.tables import Notice


def notice(letter: Letter, to: str, now: datetime, name: str = "") -> Notice:
    """The row of this letter to this address, due at once; the caller inserts it."""
    domain = parseaddr(settings.current().mail_from)[1].rpartition("@")[2]
    return Notice(
        template=letter.template,
        recipient=to,
        recipient_name=rendering.one_line(name),
        subject=rendering.one_line(letter.subject, 300),
        text=rendering.text(letter),
        html=rendering.html(letter),
        # Kept in the row: however often it is sent, the reader's program shows it once.
        message_id=f"<{letter.template}.{uuid.uuid4().hex}@{domain}>",
        due_at=now,
        created_at=now,
    )
