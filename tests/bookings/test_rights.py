"""Who may do what to a booking, and that a refusal never reaches Stripe."""

from typing import Any

import pytest

from dashboard.staff import auth
from dashboard.staff.tables import Staff
from dashboard.web import security
from tests.world import PASSWORD, World

ACTIONS: list[tuple[str, Any]] = [
    ("pay", None),
    ("complete", None),
    ("cancel", {"by": "staff"}),
    ("no-show", {"who": "student"}),
    ("capture-payment", None),
]
actions = pytest.mark.parametrize(("action", "body"), ACTIONS)


async def session(world: World, role: str) -> tuple[dict[str, str], dict[str, str]]:
    """The cookies of a signed-in person, and the header that proves our own page asked."""
    email = await world.add_staff(role)
    staff = await auth.authenticate(email, PASSWORD, "127.0.0.1")
    token = await auth.open_session(staff)
    proof = {security.CSRF_HEADER: security.csrf_token(token)}
    return {security.session_cookie_name(): token}, proof


async def ask(
    world: World,
    booking_id: int,
    action: str,
    body: Any,
    headers: dict[str, str],
    cookies: dict[str, str] | None = None,
) -> int:
    """POST with these credentials; the status, after a look that Stripe was not asked."""
    sent = len(world.sandbox.requests())
    cookie = "; ".join(f"{name}={value}" for name, value in (cookies or {}).items())
    all_headers = headers | ({"Cookie": cookie} if cookie else {})
    address = f"/bookings/{booking_id}/{action}"
    answer = await world.client.post(address, json=body, headers=all_headers)
    if answer.status_code in (401, 403):
        assert len(world.sandbox.requests()) == sent
        assert answer.headers["Content-Type"].startswith("application/problem+json")
    return answer.status_code


@actions
async def test_29_nobody_moves_money_without_a_right(world: World, action: str, body: Any):
    booked = await world.book()
    wrong = {"Authorization": "Bearer hf_wrong"}
    assert await ask(world, booked["id"], action, body, {}) == 401
    assert await ask(world, booked["id"], action, body, wrong) == 401
    assert await ask(world, booked["id"], action, body, await world.rights("tickets")) == 403
    other = "bookings" if action == "capture-payment" else "payments"
    assert await ask(world, booked["id"], action, body, await world.rights(other)) == 403
    assert (await world.client.get(f"/bookings/{booked['id']}")).status_code == 401
    assert (await world.look(booked["id"])) == booked


@actions
async def test_29_a_session_needs_its_role_and_its_own_proof(world: World, action: str, body: Any):
    booked = await world.book()
    cookies, proof = await session(world, "viewer")
    assert await ask(world, booked["id"], action, body, proof, cookies) == 403
    await Staff.update({"role": "support"}).where(Staff.username == "ana@example.test")
    assert await ask(world, booked["id"], action, body, {}, cookies) == 403
    forged = {security.CSRF_HEADER: "0" * 64}
    assert await ask(world, booked["id"], action, body, forged, cookies) == 403
    allowed = await ask(world, booked["id"], action, body, proof, cookies)
    # A hold can't be paid again, and nobody is missed before the lesson: that is another no.
    assert allowed == (409 if action in ("pay", "no-show") else 200)


async def test_the_books_name_who_asked(world: World):
    booked = await world.book()
    cookies, proof = await session(world, "support")
    assert await ask(world, booked["id"], "capture-payment", None, proof, cookies) == 200
    created, captured = await world.operations(booked["id"])
    assert (created.asked_by, created.cause) == ("Maya Chen", "student")
    assert (captured.asked_by, captured.cause) == ("Ana", "staff")
    assert captured.asked_by_staff is not None
