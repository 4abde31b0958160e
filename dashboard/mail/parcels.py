"""A message as the bytes that travel: headers that nobody's name can break, text and HTML."""

from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr

from dashboard.mail.rendering import a_name, one_line
from dashboard.mail.tables import Message, Notice


class Refused(Exception):
    """This message can't be delivered, now or later; the text says why."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """The bytes of one e-mail, with the addresses on its envelope."""

    name: str
    sender: str
    recipient: str
    data: bytes


def pack(row: Message | Notice, mail_from: str, now: datetime) -> Parcel:
    """The e-mail of a row; Refused when its address can't be written into a header."""
    sender_name, sender = parseaddr(mail_from)
    mail = EmailMessage(policy=SMTP)
    mail["From"] = Address(sender_name, addr_spec=sender)
    mail["To"] = _recipient(row)
    mail["Subject"] = one_line(row.subject, 300)
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = row.message_id
    # Keeps a holiday's answering machine from writing back.
    mail["Auto-Submitted"] = "auto-generated"
    mail["Content-Language"] = "en"
    # Seven bits, so that no server on the way may have to change a byte.
    mail.set_content(row.text, charset="utf-8", cte="quoted-printable")
    mail.add_alternative(row.html, subtype="html", charset="utf-8", cte="quoted-printable")
    name = f"{row.created_at:%Y%m%dT%H%M%S}-{row.id:06}-{row.template}.eml"
    return Parcel(name, sender, row.recipient, mail.as_bytes())


def _recipient(row: Message | Notice) -> Address:
    if not row.recipient.isascii():
        raise Refused("The address has letters that e-mail can't carry everywhere.")
    try:
        return Address(a_name(row.recipient_name), addr_spec=row.recipient)
    except ValueError as error:
        raise Refused(f"The address can't be written to: {error}") from None
