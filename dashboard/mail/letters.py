"""What a message says, before it is text or HTML."""

from dataclasses import dataclass

from dashboard.mail.facts import Template
from dashboard.mail.phrases import Section

ICONS = {
    "pending": "⏳",
    "authorized": "💳",
    "captured": "✅",
    "released": "🔓",
    "refunded": "↩️",
    "failed": "❌",
}


@dataclass(frozen=True, slots=True)
class Letter:
    """What a message says, before it is text or HTML.

    `status` is the word of the desk whose colour and icon the headline bears. `link` is a label and
    an address. `sign` stands in for the status' icon, `foot` says why the reader gets it.
    """

    template: Template | str
    subject: str
    status: str
    headline: str
    greeting: str
    opening: tuple[str, ...]
    rows: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...] = ()
    link: tuple[str, str] | None = None
    sign: str = ""
    foot: str = "You get this e-mail because of your booking. Questions? Just reply."

    @property
    def icon(self) -> str:
        return self.sign or ICONS[self.status]
