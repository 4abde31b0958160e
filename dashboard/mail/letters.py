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
    an address.
    """

    template: Template
    subject: str
    status: str
    headline: str
    greeting: str
    opening: tuple[str, ...]
    rows: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...] = ()
    link: tuple[str, str] | None = None

    @property
    def icon(self) -> str:
        return ICONS[self.status]
