"""Delivery to a real SMTP server on loopback that takes, refuses, stalls, hangs up, wants TLS."""

import asyncio
import time
from datetime import timedelta
from pathlib import Path

import pytest

from dashboard import clock
from dashboard.mail import delivery, outboxes
from dashboard.mail.facts import State
from dashboard.mail.tables import Message, Notice
from jobs import mail
from jobs.mail import send_mail
from tests.mail.conftest import states, use
from tests.mail.office import PASSWORD, Office, certificate, hang_up, office
from tests.world import World

MINUTE = timedelta(minutes=1)


async def book(world: World, *addresses: str) -> None:
    for address in addresses:
        await world.book(student={"email": address})


async def rows() -> list[Message]:
    found: list[Message] = await Message.objects().order_by(Message.id)
    return found


async def test_a_batch_goes_over_one_connection(world: World, post: Office):
    await book(world, "a@example.test", "b@example.test", "c@example.test")
    assert await send_mail() == 3
    assert post.connections == 1
    assert post.envelopes == [
        ("lessons@localhost", [f"{one}@example.test"]) for one in ("a", "b", "c")
    ]
    assert await states() == ["sent"] * 3
    assert await send_mail() == 0 and len(post.received) == 3


async def test_an_email_has_text_and_html_and_nothing_that_is_fetched(world: World, post: Office):
    await book(world, "maya@example.test")
    await send_mail()
    (received,) = post.received
    assert received.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in received.iter_parts()] == [
        "text/plain",
        "text/html",
    ]
    (row,) = await rows()
    html, text = received.get_body(("html",)), received.get_body(("plain",))
    assert html is not None and text is not None
    assert html.get_content().split() == row.html.split()
    assert text.get_content().splitlines() == row.text.splitlines()
    assert received["Message-ID"] == row.message_id
    assert received["Subject"] == row.subject


async def test_a_refused_recipient_is_failed_and_the_others_go_on(world: World, post: Office):
    post.replies["b@example.test"] = "550 5.1.1 No such mailbox"
    await book(world, "a@example.test", "b@example.test", "c@example.test")
    assert await send_mail() == 2
    assert await states() == ["sent", "failed", "sent"]
    refused = (await rows())[1]
    assert refused.error == "550 5.1.1 No such mailbox" and refused.due_at is None
    await world.advance(timedelta(days=1))
    assert await send_mail() == 0


async def test_a_temporary_refusal_backs_off_one_row_and_ends_well(world: World, post: Office):
    post.replies["b@example.test"] = "451 4.3.0 Try later"
    await book(world, "a@example.test", "b@example.test", "c@example.test")
    assert await send_mail() == 2
    waits = []
    for _ in range(3):
        row = (await rows())[1]
        assert row.state == State.WAITING and row.due_at is not None
        waits.append(round((row.due_at - clock.now()) / MINUTE))
        await world.move_to(row.due_at)
        await send_mail()
    assert waits == [1, 2, 4]
    del post.replies["b@example.test"]
    await world.advance(timedelta(hours=1))
    assert await send_mail() == 1
    assert (await rows())[1].attempts == 5
    assert len(set(post.ids)) == len(post.ids) == 3


async def test_refused_content_is_failed(world: World, post: Office):
    post.after_data = lambda _: "554 5.7.1 Looks like spam"
    await book(world, "a@example.test")
    await send_mail()
    assert await states() == ["failed"]
    assert (await rows())[0].error == "554 5.7.1 Looks like spam"


async def test_what_can_not_be_sent_for_three_days_is_given_up_visibly(world: World, post: Office):
    post.replies["a@example.test"] = "451 4.3.0 Try later"
    await book(world, "a@example.test")
    await send_mail()
    await world.advance(timedelta(days=3, minutes=1))
    assert await send_mail() == 0
    (row,) = await rows()
    assert row.state == State.FAILED and "Try later" in row.error


