"""Signing in: what is stored, what slows guessing down, and what ends a session."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from dashboard import clock
from dashboard.staff import auth
from dashboard.staff.tables import ApiToken, SignInAttempt, Staff, StaffSession

pytestmark = pytest.mark.usefixtures("database")
PASSWORD = "correct horse"


@pytest.fixture(autouse=True)
def _cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(Staff, "_pbkdf2_iteration_count", 1000)
    return


async def ana(role: str = "support") -> Staff:
    return await auth.add_staff("Ana@Desk.test", role, PASSWORD, "Ana")


async def test_the_right_password_opens_the_door_in_any_spelling_of_the_address():
    staff = await ana()
    found = await auth.authenticate(" ANA@desk.test ", PASSWORD, "10.0.0.1")
    assert found.id == staff.id
    assert await SignInAttempt.count() == 0


async def test_neither_passwords_nor_tokens_are_stored():
    staff = await ana()
    session = await auth.open_session(staff)
    token = await auth.add_token("shop", "bookings,payments")
    rows = [await table.select() for table in (Staff, StaffSession, ApiToken)]
    for secret in (PASSWORD, session, token):
        assert secret not in str(rows)


@pytest.mark.parametrize("password", ["wrong", "", "x" * 500])
async def test_a_wrong_password_is_refused(password: str):
    await ana()
    with pytest.raises(auth.SignInRefused):
        await auth.authenticate("ana@desk.test", password, "10.0.0.1")
    assert await SignInAttempt.count() == 1


async def test_an_unknown_or_inactive_account_is_refused_like_a_wrong_password():
    staff = await ana()
    await auth.deactivate(staff.id)
    for email in ("ana@desk.test", "nobody@desk.test"):
        with pytest.raises(auth.SignInRefused):
            await auth.authenticate(email, PASSWORD, "10.0.0.1")


async def test_guessing_is_slowed_down_per_account():
    await ana()
    for number in range(auth.MOST_PER_ACCOUNT):
        with pytest.raises(auth.SignInRefused):
            await auth.authenticate("ana@desk.test", "guess", f"10.0.0.{number}")
    with pytest.raises(auth.Throttled):
        await auth.authenticate("ana@desk.test", PASSWORD, "10.0.1.1")


async def test_guessing_is_slowed_down_per_address_and_forgotten_after_a_while(
    monkeypatch: pytest.MonkeyPatch,
):
    await ana()
    for number in range(auth.MOST_PER_ADDRESS):
        with pytest.raises(auth.SignInRefused):
            await auth.authenticate(f"person{number}@desk.test", "guess", "10.0.0.1")
    with pytest.raises(auth.Throttled):
        await auth.authenticate("ana@desk.test", PASSWORD, "10.0.0.1")
    later(monkeypatch, auth.ATTEMPTS_WINDOW + timedelta(seconds=1))
    assert await auth.authenticate("ana@desk.test", PASSWORD, "10.0.0.1")


async def test_a_session_ends_when_idle_and_when_old(monkeypatch: pytest.MonkeyPatch):
    staff = await ana()
    idle, used = await auth.open_session(staff), await auth.open_session(staff)
    step = auth.IDLE_LIMIT - timedelta(minutes=1)
    later(monkeypatch, step)
    assert await auth.session_staff(used)
    later(monkeypatch, step)
    assert await auth.session_staff(idle) is None
    assert await auth.session_staff(used)
    for _ in range(25):
        later(monkeypatch, step)
        await auth.session_staff(used)
    assert await auth.session_staff(used) is None


async def test_a_session_survives_the_sandbox_clock_jumping_days(monkeypatch: pytest.MonkeyPatch):
    token = await auth.open_session(await ana())
    monkeypatch.setattr(clock, "offset", lambda: timedelta(days=30))
    assert await auth.session_staff(token)


@pytest.mark.parametrize("event", ["sign out", "deactivation", "role"])
async def test_a_session_ends_at_once_with(event: str):
    staff = await ana()
    token = await auth.open_session(staff)
    if event == "sign out":
        await auth.end_session(token)
    elif event == "deactivation":
        await auth.deactivate(staff.id)
    else:
        await auth.change_role(staff.id, "viewer")
    assert await auth.session_staff(token) is None


async def test_signing_in_again_makes_a_new_session_and_ends_the_old_one():
    staff = await ana()
    first = await auth.open_session(staff)
    second = await auth.open_session(staff, replaces=first)
    assert first != second
    assert await auth.session_staff(first) is None
    assert await auth.session_staff(second)


async def test_a_token_is_known_until_it_is_withdrawn():
    token = await auth.add_token("shop", "bookings")
    row = await auth.check_token(token)
    assert row is not None and row.scopes == "bookings"
    assert await auth.check_token(token + "x") is None
    await ApiToken.update({"active": False}).where(ApiToken.id == row.id)
    assert await auth.check_token(token) is None


@pytest.mark.parametrize(
    ("email", "role", "password"),
    [
        ("ana@desk.test", "boss", PASSWORD),
        ("ana", "viewer", PASSWORD),
        ("ana@desk.test", "viewer", "short"),
        ("ana@desk.test", "viewer", "pbkdf2_sha256$1$a$b"),
    ],
)
async def test_a_bad_account_is_not_made(email: str, role: str, password: str):
    with pytest.raises(ValueError, match=r"."):
        await auth.add_staff(email, role, password)
    assert await Staff.count() == 0


async def test_an_address_is_one_account():
    await ana()
    with pytest.raises(ValueError, match="already"):
        await ana()


def later(monkeypatch: pytest.MonkeyPatch, by: timedelta) -> None:
    """Move wall time on."""
    wall: datetime = clock.wall() + by
    monkeypatch.setattr(clock, "wall", lambda: wall)
