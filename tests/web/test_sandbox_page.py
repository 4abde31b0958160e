"""The playground: booking with test cards, the clock, and what the page may not be."""

from datetime import timedelta

import httpx
import msgspec
import pytest

from dashboard import clock, settings
from dashboard.app import create_app
from dashboard.audit.tables import AuditEntry
from dashboard.bookings.tables import Booking
from dashboard.payments.facts import Status
from dashboard.payments.tables import Payment, Purchase
from dashboard.sandbox.cards import TEST_CARDS
from dashboard.settings import Settings
from dashboard.web.sandbox_words import CARD_NAMES
from jobs import journey
from tests.running import alive
from tests.web.desk import HTML, Person, hidden, sign_in, text
from tests.world import World

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


async def press(person: Person, path: str, **typed: str) -> httpx.Response:
    """Send a form of the page and follow the redirect, as a browser would."""
    return await person.browser.post(
        f"/sandbox{path}",
        data={"_csrf": person.csrf, **typed},
        headers=HTML,
        follow_redirects=True,
    )


async def book(person: Person, world: World, **typed: str) -> httpx.Response:
    """Send the form that books, filled in as it comes, with these changes."""
    key = hidden(await person.page("/sandbox"), "key")
    fields = {
        "key": key,
        "student": "Maya Chen",
        "instructor": str(world.catalog.usd),
        "what": "lesson",
        "minutes": "60",
        "count": "2",
        "unit": "days",
        "at": "",
        "card": "pm_card_visa",
        "life": "usual",
    }
    return await press(person, "/bookings", **(fields | typed))


async def latest() -> Payment:
    found = await Payment.objects().order_by(Payment.id, ascending=False).first()
    assert found is not None
    return found


async def audited() -> list[str]:
    rows = await AuditEntry.objects().where(AuditEntry.action == "sandbox").order_by(AuditEntry.id)
    return [f"{row.actor} {row.subject} {row.detail}" for row in rows]


# Booking.


async def test_a_lesson_is_booked_through_the_products_own_code(world: World):
    ana = await sign_in(world)
    answer = await book(ana, world)
    payment = await latest()
    assert payment.payment_status == Status.AUTHORIZED
    assert f"/sandbox?payment={payment.id}&done=booked" in str(answer.url)
    assert "$96.00 is held for Maya Chen" in text(answer)
    assert f'href="/holds/{payment.id}"' in answer.text
    assert any("pm_card_visa" in line and "Ana" in line for line in await audited())


async def test_the_same_form_sent_twice_books_once(world: World):
    ana = await sign_in(world)
    at = (clock.now() + 2 * DAY).strftime("%Y-%m-%dT%H:%M")
    first = await book(ana, world, key="one", at=at)
    second = await book(ana, world, key="one", at=at)
    assert first.url == second.url
    assert await Booking.count() == 1


@pytest.mark.parametrize(
    ("card", "said"),
    [
        ("pm_card_chargeDeclinedInsufficientFunds", "Your card has insufficient funds"),
        ("pm_card_chargeDeclinedExpiredCard", "Your card has expired"),
    ],
)
async def test_a_declined_card_is_told_with_its_reason(world: World, card: str, said: str):
    answer = await book(await sign_in(world), world, card=card)
    assert "card was not charged" in text(answer) and said in text(answer)


async def test_a_package_is_paid_at_once(world: World):
    answer = await book(await sign_in(world), world, what=str(world.catalog.package))
    assert "Maya Chen paid $420.00" in text(answer)


async def test_the_bank_keeps_the_hold_for_as_long_as_chosen(world: World):
    ana = await sign_in(world)
    await book(ana, world, life="20h")
    payment = await latest()
    assert timedelta(hours=19) < payment.authorization_expires_at - clock.now() < 21 * HOUR
    await book(ana, world, student="Leo Brandt", life="unsaid")
    assert (await latest()).expires_source == "estimate"


async def test_the_students_answer_to_the_bank_is_given_here(world: World):
    ana = await sign_in(world)
    for deed, status in (("confirmed", Status.AUTHORIZED), ("failed", Status.FAILED)):
        answer = await book(ana, world, student=deed, card="pm_card_authenticationRequired")
        assert "Student confirms" in answer.text and "Student walks away" in answer.text
        payment = await latest()
        answer = await press(ana, f"/payments/{payment.id}", deed=deed)
        assert answer.status_code == 200
        await world.deliver()
        assert (await latest()).payment_status == status, deed
    answer = await press(ana, f"/payments/{payment.id}", deed="away")
    assert "The student is gone" in text(answer)


