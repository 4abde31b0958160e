"""The audit: who did what, when and from where; nothing in it changes or is told twice."""

import json
import re
import sqlite3
from datetime import timedelta

import asyncpg
import pytest

from dashboard import clock, db
from dashboard.audit import queries, record
from dashboard.audit.queries import Asked, place
from dashboard.audit.record import Action, Who
from dashboard.audit.tables import AuditEntry
from dashboard.payments.tables import PaymentEvent
from dashboard.web import trail
from tests.web.desk import HTML, Person, hidden, sign_in, text
from tests.world import PASSWORD, World

REFUSED = (sqlite3.IntegrityError, asyncpg.RestrictViolationError)
ANA = Who("Ana", 1, "10.0.0.1", "abc")


@pytest.fixture(autouse=True)
def calm() -> None:
    """No test starts with the denials of another one."""
    trail._denials.clear()


async def entries(*actions: str) -> list[AuditEntry]:
    found: list[AuditEntry] = await AuditEntry.objects().order_by(AuditEntry.id)
    return [entry for entry in found if not actions or entry.action in actions]


# What the database keeps.


async def test_nothing_that_is_written_can_be_changed(database: None) -> None:
    await record.write(ANA, Action.SIGN_IN, "/sign-in")
    changes = ["UPDATE audit_entry SET actor = 'Bea'", "DELETE FROM audit_entry"]
    if db.engine().engine_type == "postgres":
        changes.append("TRUNCATE audit_entry")
    else:
        changes.append(
            "INSERT OR REPLACE INTO audit_entry (id, at, actor, address, action, outcome, subject,"
            " detail, request_id) VALUES (1, '2026-01-01', '', '', '', '', '', '', '')"
        )
    for change in changes:
        with pytest.raises(REFUSED):
            await db.engine().run_ddl(change)
    assert [entry.actor for entry in await entries()] == ["Ana"]


async def test_an_entry_keeps_no_secret_and_any_text(database: None) -> None:
    detail = {"password": "correct horse", "api_token": "hf_1", "name": "a\x00b\ud800"}
    await record.write(Who("x\x00" * 300), Action.DENIED, "/holds/7/captures", "denied", detail)
    entry = (await entries())[0]
    assert "horse" not in entry.detail and "hf_1" not in entry.detail
    assert json.loads(entry.detail)["name"] == "a b "
    assert (entry.payment, entry.booking, len(entry.actor)) == (7, None, 255)


async def test_an_entry_stands_or_falls_with_its_deed(database: None) -> None:
    async def fail() -> None:
        async with db.transaction():
            await record.write(ANA, Action.ADMIN_WRITE, "staff/1")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await entries() == []


# What comes in by the web's door.


async def test_signing_in_and_out_and_failing_to_are_written_down(world: World) -> None:
    ana = await sign_in(world, "support", "Ana")
    wrong = {"email": "eve@example.test", "password": "guess", "_csrf": ""}
    form = await world.client.get("/sign-in", headers=HTML)
    wrong["_csrf"] = hidden(form, "_csrf")
    assert (await world.client.post("/sign-in", data=wrong, headers=HTML)).status_code == 422
    out = await ana.browser.post("/sign-out", data={"_csrf": ana.csrf}, headers=HTML)
    assert out.status_code == 303
    came, failed, left = await entries("sign_in", "sign_in_failed", "sign_out")
    assert (came.action, came.actor, came.address) == ("sign_in", "Ana", "127.0.0.1")
    assert came.staff is not None and came.request_id
    assert (failed.actor, failed.staff, failed.outcome) == ("eve@example.test", None, "refused")
    assert (left.action, left.actor) == ("sign_out", "Ana")
    told = "".join(entry.detail + entry.subject for entry in await entries())
    assert "guess" not in told and PASSWORD not in told


