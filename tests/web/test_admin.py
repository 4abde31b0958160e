"""The administration: one sign-in for both, admins only, and money that nobody can type."""

import re
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from dashboard import clock
from dashboard.audit.tables import AuditEntry
from dashboard.bookings.tables import Instructor, PackageOffer, Student
from dashboard.piccolo_app import APP_CONFIG
from dashboard.staff import auth
from dashboard.staff.tables import ApiToken, Staff, StaffSession
from dashboard.web import admin
from dashboard.web.admin_columns import SECRETS
from dashboard.web.admin_tables import BY_NAME, TABLES
from tests.web.desk import Person, sign_in
from tests.world import PASSWORD, World

EDITED = {"staff", "instructor", "student", "package_offer"}
READ_ONLY = sorted(table._meta.tablename for table in APP_CONFIG.table_classes)
READ_ONLY = [name for name in READ_ONLY if name not in EDITED]
WRITES = [("POST", ""), ("PUT", "1/"), ("PATCH", "1/"), ("DELETE", "1/"), ("DELETE", "")]
Call = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture
async def boss(world: World) -> Person:
    return await sign_in(world, "admin", "Bea")


async def send(
    person: Person, method: str, path: str, body: Any = None, **headers: str
) -> httpx.Response:
    """A request as the page's script makes it."""
    proof = {"X-CSRFToken": person.csrf, "Accept": "application/json, text/plain, */*"}
    return await person.browser.request(
        method, f"/admin/{path}", json=body, headers=proof | headers
    )


async def read(person: Person, path: str) -> Any:
    answer = await send(person, "GET", path)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def staff_id(person: Person) -> int:
    found = await Staff.objects().get(Staff.email == person.email)
    assert found is not None
    return int(found.id)


# Who comes in.


async def test_a_browser_without_a_session_is_sent_to_the_one_sign_in(world: World) -> None:
    answer = await world.client.get("/admin/", headers={"Accept": "text/html"})
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/sign-in?next=/admin/"
    told = await world.client.get("/admin/api/tables/", headers={"Accept": "application/json"})
    assert told.status_code == 401
    assert (await world.client.post("/admin/api/tables/staff/", json={})).status_code == 401


@pytest.mark.parametrize("role", ["viewer", "support", "finance"])
async def test_nobody_but_an_admin_comes_in(world: World, role: str) -> None:
    person = await sign_in(world, role)
    for path in ("", "api/tables/", "api/tables/staff/", "assets/nothing.js", "public/meta/"):
        assert (await send(person, "GET", path)).status_code == 403, path
    assert (
        await send(person, "PATCH", "api/tables/staff/1/", {"role": "admin"})
    ).status_code == 403


async def test_a_token_does_not_come_in(world: World) -> None:
    rights = await world.rights()
    answer = await world.client.get("/admin/api/tables/staff/", headers=rights)
    assert answer.status_code == 403


async def test_an_admin_comes_in_with_the_session_of_the_desk(boss: Person) -> None:
    page = await boss.page("/admin/")
    assert page.status_code == 200 and "holdfast-edited" in page.text
    assert (await boss.page("/admin")).headers["location"] == "/admin/"
    assert (await read(boss, "api/user/"))["username"] == boss.email
    script = re.search(r'src="\./(assets/[^"]+)"', page.text)
    assert script and (await send(boss, "GET", script[1])).status_code == 200


async def test_signing_out_there_signs_out_here(boss: Person) -> None:
    assert (await send(boss, "POST", "public/logout/")).status_code == 200
    assert not await StaffSession.exists().where(StaffSession.staff == await staff_id(boss))
    assert (await boss.page("/holds")).status_code == 303


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "public/login/"),
        ("GET", "public/login/"),
        ("POST", "api/change-password/"),
        ("POST", "api/media/"),
        ("GET", "api/docs/"),
        ("GET", "public/docs/"),
        ("GET", "openapi.json"),
        ("GET", "api/openapi.json"),
    ],
)
async def test_piccolos_own_doors_are_shut(boss: Person, method: str, path: str) -> None:
    assert (await send(boss, method, path, {})).status_code == 404


