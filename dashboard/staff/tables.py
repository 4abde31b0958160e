"""The people at the desk, their sessions, and the tokens of programs."""

from piccolo.apps.user.tables import BaseUser
from piccolo.columns import Boolean, Text, Varchar
from piccolo.table import Table

from dashboard.columns import Instant, OneOf, Reference, SerialId

ROLES = ("viewer", "support", "finance", "admin")
SCOPES = ("bookings", "payments", "tickets")


class Staff(BaseUser, tablename="staff"):
    """A person at the desk. Sign-in is by e-mail, kept in `username` and in `email` alike."""

    id = SerialId()
    # Piccolo's own column has no time zone, and a naive datetime is refused everywhere here.
    last_login = Instant(null=True)
    role = OneOf(ROLES, default="viewer")
    name = Varchar(length=200, default="")


def reaches(staff: Staff, role: str) -> bool:
    """Whether the person's role is this one or above it."""
    return ROLES.index(staff.role) >= ROLES.index(role)


class StaffSession(Table, tablename="staff_session"):
    """A signed-in browser. Only the hash of its token is kept."""

    id = SerialId()
    token_hash = Varchar(length=64, unique=True)
    staff = Reference(Staff, index=True)
    created_at = Instant()
    seen_at = Instant()
    expires_at = Instant(index=True)


class SignInAttempt(Table, tablename="sign_in_attempt"):
    """A failed sign-in, counted per account and per address to slow guessing down."""

    id = SerialId()
    account = Varchar(length=254, index=True)
    address = Varchar(length=64, index=True)
    at = Instant(index=True)


class ApiToken(Table, tablename="api_token"):
    """A program's key. Shown once, kept as a hash; `scopes` is a comma-separated list."""

    id = SerialId()
    name = Varchar(length=100)
    token_hash = Varchar(length=64, unique=True)
    scopes = Varchar(length=100)
    active = Boolean(default=True)
    created_at = Instant()
    used_at = Instant(null=True)


class SavedView(Table, tablename="saved_view"):
    """A list of holds that somebody gave a name, for themselves or for everybody."""

    id = SerialId()
    owner = Reference(Staff, index=True)
    shared = Boolean(default=False)
    name = Varchar(length=60)
    # Whose it is and its name in small letters: nobody sees two views of one name side by side.
    slot = Varchar(length=200, unique=True)
    # The list's whole state, as it stands in the address behind the question mark.
    query = Text()
    created_at = Instant()
    changed_at = Instant()


class CalendarFeed(Table, tablename="calendar_feed"):
    """A secret address at which a person's calendar program reads. Only its hash is kept."""

    id = SerialId()
    staff = Reference(Staff, unique=True)
    token_hash = Varchar(length=64, unique=True)
    created_at = Instant()
    used_at = Instant(null=True)