async def test_a_line_that_breaks_after_the_last_dot_means_twice_with_one_id(
    world: World, post: Office
):
    broken: list[bool] = []

    def once(server: object) -> None:
        if not broken:
            broken.append(True)
            hang_up(server)  # type: ignore[arg-type]

    post.after_data = once
    await book(world, "a@example.test", "b@example.test")
    assert await send_mail() == 1
    assert await states() == ["waiting", "sent"]
    await world.advance(2 * MINUTE)
    assert await send_mail() == 1
    assert await states() == ["sent", "sent"]
    assert len(post.ids) == 3 and post.ids[0] == post.ids[2]


async def test_a_server_that_stalls_is_left_and_holds_up_nothing_else(
    world: World, post: Office, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(outboxes, "PATIENCE", 0.5)
    post.stalled = True
    await book(world, "a@example.test")
    started, beats = time.monotonic(), 0
    sending = asyncio.create_task(send_mail())
    while not sending.done():
        await asyncio.sleep(0.01)
        beats += 1
    assert await sending == 0 and time.monotonic() - started < 5
    # The loop went on all the while.
    assert beats > 3
    (row,) = await rows()
    assert row.state == State.WAITING and "timed out" in row.error
    post.stalled = False
    await world.advance(2 * MINUTE)
    assert await send_mail() == 1


async def test_while_one_delivery_hangs_no_second_one_starts(world: World, post: Office):
    await book(world, "a@example.test")
    mail._busy.add("sending")
    try:
        assert await send_mail() == 0
    finally:
        mail._busy.clear()
    assert await send_mail() == 1


async def test_a_server_that_is_away_costs_no_attempt_and_says_so(world: World, post: Office):
    await book(world, "a@example.test", "b@example.test")
    url = f"smtp://localhost:{post.port}"
    use(smtp_url="smtp://localhost:1")
    assert await send_mail() == 0
    assert [(row.state, row.attempts) for row in await rows()] == [("waiting", 0)] * 2
    assert all("refused" in row.error for row in await rows())
    use(smtp_url=url)
    assert await send_mail() == 2
    assert [row.error for row in await rows()] == ["", ""]


async def test_a_server_that_hangs_up_between_messages_is_called_again(world: World, post: Office):
    await book(world, "a@example.test", "b@example.test")
    taken: list[str] = []

    def after(server: object) -> str:
        loop = asyncio.get_running_loop()
        loop.call_later(0.02, hang_up, server)
        taken.append("")
        return "250 OK, and good night"

    post.after_data = after
    real = delivery._claim

    async def slowly(queue: delivery.Queue, message_id: int) -> Message | Notice | None:
        await asyncio.sleep(0.1)
        return await real(queue, message_id)

    delivery._claim = slowly
    try:
        assert await send_mail() == 2
    finally:
        delivery._claim = real
    assert post.connections == 2 and [row.attempts for row in await rows()] == [1, 1]


async def test_two_senders_at_once_send_each_message_once(world: World, post: Office):
    await book(world, *(f"s{number}@example.test" for number in range(6)))
    await mail._write()
    sent = await asyncio.gather(*(delivery.deliver(20) for _ in range(4)))
    assert sum(sent) == 6
    assert len(post.ids) == len(set(post.ids)) == 6


async def test_a_sender_that_died_leaves_a_lease_that_runs_out(world: World, post: Office):
    await book(world, "a@example.test")
    await mail._write()
    (row,) = await rows()
    claimed = await delivery._claim(Message, row.id)
    assert claimed is not None and await delivery._claim(Message, row.id) is None
    assert await send_mail() == 0
    await world.advance(delivery.LEASE)
    assert await send_mail() == 1
    # The one that was thought dead comes to itself: its end of the story no longer counts.
    await delivery._finish(claimed, {"state": State.FAILED, "due_at": None})
    assert await states() == ["sent"]


# TLS, with a certificate of our own that is trusted for the length of a test.


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, object]:
    return certificate(tmp_path_factory.mktemp("tls"))