# Every table has a decision, and every write to what is only read is refused.


def test_every_registered_table_has_a_decision() -> None:
    registered = {table._meta.tablename for table in APP_CONFIG.table_classes}
    assert registered == set(BY_NAME), "decide in web/admin_tables.py how a new table is shown"
    assert {shown.name for shown in TABLES if shown.fields} == EDITED


@pytest.mark.parametrize("table", READ_ONLY)
async def test_a_table_that_is_only_read_answers_405_to_every_write(
    world: World, boss: Person, table: str
) -> None:
    await world.book()
    before = await BY_NAME[table].table.select()
    for method, rest in WRITES:
        answer = await send(boss, method, f"api/tables/{table}/{rest}", {"id": 1})
        assert answer.status_code == 405, (method, rest, answer.text)
    after = await BY_NAME[table].table.select()
    # The audit alone goes on: it is written by the desk, not through this door.
    assert after[: len(before)] == before if table == "audit_entry" else after == before


@pytest.mark.parametrize("table", sorted(EDITED))
async def test_what_is_edited_is_neither_deleted_nor_replaced(boss: Person, table: str) -> None:
    before = await BY_NAME[table].table.select()
    for method, rest in [*WRITES[1:2], *WRITES[3:], ("PATCH", ""), ("POST", "1/")]:
        answer = await send(boss, method, f"api/tables/{table}/{rest}", {"name": "x"})
        assert answer.status_code == 405, (method, rest)
    assert await BY_NAME[table].table.select() == before


def test_piccolo_itself_is_read_only() -> None:
    admin._piccolo()
    assert admin._built().read_only


@pytest.mark.parametrize("table", sorted(BY_NAME))
async def test_every_table_can_be_read(world: World, boss: Person, table: str) -> None:
    await world.book()
    for path in (
        "",
        "?__readable=true",
        "schema/",
        "count/",
        "ids/?limit=5",
        "references/",
        "new/",
    ):
        answer = await send(boss, "GET", f"api/tables/{table}/{path}")
        assert answer.status_code == 200, (path, answer.text)
    schema = await read(boss, f"api/tables/{table}/schema/")
    assert set(schema["extra"]["visible_column_names"]) <= set(schema["properties"]) | {"id"}


# Secrets.


def test_whatever_sounds_like_a_secret_is_one() -> None:
    for shown in TABLES:
        for column in shown.table._meta.columns:
            if re.search(r"hash|password|secret", column._meta.name):
                assert any(column is one for one in SECRETS), column


async def test_no_secret_is_sent_or_searched(world: World, boss: Person) -> None:
    await world.rights()
    for shown in TABLES:
        listed = await send(boss, "GET", f"api/tables/{shown.name}/?__page_size=100")
        assert "pbkdf2" not in listed.text
        for row in listed.json()["rows"]:
            secrets = {c._meta.name for c in SECRETS if c._meta.table is shown.table}
            assert not any(row.get(name) for name in secrets), shown.name
    token = await ApiToken.objects().first()
    assert token is not None
    whole = await send(boss, "GET", f"api/tables/api_token/{token.id}/")
    assert token.token_hash not in whole.text
    asked = await send(
        boss, "GET", f"api/tables/api_token/count/?token_hash={token.token_hash[:9]}"
    )
    assert asked.status_code == 400
    asked = await send(boss, "GET", "api/tables/staff/count/?password=pbkdf2")
    assert asked.status_code == 400


# Forged requests, and the policy.


async def test_a_write_needs_the_proof_of_this_session(boss: Person, world: World) -> None:
    body = {"role": "viewer"}
    other = await sign_in(world, "viewer", "Vic")
    path = f"api/tables/staff/{await staff_id(other)}/"
    for proof in ("", "made up", other.csrf):
        answer = await send(boss, "PATCH", path, body, **{"X-CSRFToken": proof})
        assert answer.status_code == 403
    # A cookie that somebody planted proves nothing, though it is like the header.
    planted = {"X-CSRFToken": "planted", "Cookie": "csrftoken=planted"}
    assert (await send(boss, "PATCH", path, body, **planted)).status_code in (401, 403)


