"""Signing in: passwords, sessions, and the tokens of programs. Only hashes are stored.

All limits run by wall time: the sandbox's clock jumps days, and nobody is to be signed out by that.
"""

import asyncio
import hashlib
import secrets
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

from dashboard import clock, db
from dashboard.staff import attempts
from dashboard.staff.tables import ROLES, SCOPES, ApiToken, CalendarFeed, Staff, StaffSession

IDLE_LIMIT = timedelta(hours=8)
ABSOLUTE_LIMIT = timedelta(days=7)
# `seen_at` is written at most once a minute: a page must not cost a write.
SEEN_EVERY = timedelta(minutes=1)
SHORTEST_PASSWORD = 8
LONGEST_PASSWORD = 128
LONGEST_EMAIL = 100
LONGEST_TOKEN_NAME = 100

# A password's hash takes 150 ms of one core: two at a time leave room for everybody else.
_hashing = ThreadPoolExecutor(max_workers=2, thread_name_prefix="password")
# What an unknown account is compared with, so that its answer takes as long as a known one's.
_NOBODY = "pbkdf2_sha256$600000$00000000000000000000000000000000$" + "0" * 64


class SignInRefused(Exception):
    """The account, the password or both are wrong; which of them is nobody's business."""


async def add_staff(email: str, role: str, password: str, name: str = "") -> Staff:
    """Add a person to the desk. Raises ValueError for what can't be one, or is there already."""
    account = account_of(email)
    if role not in ROLES:
        raise ValueError(f"The role is one of {', '.join(ROLES)}, not {role!r}.")
    if "@" not in account or len(account) > LONGEST_EMAIL:
        raise ValueError(f"{email!r} is no e-mail address for a sign-in.")
    staff = Staff(  # type: ignore[no-untyped-call]
        username=account,
        email=account,
        password=await hashed(password),
        role=role,
        name=name or account.split("@")[0].capitalize(),
        active=True,
        admin=role == "admin",
        superuser=role == "admin",
    )
    try:
        await staff.save()
    except Exception as error:
        if db.is_unique_violation(error):
            raise ValueError(f"{account} is at the desk already.") from error
        raise
    return staff


async def change_role(staff_id: int, role: str) -> None:
    """Give a person another role; their sessions end at once."""
    if role not in ROLES:
        raise ValueError(f"The role is one of {', '.join(ROLES)}, not {role!r}.")
    admin = role == "admin"
    await _change(staff_id, {"role": role, "admin": admin, "superuser": admin})


async def deactivate(staff_id: int) -> None:
    """Shut a person out; their sessions end at once. What they did stays under their name."""
    await _change(staff_id, {"active": False})


async def change_password(staff_id: int, password: str) -> None:
    """Give a person another password; their sessions end at once, wherever they are.

    Their calendar's secret address ends as well: whoever had the password could have made it.
    """
    await _change(staff_id, {"password": await hashed(password)}, ends_feed=True)


async def person(email: str) -> Staff:
    """The account of this e-mail, also when it was shut out. Raises ValueError without one."""
    found = await Staff.objects().get(Staff.username == account_of(email))
    if found is None:
        raise ValueError(f"{account_of(email)} is not at the desk.")
    return found


async def people() -> list[Staff]:
    """Everybody who is or was at the desk, by e-mail."""
    found: list[Staff] = await Staff.objects().order_by(Staff.username)
    return found


async def _change(staff_id: int, values: dict[Any, Any], *, ends_feed: bool = False) -> None:
    async with db.transaction():
        await Staff.update(values).where(Staff.id == staff_id)
        await StaffSession.delete().where(StaffSession.staff == staff_id)
        if ends_feed:
            await CalendarFeed.delete().where(CalendarFeed.staff == staff_id)


def account_of(email: str) -> str:
    """The e-mail as accounts are known by it: without spaces around it, in small letters."""
    return email.strip().lower()