@pytest.mark.parametrize(
    ("scheme", "settings"),
    [
        ("smtps", {"implicit": True}),
        ("smtp+starttls", {"required": True}),
        ("smtp", {"required": True}),
        ("smtp", {}),
    ],
)
async def test_tls_is_spoken_where_it_is_wanted_or_offered(
    world: World, own: tuple[Path, object], monkeypatch: pytest.MonkeyPatch, scheme: str, settings
):
    monkeypatch.setenv("SSL_CERT_FILE", str(own[0]))
    with office(own[1], **settings) as server:  # type: ignore[arg-type]
        use(smtp_url=server.url(scheme, user="ana:pass%3Aword%2F"))
        await book(world, "a@example.test", "b@example.test")
        assert await send_mail() == 2
    assert server.encrypted == [True, True]
    assert server.logins == [("ana", PASSWORD)]


@pytest.mark.parametrize("scheme", ["smtps", "smtp+starttls", "smtp"])
async def test_a_certificate_that_nobody_vouches_for_is_refused(
    world: World, own: tuple[Path, object], scheme: str
):
    with office(own[1], implicit=scheme == "smtps") as server:  # type: ignore[arg-type]
        use(smtp_url=server.url(scheme, user="ana:pass%3Aword%2F"))
        await book(world, "a@example.test")
        assert await send_mail() == 0
    assert server.received == [] and server.logins == []
    (row,) = await rows()
    assert "CERTIFICATE_VERIFY_FAILED" in row.error and row.state == State.WAITING


async def test_required_starttls_is_not_done_without(world: World, post: Office):
    use(smtp_url=post.url("smtp+starttls"))
    await book(world, "a@example.test")
    assert await send_mail() == 0
    assert post.received == []
    assert "STARTTLS" in (await rows())[0].error


async def test_a_wrong_password_stops_no_message_for_good_and_shows_itself_nowhere(
    world: World, post: Office
):
    use(smtp_url=post.url(user="ana:secret-word"))
    await book(world, "a@example.test")
    assert await send_mail() == 0
    (row,) = await rows()
    assert row.state == State.WAITING and "535" in row.error and "secret-word" not in row.error


async def test_30_a_name_can_not_add_a_header(world: World, post: Office):
    await book(world, "a@example.test")
    await mail._write()
    evil = 'Eve" <x@evil.test>\r\nBcc: all@example.test\r\n\r\n<script>'
    await Message.update({"recipient_name": evil, "subject": "Hi\r\nX-Evil: 1"}, force=True)
    assert await send_mail() == 1
    (received,) = post.received
    assert "Bcc" not in received and "X-Evil" not in received
    assert post.envelopes == [("lessons@localhost", ["a@example.test"])]
    (address,) = received["To"].addresses
    assert address.addr_spec == "a@example.test"


async def test_30_an_address_that_is_none_is_failed_alone(world: World, post: Office):
    await book(world, "a@example.test", "b@example.test", "c@example.test")
    await mail._write()
    first, second, _ = await rows()
    await Message.update({"recipient": "a b\r\n@x"}).where(Message.id == first.id)
    await Message.update({"recipient": "mäx@example.test"}).where(Message.id == second.id)
    assert await send_mail() == 1
    assert await states() == ["failed", "failed", "sent"]


async def test_30_a_students_name_arrives_as_it_was_typed_and_harmless(world: World, post: Office):
    name = "<script>alert('x')</script> =HYPERLINK(1)"
    await world.book(student={"email": "a@example.test", "name": name})
    await send_mail()
    (received,) = post.received
    html, text = received.get_body(("html",)), received.get_body(("plain",))
    assert html is not None and text is not None
    assert "<script" not in html.get_content() and "&lt;script&gt;" in html.get_content()
    assert f"Hello {name}," in text.get_content()
    assert received["To"].addresses[0].display_name == name