async def test_the_page_brings_its_proof_and_its_own_policy(boss: Person) -> None:
    page = await boss.page("/admin/")
    cookie = page.headers["set-cookie"]
    assert f"csrftoken={boss.csrf}" in cookie and "Path=/admin/" in cookie
    policy = page.headers["content-security-policy"]
    assert "style-src 'self' 'unsafe-inline'" in policy and "script-src 'self';" in policy
    elsewhere = (await boss.page("/holds")).headers["content-security-policy"]
    assert "unsafe" not in elsewhere


# Editing.


async def test_an_instructor_is_added_and_changed(boss: Person) -> None:
    body = {
        "name": "Ines Prado",
        "email": "Ines@Example.test",
        "subject": "cello",
        "rate": 11600,
        "currency": "usd",
        "time_zone": "Europe/Madrid",
        "active": True,
        "created_at": None,
    }
    made = await send(boss, "POST", "api/tables/instructor/", body)
    assert made.status_code == 201, made.text
    row = await Instructor.objects().get(Instructor.email == "ines@example.test")
    assert row is not None and row.rate == 11600
    assert abs((row.created_at - clock.now()).total_seconds()) < 30
    # The page sends every field back.
    whole = await read(boss, f"api/tables/instructor/{row.id}/")
    answer = await send(
        boss,
        "PATCH",
        f"api/tables/instructor/{row.id}/",
        whole | {"rate": "9900", "active": "true"},
    )
    assert answer.status_code == 200, answer.text
    await row.refresh()
    assert row.rate == 9900


async def test_a_package_and_a_student_are_edited(world: World, boss: Person) -> None:
    body = {"name": "Ten", "lessons_count": 10, "price": 80000, "currency": "usd", "active": True}
    assert (await send(boss, "POST", "api/tables/package_offer/", body)).status_code == 201
    assert await PackageOffer.exists().where(PackageOffer.name == "Ten")
    await world.book()
    student = await Student.objects().first()
    assert student is not None
    path = f"api/tables/student/{student.id}/"
    assert (await send(boss, "PATCH", path, {"name": "Maya Chen-Lopez"})).status_code == 200
    refused = await send(boss, "PATCH", path, {"stripe_customer_id": "cus_another"})
    assert refused.status_code == 422 and "kept by Holdfast" in refused.text
    await student.refresh()
    assert student.name == "Maya Chen-Lopez" and student.stripe_customer_id != "cus_another"