async def test_a_bank_that_takes_its_time_is_played_through(world: World):
    ana = await sign_in(world)
    for deed, status in (("confirmed", Status.AUTHORIZED), ("failed", Status.FAILED)):
        await book(ana, world, student=deed, card="pm_card_authenticationRequired")
        payment = await latest()
        answer = await press(ana, f"/payments/{payment.id}", deed="working")
        assert "nobody can cancel it meanwhile" in text(answer)
        assert "The bank is still working on it" in text(answer)
        assert "walks away" not in text(answer)
        await world.deliver()
        assert (await latest()).intent_status == "processing"
        await press(ana, f"/payments/{payment.id}", deed=deed)
        await world.deliver()
        assert (await latest()).payment_status == status


async def test_the_student_confirms_the_saving_of_a_card_for_a_far_lesson(world: World):
    settings.use(msgspec.structs.replace(settings.current(), expiry_policy="renew"))
    ana = await sign_in(world)
    answer = await book(ana, world, count="30", card="pm_card_authenticationRequiredOnSetup")
    assert answer.status_code == 200 and "Student confirms" in answer.text, text(answer)
    payment = await latest()
    answer = await press(ana, f"/payments/{payment.id}", deed="confirmed")
    assert "The student has confirmed" in text(answer)
    await world.deliver()
    purchase = await Purchase.objects().get(Purchase.id == payment.purchase)
    assert purchase is not None and purchase.card_state == "saved"
    assert "Student confirms" not in (await ana.page(f"/sandbox?payment={payment.id}")).text


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"student": ""}, "can't be empty"),
        ({"instructor": "999"}, "no such instructor"),
        ({"what": "999"}, "no such package"),
        ({"card": "pm_card_none"}, "Choose a test card"),
        ({"count": "x"}, "Give a number"),
        ({"at": "someday"}, "Give a date and a time"),
        ({"at": "2001-01-01T10:00"}, "must start in the future"),
        ({"minutes": "7"}, "Choose a length"),
        ({"email": "nobody"}, "no e-mail address"),
    ],
)
async def test_what_cannot_be_booked_is_said_beside_its_field_and_kept(
    world: World, typed: dict[str, str], said: str
):
    answer = await book(await sign_in(world), world, **({"student": "Zoë <b>"} | typed))
    assert answer.status_code == 422 and said in text(answer)
    assert "Zoë &lt;b&gt;" in answer.text or "student" in typed
    assert await Booking.count() == 0


def test_every_card_of_the_page_is_one_of_the_sandboxs():
    assert CARD_NAMES - set(TEST_CARDS) == set()


async def test_a_students_zone_is_not_changed_by_a_booking_from_here(world: World):
    await world.book(student={"name": "Maya Chen", "email": "maya.chen@example.test"})
    await book(await sign_in(world), world)
    assert (await Booking.select(Booking.student.time_zone).distinct()) == [
        {"student.time_zone": "America/New_York"}
    ]


# The clock.


async def test_a_leap_over_a_week_captures_every_lesson_at_its_hour(world: World):
    ana = await sign_in(world)
    booked = [await world.book(n * DAY) for n in (1, 3)]
    answer = await press(ana, "/clock", to="7d")
    while (at := journey.latest()) is not None and at.going:
        await journey.wait(at, 30)
    answer = await ana.page("/sandbox?done=moved")
    assert "and the clock is there" in text(answer)
    assert "7 d 0 h ahead of the wall clock" in text(answer)
    for one in booked:
        payment = await world.payment(one["id"])
        assert payment.payment_status == Status.CAPTURED
        assert payment.captured_at - (await _ends(one["id"])) < HOUR + timedelta(minutes=3)


async def _ends(booking_id: int):  # type: ignore[no-untyped-def]
    row = await Booking.objects().get(Booking.id == booking_id)
    assert row is not None
    return row.ends_at


async def test_the_next_capture_and_the_next_end_are_named_and_reached(world: World):
    ana = await sign_in(world)
    booked = await world.book(1 * DAY)
    page = text(await ana.page("/sandbox"))
    assert "To the next planned capture" in page and "To the next end of a hold" in page
    await press(ana, "/clock", to="capture")
    assert (await world.payment(booked["id"])).payment_status == Status.CAPTURED
    assert "To the next planned capture" not in text(await ana.page("/sandbox"))
    answer = await press(ana, "/clock", to="expiry")
    assert answer.status_code == 422 and "nothing like that ahead" in text(answer)