async def hashed(password: str) -> str:
    """The password's hash. Raises ValueError when it is too short or too long."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise ValueError(
            f"A password has between {SHORTEST_PASSWORD} and {LONGEST_PASSWORD} characters."
        )
    if password.startswith("pbkdf2_sha256"):
        raise ValueError("Give the password itself, not its hash.")
    return await _hash(password)


async def authenticate(email: str, password: str, address: str) -> Staff:
    """The person behind e-mail and password.

    Raises attempts.Throttled before it looks at the password, and SignInRefused when anything is
    wrong.
    """
    account = account_of(email)[:LONGEST_EMAIL]
    await attempts.count(account, address)
    staff = await Staff.objects().get(Staff.username == account)
    right = await _matches(password, staff.password if staff else _NOBODY)
    if staff is None or not right or not staff.active:
        raise SignInRefused
    await attempts.forget(account)
    return staff


async def _matches(password: str, stored: str) -> bool:
    if len(password) > LONGEST_PASSWORD:
        return False
    _, iterations, salt, _ = Staff.split_stored_password(stored)
    return secrets.compare_digest(await _hash(password, salt, int(iterations)), stored)


async def _hash(password: str, salt: str = "", iterations: int | None = None) -> str:
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_hashing, Staff.hash_password, password, salt, iterations)


async def open_session(staff: Staff, replaces: str | None = None) -> str:
    """A new session's token, for the cookie alone; the one that it replaces ends."""
    token = secrets.token_urlsafe(32)
    now = clock.wall()
    async with db.transaction():
        await StaffSession.delete().where(StaffSession.expires_at <= now)
        if replaces:
            await StaffSession.delete().where(StaffSession.token_hash == digest(replaces))
        await StaffSession.insert(
            StaffSession(
                token_hash=digest(token),
                staff=staff.id,
                created_at=now,
                seen_at=now,
                expires_at=now + ABSOLUTE_LIMIT,
            )
        )
    return token


async def session_staff(token: str, active: bool = True) -> Staff | None:
    """Who is signed in with this token; None when it is unknown, over, idle or shut out.

    A page that asks by itself is not `active`: whoever left it open is away all the same.
    """
    session = await StaffSession.objects().get(StaffSession.token_hash == digest(token))
    if session is None:
        return None
    now = clock.wall()
    if session.expires_at <= now or session.seen_at <= now - IDLE_LIMIT:
        await end_session(token)
        return None
    staff = await Staff.objects().get(Staff.id == session.staff)
    if staff is None or not staff.active:
        return None
    if active and session.seen_at <= now - SEEN_EVERY:
        await StaffSession.update({"seen_at": now}).where(StaffSession.id == session.id)
    return staff


async def end_session(token: str) -> None:
    """Sign out: the token is worth nothing from now on."""
    await StaffSession.delete().where(StaffSession.token_hash == digest(token))


async def add_token(name: str, scope: str) -> str:
    """A program's token with these scopes (several by comma): shown once, kept as a hash.

    Raises ValueError for a scope that does not exist.
    """
    asked = {part.strip() for part in scope.split(",") if part.strip()}
    if not name.strip() or len(name.strip()) > LONGEST_TOKEN_NAME or not name.isprintable():
        raise ValueError(f"A token needs a name of up to {LONGEST_TOKEN_NAME} characters.")
    if not asked or not asked <= set(SCOPES):
        raise ValueError(f"A token needs scopes out of {', '.join(SCOPES)}.")
    token = f"hf_{secrets.token_urlsafe(32)}"
    await ApiToken.insert(
        ApiToken(
            name=name.strip(),
            token_hash=digest(token),
            scopes=",".join(part for part in SCOPES if part in asked),
            created_at=clock.wall(),
        )
    )
    return token


async def tokens() -> list[ApiToken]:
    """Every token that was ever made, the oldest first; none of them can be read back."""
    found: list[ApiToken] = await ApiToken.objects().order_by(ApiToken.id)
    return found


async def revoke_token(token_id: int) -> ApiToken:
    """Withdraw a token at once; its row stays, to say who acted. Raises ValueError without one."""
    found = await ApiToken.objects().get(ApiToken.id == token_id)
    if found is None:
        raise ValueError(f"There is no token {token_id}.")
    await ApiToken.update({"active": False}).where(ApiToken.id == token_id)
    return found


async def check_token(token: str) -> ApiToken | None:
    """The row of a token that stands; None when it is unknown or was withdrawn."""
    found = await ApiToken.objects().get(ApiToken.token_hash == digest(token))
    if found is None or not found.active:
        return None
    now = clock.wall()
    if found.used_at is None or found.used_at <= now - SEEN_EVERY:
        await ApiToken.update({"used_at": now}).where(ApiToken.id == found.id)
    return found


def digest(token: str) -> str:
    """The hash that stands for a random token; it has too much chance in it to need a slow one."""
    return hashlib.sha256(token.encode()).hexdigest()