@pytest.mark.parametrize(
    ("table", "body", "field"),
    [
        ("instructor", {"rate": 0}, "rate"),
        ("instructor", {"rate": "1.5"}, "rate"),
        ("instructor", {"rate": True}, "rate"),
        ("instructor", {"currency": "doubloon"}, "currency"),
        ("instructor", {"time_zone": "Mars/Base"}, "time_zone"),
        ("instructor", {"name": "a\x00b"}, "name"),
        ("instructor", {"email": "nobody"}, "email"),
        ("instructor", {"email": "jpy@example.test"}, "email"),
        ("instructor", {"id": 99}, "id"),
        ("instructor", {"nonsense": 1}, "nonsense"),
        ("package_offer", {"lessons_count": 0}, "lessons_count"),
        ("staff", {"role": "emperor"}, "role"),
        ("staff", {"password": "short"}, "password"),
        ("staff", {"superuser": "false"}, "superuser"),
        ("staff", {"username": "another"}, "username"),
    ],
)
async def test_what_can_not_be_is_refused_at_its_field(
    boss: Person, table: str, body: dict[str, Any], field: str
) -> None:
    answer = await send(boss, "PATCH", f"api/tables/{table}/1/", body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["detail"][0]["loc"] == [field]


async def test_nonsense_is_refused_in_form(boss: Person) -> None:
    for content in (b"{", b"[]", b"\xff", b"x" * 70_000, b"null"):
        answer = await boss.browser.patch(
            "/admin/api/tables/staff/1/", content=content, headers={"X-CSRFToken": boss.csrf}
        )
        assert answer.status_code in (413, 422)
    assert (await send(boss, "GET", f"api/tables/staff/{'9' * 30}/")).status_code == 404
    for row in ("0", "999", "-1", "abc", "9" * 30):
        answer = await send(boss, "PATCH", f"api/tables/staff/{row}/", {"name": "x"})
        assert answer.status_code == 404, row


# Staff.


async def test_a_new_person_can_sign_in_and_nobody_can_read_the_password(
    boss: Person, world: World
) -> None:
    body = {"email": "Dora@Example.test", "name": "Dora", "role": "finance", "active": True}
    refused = await send(boss, "POST", "api/tables/staff/", body)
    assert refused.status_code == 422
    made = await send(boss, "POST", "api/tables/staff/", body | {"password": PASSWORD})
    assert made.status_code == 201, made.text
    row = await Staff.objects().get(Staff.username == "dora@example.test")
    assert row is not None and row.email == row.username
    assert row.password.startswith("pbkdf2_sha256$") and not row.admin
    assert (await auth.authenticate("dora@example.test", PASSWORD, "127.0.0.1")).id == row.id


async def test_a_new_password_is_hashed_and_an_untouched_one_stays(
    boss: Person, world: World
) -> None:
    other = await sign_in(world, "support", "Sam")
    path = f"api/tables/staff/{await staff_id(other)}/"
    assert (await send(boss, "PATCH", path, {"password": "", "name": "Samuel"})).status_code == 200
    assert (await other.page("/holds")).status_code == 200
    new = "a battery staple"
    assert (await send(boss, "PATCH", path, {"password": new})).status_code == 200
    assert (await other.page("/holds")).status_code == 303
    await auth.authenticate(other.email, new, "127.0.0.1")
    with pytest.raises(auth.SignInRefused):
        await auth.authenticate(other.email, PASSWORD, "127.0.0.1")


@pytest.mark.parametrize("change", [{"role": "viewer"}, {"active": False}])
async def test_a_change_of_role_ends_the_sessions_at_once(
    boss: Person, world: World, change: dict[str, Any]
) -> None:
    other = await sign_in(world, "admin", "Otto")
    path = f"api/tables/staff/{await staff_id(other)}/"
    assert (await send(boss, "PATCH", path, change)).status_code == 200
    assert (await other.page("/holds")).status_code == 303
    row = await Staff.objects().get(Staff.email == other.email)
    assert row is not None and row.admin is row.superuser is (row.role == "admin")


async def test_e_mail_and_user_name_stay_alike(boss: Person, world: World) -> None:
    other = await sign_in(world, "support", "Sam")
    number = await staff_id(other)
    path = f"api/tables/staff/{number}/"
    assert (await send(boss, "PATCH", path, {"email": " NEW@example.test "})).status_code == 200
    row = await Staff.objects().get(Staff.id == number)
    assert row is not None and row.username == row.email == "new@example.test"
    taken = await send(boss, "PATCH", path, {"email": boss.email})
    assert taken.status_code == 422


@pytest.mark.parametrize("change", [{"role": "viewer"}, {"active": False}])
async def test_nobody_locks_out_the_last_admin(boss: Person, change: dict[str, Any]) -> None:
    path = f"api/tables/staff/{await staff_id(boss)}/"
    answer = await send(boss, "PATCH", path, change)
    assert answer.status_code == 422 and "admin" in answer.text
    assert (await boss.page("/admin/")).status_code == 200


async def test_each_write_is_in_the_audit_without_the_password(boss: Person, world: World) -> None:
    other = await sign_in(world, "support", "Sam")
    number = await staff_id(other)
    change = {"role": "finance", "password": "a battery staple"}
    await send(boss, "PATCH", f"api/tables/staff/{number}/", change)
    entry = await AuditEntry.objects().get(AuditEntry.action == "admin_write")
    assert entry is not None
    assert (entry.actor, entry.subject) == ("Bea", f"staff/{number}")
    assert "support → finance" in entry.detail.encode().decode("unicode_escape")
    assert "battery" not in entry.detail and "pbkdf2" not in entry.detail