async def test_every_kind_of_denial_is_written_down(world: World) -> None:
    booked = await world.book()
    payment = await world.payment(booked["id"])
    viewer = await sign_in(world, "viewer", "Vic")
    await viewer.page(f"/holds/{payment.id}/capture")
    await viewer.browser.post(f"/holds/{payment.id}/captures", data={}, headers=HTML)
    await world.client.post(f"/bookings/{booked['id']}/complete")
    stranger = {"Authorization": "Bearer hf_made-up"}
    await world.client.get(f"/bookings/{booked['id']}", headers=stranger)
    await world.client.get(f"/bookings/{booked['id']}", headers=await world.rights("tickets"))
    await viewer.page("/admin/")
    told = [
        (entry.actor, json.loads(entry.detail)["status"], entry.subject)
        for entry in await entries("denied")
    ]
    assert told == [
        ("Vic", "403", f"/holds/{payment.id}/capture"),
        ("Vic", "403", f"/holds/{payment.id}/captures"),
        ("", "401", f"/bookings/{booked['id']}/complete"),
        ("", "401", f"/bookings/{booked['id']}"),
        ("a program", "403", f"/bookings/{booked['id']}"),
        ("Vic", "403", "/admin/"),
    ]
    found = await entries("denied")
    assert found[0].payment == payment.id and found[2].booking == booked["id"]
    assert "out of date" not in found[0].detail and "too old" in found[1].detail
    assert "hf_" not in "".join(entry.detail for entry in found)


async def test_a_flood_of_denials_does_not_fill_the_audit(world: World) -> None:
    for _ in range(trail.MOST_DENIALS + 20):
        await world.client.post("/bookings/1/complete")
    found = await entries("denied")
    # The minute may turn in between.
    assert trail.MOST_DENIALS <= len(found) <= 2 * trail.MOST_DENIALS
    assert any("flood" in entry.detail for entry in found)


async def test_a_decision_about_a_booking_is_written_down_and_its_money_is_not(
    world: World,
) -> None:
    booked = await world.book()
    answer = await world.call(booked["id"], "cancel", {"by": "student", "reason": "ill"})
    assert answer.status_code == 200
    await world.tick()
    decided = await entries()
    assert [(entry.action, entry.actor, entry.booking) for entry in decided] == [
        ("decision", "the shop", booked["id"])
    ]
    assert await PaymentEvent.exists().where(PaymentEvent.kind == "released")


# The page.


@pytest.mark.parametrize(
    ("role", "status"), [("viewer", 403), ("support", 403), ("finance", 200), ("admin", 200)]
)
async def test_finance_and_admins_read_it(world: World, role: str, status: int) -> None:
    person = await sign_in(world, role)
    answer = await person.page("/audit")
    assert answer.status_code == status
    home = await person.page("/holds")
    assert ('href="/audit"' in home.text) == (status == 200)


async def test_entries_and_movements_stand_in_one_list(world: World) -> None:
    booked = await world.book()
    finn = await sign_in(world, "finance", "Finn")
    await world.call(booked["id"], "complete")
    await world.tick()
    answer = await finn.page("/audit")
    said = text(answer)
    for deed in ("Captured", "Decided about a booking", "Signed in", "Reserved"):
        assert deed in said
    moments = re.findall(r'<time datetime="([^"]+)"', answer.text)
    assert len(moments) == 4 and moments == sorted(moments, reverse=True)
    assert f"#{booked['id']}" in said and "$96.00" in said and "127.0.0.1" in said


async def ask(person: Person, **filters: str) -> str:
    answer = await person.page("/audit", params=filters)
    assert answer.status_code == 200
    # The list alone: the form names every kind of line.
    return text(answer).split("Apply", 1)[1]


