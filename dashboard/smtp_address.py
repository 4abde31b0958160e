"""What SMTP_URL says: where the mail server is, how it is spoken to, and who we are there."""

from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import SplitResult, unquote, urlsplit

Security = Literal["offered", "required", "implicit"]
SCHEMES: dict[str, tuple[Security, int]] = {
    "smtp": ("offered", 587),
    "smtp+starttls": ("required", 587),
    "smtps": ("implicit", 465),
}
FORM = "smtp://user:password@host:port, smtp+starttls://… or smtps://…"


@dataclass(frozen=True, slots=True)
class SmtpAddress:
    """A mail server. `security` is when TLS is spoken: if offered, always after STARTTLS, or from
    the first byte."""

    host: str
    port: int
    security: Security
    user: str = ""
    # Kept out of whatever prints the rest.
    password: str = field(default="", repr=False)


def parse(url: str) -> SmtpAddress:
    """The server that `url` names; ValueError, whose text holds no password, if it names none."""
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES or not parts.hostname:
        raise ValueError(f"SMTP_URL must look like {FORM}.")
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError("SMTP_URL ends with the port: encode special characters of the password.")
    security, usual = SCHEMES[parts.scheme]
    return SmtpAddress(
        parts.hostname,
        _port(parts) or usual,
        security,
        unquote(parts.username or ""),
        unquote(parts.password or ""),
    )


def _port(parts: SplitResult) -> int | None:
    try:
        return parts.port
    except ValueError:
        raise ValueError("SMTP_URL's port must be a number up to 65535.") from None