async def test_the_mail_of_the_way_is_written_at_its_time(world: World):
    from dashboard.mail.tables import Message

    await world.book(1 * DAY)
    await press(await sign_in(world), "/clock", to="7d")
    rows = await Message.select(Message.template, Message.state).order_by(Message.id)
    assert [row["template"] for row in rows][:2] == ["reserved", "paid"]
    assert all(row["state"] != "skipped" for row in rows)


async def test_a_leap_does_not_make_the_worker_look_late(world: World):
    ana = await sign_in(world)
    await press(ana, "/clock", to="1h")
    answer = await press(ana, "/clock", to="7d")
    assert "7 d 1 h ahead" in text(answer)
    assert "The worker is late" not in text(answer)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"to": "date", "date": "2001-01-01T00:00"}, "only goes forward"),
        ({"to": "date", "date": "2190-01-01T00:00"}, "next two years"),
        ({"to": "date", "date": "tomorrow"}, "Give a date and a time"),
        ({}, "Give a date and a time"),
    ],
)
async def test_the_clock_goes_nowhere_it_cannot(world: World, typed: dict[str, str], said: str):
    before = clock.offset()
    answer = await press(await sign_in(world), "/clock", **typed)
    assert answer.status_code == 422 and said in text(answer)
    assert abs(clock.offset() - before) < timedelta(seconds=1)


async def test_a_second_leap_waits_for_the_first_and_a_stop_ends_it(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    from dashboard.web import sandbox_page

    monkeypatch.setattr(sandbox_page, "PATIENCE", 0.0)
    for n in range(1, 6):
        await world.book(n * DAY)
    ana = await sign_in(world)
    answer = await press(ana, "/clock", to="7d")
    assert "on the way to" in text(answer)
    assert (await press(ana, "/clock", to="1d")).status_code == 409
    await press(ana, "/clock", to="stop")
    at = journey.latest()
    assert at is not None
    await journey.wait(at, 30)
    assert clock.offset() < 6 * DAY
    assert "was stopped" in text(await ana.page("/sandbox?done=moved"))


# Who, where, and when it is away.


async def test_a_hold_leads_to_its_bank_and_finance_sees_who_played_it(world: World):
    ana = await sign_in(world)
    await book(ana, world)
    payment = await latest()
    assert f'href="/sandbox?payment={payment.id}"' in (await ana.page(f"/holds/{payment.id}")).text
    fiona = await sign_in(world, "finance", "Fiona")
    page = await fiona.page("/audit")
    assert "Played on the sandbox" in text(page) and "Booked with a test card" in text(page)
    assert f'href="/holds/{payment.id}"' in page.text


async def test_a_viewer_looks_and_has_no_button(world: World):
    await world.book()
    vera = await sign_in(world, "viewer", "Vera")
    page = await vera.page("/sandbox")
    assert page.status_code == 200 and 'action="/sandbox/' not in page.text
    assert (await press(vera, "/clock", to="1h")).status_code == 403


async def test_without_the_sandbox_the_page_does_not_exist(world: World):
    ana = await sign_in(world, "admin")
    assert 'href="/sandbox"' in (await ana.page("/holds")).text
    own = settings.current()
    try:
        settings.use(
            Settings(
                sandbox=False,
                stripe_api_base=own.stripe_api_base,
                var_dir=own.var_dir,
            )
        )
        assert 'href="/sandbox"' not in (await ana.page("/holds")).text
        assert (await ana.page("/sandbox")).status_code == 404
        for path in ("/bookings", "/clock", "/webhooks", "/webhooks/1", "/faults", "/payments/1"):
            assert (await press(ana, path, to="1h")).status_code == 404
    finally:
        settings.use(own)


async def test_a_sandbox_that_is_away_is_said_to_be(world: World):
    ana = await sign_in(world)
    own = settings.current()
    gone = Settings(stripe_api_base="http://127.0.0.1:9", var_dir=own.var_dir)
    app = create_app(gone)
    async with alive(app):
        browser = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app), base_url="http://shop.test"
        )
        browser.cookies = ana.browser.cookies
        page = await browser.get("/sandbox", headers=HTML)
        assert page.status_code == 503 and "doesn’t answer" in text(page)
        away = Person(world, browser, ana.email, ana.csrf)
        answer = await press(away, "/clock", to="1h")
        assert "stopped answering" in text(answer)
    settings.use(own)


async def test_every_redirect_says_something_that_is_known(world: World):
    ana = await sign_in(world)
    page = await ana.page("/sandbox?done=<script>&n=99999999999999&payment=<b>")
    assert page.status_code == 200 and "<b>" not in page.text
    assert "No payment is called “<b>”" in text(page)