async def test_the_filters_narrow_the_list(world: World) -> None:
    mine, other = await world.book(), await world.book()
    finn = await sign_in(world, "finance", "Finn")
    await world.call(mine["id"], "complete")
    await world.tick()
    assert "Signed in" in await ask(finn, who="fin") and "Reserved" not in await ask(
        finn, who="fin"
    )
    assert "Signed in" not in await ask(finn, what="money")
    assert "Reserved" not in await ask(finn, what="sign_ins")
    assert "Decided" in await ask(finn, what="decisions")
    about = await ask(finn, about=f"#{mine['id']}")
    assert "Captured" in about and "Decided" in about and "Signed in" not in about
    assert f"#{other['id']}" not in about
    payment = await world.payment(mine["id"])
    assert "Captured" in await ask(finn, about=str(payment.stripe_intent_id))
    assert "Captured" in await ask(finn, about=f"hold:{payment.id}")
    tomorrow = (clock.now() + timedelta(days=2)).date().isoformat()
    yesterday = (clock.now() - timedelta(days=2)).date().isoformat()
    assert "Nothing matches" in await ask(finn, **{"from": tomorrow})
    assert "Nothing matches" in await ask(finn, to=yesterday)
    assert "Reserved" in await ask(finn, **{"from": yesterday, "to": tomorrow})


@pytest.mark.parametrize(
    "query",
    [
        "after=nonsense",
        "after=0001-01-01T00:00:00%2B14:00~0~1",
        "after=2026-01-01T00:00:00~0~1",
        "from=0001-01-01&to=9999-12-31",
        "from=yesterday",
        "what=nonsense",
        "about=hold:x&who=%25",
        "about=" + "9" * 200,
        "who=" + "x" * 2000,
    ],
)
async def test_nonsense_in_the_address_is_no_error(world: World, query: str) -> None:
    finn = await sign_in(world, "finance", "Finn")
    assert (await finn.page(f"/audit?{query}")).status_code == 200


async def test_pages_lead_through_all_lines_once_and_in_order(world: World) -> None:
    await world.book()
    await world.book()
    for number in range(2 * queries.PAGE + 7):
        await record.write(ANA, Action.ADMIN_WRITE, f"staff/{number}")
    seen, after = [], None
    while True:
        lines, after = await queries.listed(Asked(after=after))
        seen += [line.place for line in lines]
        if after is None:
            break
        assert place(str(after)) == after
    assert len(seen) == len(set(seen)) == await AuditEntry.count() + await PaymentEvent.count()
    assert seen == sorted(seen, key=lambda one: (one.at, one.rank, one.id), reverse=True)


async def test_lines_of_one_moment_are_not_lost_between_pages(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "PAGE", 2)
    at = clock.now()
    monkeypatch.setattr(clock, "now", lambda: at)
    await world.book()
    for number in range(5):
        await record.write(ANA, Action.ADMIN_WRITE, f"staff/{number}")
    seen, after = [], None
    while True:
        lines, after = await queries.listed(Asked(after=after))
        seen += [(line.place.rank, line.place.id) for line in lines]
        if after is None:
            break
    assert len(seen) == len(set(seen)) == 5 + await PaymentEvent.count()


async def test_the_page_leads_on_and_back(world: World) -> None:
    finn = await sign_in(world, "finance", "Finn")
    for number in range(queries.PAGE + 3):
        await record.write(ANA, Action.ADMIN_WRITE, f"staff/{number}")
    newest = await finn.page("/audit", params={"what": "admin"})
    match = newest.text.split('href="/audit?')[1].split('"')[0].replace("&amp;", "&")
    oldest = await finn.page(f"/audit?{match}")
    assert "staff/0" in oldest.text and "staff/50" not in oldest.text
    assert "Back to the newest" in oldest.text


async def test_what_strangers_typed_is_shown_as_text(world: World) -> None:
    finn = await sign_in(world, "finance", "Finn")
    await record.write(Who("<script>alert(1)</script>"), Action.SIGN_IN_FAILED, "/sign-in")
    answer = await finn.page("/audit")
    assert "<script>alert" not in answer.text and "&lt;script&gt;alert" in answer.text
