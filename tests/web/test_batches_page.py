"""Many holds at once, as a browser without scripts does it: select, review, confirm, follow."""

import html
import re
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import msgspec
import pytest

from dashboard import settings
from dashboard.audit.tables import AuditEntry
from dashboard.batches import work as rows_of
from dashboard.batches.tables import Batch, BatchRow
from dashboard.payments.tables import Operation, Payment, Purchase
from dashboard.web import batches_page
from jobs import batches
from jobs.mail import send_mail
from tests.batches.choosing import held
from tests.web.desk import Person, hidden, sign_in, text
from tests.web.test_desk_queue import rows
from tests.world import World

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
MINUTE = timedelta(minutes=1)


async def review(person: Person, verb: str, payment_ids: list[int]) -> httpx.Response:
    return await person.page(
        "/jobs/review", params=[("verb", verb), *(("hold", str(one)) for one in payment_ids)]
    )


def fields(answer: httpx.Response) -> list[tuple[str, str]]:
    """What the review's form sends, untouched."""
    found = re.search(r'<form class="fields" id="review-form".*?</form>', answer.text, re.DOTALL)
    assert found, text(answer)
    hidden_ones = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', found[0])
    return [(name, html.unescape(value)) for name, value in hidden_ones]


async def send(person: Person, given: list[tuple[str, str]], **typed: str) -> httpx.Response:
    pairs = [(name, value) for name, value in given if name not in typed] + list(typed.items())
    return await person.browser.post(
        "/jobs", content=urlencode(pairs), headers=person.headers | FORM
    )


async def follow(person: Person, answer: httpx.Response) -> httpx.Response:
    assert answer.status_code == 303, text(answer)
    return await person.page(answer.headers["location"])


async def test_holds_are_selected_reviewed_and_captured_together(world: World):
    chosen = await held(world, 3)
    sam = await sign_in(world, "support", "Sam")
    queue = (await sam.page("/holds?select=page")).text
    boxes = re.findall(r'name="hold" value="(\d+)" form="selection"[^>]* checked', queue)
    assert sorted(int(box) for box in boxes) == sorted(chosen) == sorted(rows(queue))
    page = await review(sam, "capture", chosen)
    assert "3 holds can be captured, $288.00" in text(page)
    assert "Capture 3 holds, $288.00" in text(page)
    answer = await send(sam, fields(page))
    assert "Capturing 3 holds, $288.00" in text(await follow(sam, answer))
    await batches.carry_out_batches()
    after = text(await follow(sam, answer))
    assert "3 holds captured, $288.00" in after and "3 of 3 finished." in after
    assert len(world.money_calls("/capture")) == 3
    entry = await AuditEntry.objects().get(AuditEntry.action == "batch")
    assert entry is not None and (entry.actor, entry.subject) == ("Sam", "/jobs/1")


async def test_all_of_a_list_is_reviewed_also_what_its_other_pages_show(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    few = await held(world, 3)
    sam = await sign_in(world)
    assert "of=list" not in (await sam.page("/holds")).text, "one page is all of it"
    chosen = few + await held(world, 48)
    yen = int((await world.payment((await world.book(instructor_id=world.catalog.jpy))["id"])).id)
    page = await sam.page("/holds?currency=usd")
    way = re.search(r'href="(/jobs/review\?verb=capture&amp;of=list[^"]*)"', page.text)
    assert way
    found = await sam.page(html.unescape(way[1]))
    assert "51 holds can be captured, $4,896.00" in text(found)
    sent = {value.partition(":")[0] for name, value in fields(found) if name == "row"}
    assert sent == {str(one) for one in chosen} and str(yen) not in sent
    later = await sam.page("/jobs/review?verb=release&of=list&after=_1")
    assert "52 holds can be released" in text(later)
    monkeypatch.setattr(batches_page, "MOST", 51)
    first = text(await sam.page("/jobs/review?verb=capture&of=list"))
    assert "51 holds can be captured" in first and "The list is longer" in first
    none = text(await sam.page("/jobs/review?verb=capture&of=list&currency=kwd"))
    assert "No hold is selected" in none


async def test_9_the_review_says_what_is_left_and_why_with_totals_per_currency(world: World):
    free, done = await held(world, 2)
    yen = int((await world.payment((await world.book(instructor_id=world.catalog.jpy))["id"])).id)
    sam = await sign_in(world)
    await sam.move(done, "capture")
    said = text(await review(sam, "capture", [free, done, yen, free, 999_999]))
    assert "2 of 4 holds can be captured, $96.00 and ¥9,600" in said
    assert "$96.00 was captured already. Nothing was charged twice." in said
    assert "1 of the chosen holds is not known here." in said
    assert "Capture 2 holds, $96.00 and ¥9,600" in said
    nothing = text(await review(sam, "capture", [done]))
    assert "This hold can’t be captured" in nothing and "Capture 0" not in nothing


async def test_a_part_that_is_owed_is_said_and_captured_as_it_was_shown(world: World):
    (chosen,) = await held(world, 1)
    await Purchase.update({"owed": 4800}).where(Purchase.id == 1)
    sam = await sign_in(world)
    page = await review(sam, "capture", [chosen])
    assert "Is paid; $48.00 goes back to the card." in text(page)
    await send(sam, fields(page))
    await batches.carry_out_batches()
    row = await Payment.objects().get(Payment.id == chosen)
    assert row is not None and row.captured_amount == 4800


async def test_a_release_needs_one_reason_and_keeps_what_was_typed(world: World):
    chosen = await held(world, 2)
    sam = await sign_in(world)
    page = await review(sam, "release", chosen)
    note = "Ill <b>& sorry\nboth"
    refused = await send(sam, fields(page), note=note)
    assert refused.status_code == 422 and "Choose a reason." in text(refused)
    assert html.escape(note, quote=False) in refused.text
    assert hidden(refused, "key") == hidden(page, "key")
    other = await send(sam, fields(refused), reason="other")
    assert "Say in a few words what the reason is." in text(other)
    assert await Batch.count() == 0
    answer = await send(sam, fields(refused), reason="other", note=note)
    await batches.carry_out_batches()
    said = text(await follow(sam, answer))
    assert "2 holds released, $192.00" in said and "Other" in said
    operations = await Operation.objects().where(Operation.verb == "release")
    assert {(one.reason, one.note) for one in operations} == {("other", note)}


async def test_8_double_click_reload_and_back_button_are_one_batch(world: World):
    chosen = await held(world, 2)
    sam = await sign_in(world)
    page = fields(await review(sam, "capture", chosen))
    answers = [await send(sam, page) for _ in range(2)]
    await batches.carry_out_batches()
    # Back to the page as the browser has kept it, and the button once more.
    answers.append(await send(sam, page))
    await batches.carry_out_batches()
    assert {answer.headers["location"] for answer in answers} == {"/jobs/1"}
    assert len(world.money_calls("/capture")) == 2
    assert await AuditEntry.count().where(AuditEntry.action == "batch") == 1
    # Back to a page that the server makes anew: nothing is left to be moved.
    assert "None of these 2 holds can be captured" in text(await review(sam, "capture", chosen))


async def test_8_a_second_tab_finds_the_holds_moved(world: World):
    chosen = await held(world, 2)
    sam = await sign_in(world)
    first, second = [fields(await review(sam, "capture", chosen)) for _ in range(2)]
    await send(sam, first)
    await batches.carry_out_batches()
    answer = await send(sam, second)
    await batches.carry_out_batches()
    said = text(await follow(sam, answer))
    assert "None of 2 holds was captured" in said and "2 changed since the review" in said
    assert "$96.00 was captured already. Nothing was charged twice." in said
    assert "Retry" not in said and "Review 2 again…" in said
    assert len(world.money_calls("/capture")) == 2


async def test_a_page_that_was_confirmed_can_not_send_other_holds(world: World):
    one, other = await held(world, 2)
    sam = await sign_in(world)
    page, more = [fields(await review(sam, "capture", ids)) for ids in ([one], [one, other])]
    await send(sam, page)
    key = dict(page)["key"]
    refused = await send(sam, more, key=key)
    assert refused.status_code == 409 and "confirmed before" in text(refused)
    assert await BatchRow.count() == 1


async def test_9_what_was_declined_is_retried_and_nothing_else(world: World):
    chosen = await held(world, 3)
    declined = await Payment.objects().get(Payment.id == chosen[1])
    assert declined is not None
    path = f"/v1/payment_intents/{declined.stripe_intent_id}/capture"
    world.sandbox.fault("before", "402", path)
    sam, finn = await sign_in(world), await sign_in(world, "finance", "Finn")
    answer = await send(sam, fields(await review(sam, "capture", chosen)))
    await batches.carry_out_batches()
    page = await follow(sam, answer)
    said = text(page)
    assert "2 of 3 holds captured, $192.00" in said and "1 declined" in said
    assert "An error occurred while processing your card" in said and "Retry 1 failed" in said
    retry = {"_csrf": finn.csrf, "retries": hidden(page, "retries")}
    for _ in range(2):
        again = await finn.browser.post("/jobs/1/retry", data=retry, headers=finn.headers)
        assert again.status_code == 303
        await batches.carry_out_batches()
    said = text(await finn.page("/jobs/1"))
    assert "3 holds captured, $288.00" in said and "Try 2, asked for by Finn" in said
    assert len(world.money_calls("/capture")) == 3


async def test_9_an_unknown_outcome_says_not_to_retry_and_is_followed(world: World):
    chosen = await held(world, 1)
    sam = await sign_in(world)
    page = fields(await review(sam, "capture", chosen))
    world.sandbox.fault("after", "drop", "/v1/payment_intents/*/capture")
    world.sandbox.fault("before", "500", "/v1/payment_intents/*", method="GET", times=40)
    answer = await send(sam, page)
    await batches.carry_out_batches()
    waiting = await follow(sam, answer)
    assert "1 not known yet" in text(waiting) and "don’t retry" in text(waiting)
    assert "Retry 1" not in text(waiting) and 'hx-trigger="every' in waiting.text
    world.sandbox.control("DELETE", "faults")
    await world.advance(2 * MINUTE)
    await world.tick()
    await batches.carry_out_batches()
    after = await follow(sam, answer)
    assert "1 hold captured, $96.00" in text(after) and 'hx-trigger="every' not in after.text
    assert len(world.money_calls("/capture")) == 1


async def test_a_worker_that_dies_half_way_is_seen_and_made_up_for(world: World):
    chosen = await held(world, 2)
    sam = await sign_in(world)
    answer = await send(sam, fields(await review(sam, "capture", chosen)))
    (first, _) = await rows_of.due(10)
    # A worker that claims a row and is never heard of again.
    assert await rows_of._claim(first) is not None
    await batches.carry_out_batches()
    assert "1 of 2 finished; 1 to go." in text(await follow(sam, answer))
    await world.advance(2 * MINUTE)
    await batches.carry_out_batches()
    assert "2 holds captured" in text(await follow(sam, answer))
    assert len(world.money_calls("/capture")) == 2


async def test_a_viewer_watches_and_is_offered_nothing(world: World):
    chosen = await held(world, 1)
    sam, vera = await sign_in(world), await sign_in(world, "viewer", "Vera")
    assert 'name="hold"' not in (await vera.page("/holds")).text
    assert (await review(vera, "capture", chosen)).status_code == 403
    page = fields(await review(sam, "capture", chosen))
    refused = await send(vera, page, _csrf=vera.csrf)
    assert refused.status_code == 403 and await Batch.count() == 0
    world.sandbox.fault("before", "402", "/v1/payment_intents/*/capture")
    answer = await send(sam, page)
    await batches.carry_out_batches()
    watched = await follow(vera, answer)
    assert "1 declined" in text(watched) and "Retry" not in text(watched)
    again = {"_csrf": vera.csrf, "retries": "0"}
    retried = await vera.browser.post("/jobs/1/retry", data=again, headers=vera.headers)
    assert retried.status_code == 403


async def test_a_form_can_not_say_that_only_a_part_of_a_hold_is_released(world: World):
    (hold,) = await held(world, 1)
    ana = await sign_in(world)
    given = fields(await review(ana, "release", [hold]))
    row = dict(given)["row"]
    assert row.startswith(f"{hold}:9600:9600:")
    answer = await send(
        ana, given, reason="duplicate", row=row.replace(f"{hold}:9600:", f"{hold}:100:")
    )
    assert answer.status_code == 422 and await Batch.count() == 0


@pytest.mark.parametrize("retries", ["99999999999", "9" * 17, "9" * 40, "-1", "x", ""])
async def test_a_retry_of_a_page_that_there_never_was_asks_for_nothing(world: World, retries: str):
    (hold,) = await held(world, 1)
    ana = await sign_in(world)
    await follow(ana, await send(ana, fields(await review(ana, "capture", [hold]))))
    answer = await ana.browser.post(
        "/jobs/1/retry", data={"_csrf": ana.csrf, "retries": retries}, headers=ana.headers
    )
    assert answer.status_code == 303
    batch = await Batch.objects().first()
    assert batch is not None and batch.retries == 0


async def test_there_is_no_refund_of_many(world: World):
    chosen = await held(world, 1)
    sam = await sign_in(world, "admin")
    page = fields(await review(sam, "capture", chosen))
    refused = await send(sam, page, verb="refund")
    assert refused.status_code == 422 and "This form is incomplete" in text(refused)
    asked = await review(sam, "refund", chosen)
    assert asked.status_code == 422 and "This form is incomplete" in text(asked)
    assert await Batch.count() == 0


async def test_two_hundred_are_the_most(world: World):
    sam = await sign_in(world)
    many = await review(sam, "capture", list(range(1, 202)))
    assert many.status_code == 422 and "At most 200 holds" in text(many)
    assert (await review(sam, "capture", list(range(1, 201)))).status_code == 200
    none = await review(sam, "capture", [])
    assert none.status_code == 422 and "No hold is selected" in text(none)
    sent = [("_csrf", sam.csrf), ("key", "3f2b8c1e-0000-4000-8000-000000000001")]
    given = [*sent, ("verb", "capture"), *(("row", f"{n}:1:1:0:0:1:0") for n in range(1, 202))]
    assert "At most 200 holds" in text(await send(sam, given))


@pytest.mark.parametrize(
    "wrong",
    [
        {"row": "1:9600:9600:0:0:1"},
        {"row": "1:0:9600:0:0:1:0"},
        {"row": "1:-5:9600:0:0:1:0"},
        {"row": f"1:{'9' * 40}:9600:0:0:1:0"},
        {"row": "1:9600:9600:0:0:1:-9"},
        {"row": "999999:9600:9600:0:0:1:0"},
        {"row": "x"},
        {"key": "nonsense"},
        {"key": ""},
        {"verb": "nonsense"},
        {"reason": "duplicate"},
    ],
)
async def test_a_form_that_is_not_ours_any_more_is_answered(world: World, wrong: dict[str, Any]):
    chosen = await held(world, 1)
    sam = await sign_in(world)
    answer = await send(sam, fields(await review(sam, "capture", chosen)), **wrong)
    assert answer.status_code == 422 and "This form is incomplete" in text(answer)
    assert await Batch.count() == 0


async def test_strange_addresses_are_answered(world: World):
    chosen = await held(world, 1)
    sam = await sign_in(world)
    twice = await send(sam, fields(await review(sam, "capture", chosen)) * 2)
    assert twice.status_code == 422 and await Batch.count() == 0
    for path in ("/jobs/999999", f"/jobs/{2**70}"):
        assert (await sam.page(path)).status_code == 404
    for path in ("/jobs?before=x", f"/jobs?before={'9' * 30}", "/jobs?before=-1"):
        assert (await sam.page(path)).status_code == 200
    strange = [
        ("verb", "capture"),
        ("hold", "1 OR 1"),
        ("hold", "٣"),
        ("hold", ""),
        ("hold", "9" * 15),
    ]
    answer = await sam.page("/jobs/review", params=strange)
    assert answer.status_code == 200 and "not known here" in text(answer)
    retry = {"_csrf": sam.csrf, "retries": "x"}
    missing = await sam.browser.post("/jobs/1/retry", data=retry, headers=sam.headers)
    assert missing.status_code == 404


async def test_the_list_of_jobs_says_how_each_stands(world: World):
    sam = await sign_in(world)
    assert "No holds were captured or released together yet" in text(await sam.page("/jobs"))
    chosen = await held(world, 2)
    await send(sam, fields(await review(sam, "capture", chosen)))
    assert "1 job is under way" in text(await sam.page("/jobs"))
    await batches.carry_out_batches()
    said = text(await sam.page("/jobs"))
    assert "Nothing is under way; every job is done" in said
    assert "2 holds captured, $192.00" in said
    assert "That was all." in text(await sam.page("/jobs?before=1"))


async def test_a_review_and_a_form_say_what_the_students_were_told(world: World, tmp_path: Path):
    settings.use(msgspec.structs.replace(world.settings, var_dir=tmp_path))
    chosen = await held(world, 2)
    sam = await sign_in(world)
    assert "Not what was said" not in text(await review(sam, "capture", chosen))
    await send_mail()
    said = text(await review(sam, "capture", chosen))
    assert said.count("Not what was said.") == 2
    assert "The students of 2 holds were told something else by e-mail." in said
    assert "that the card is charged after the lesson" in said
    answer = await sam.page(f"/holds/{chosen[0]}/release")
    assert "We told Maya on" in text(answer) and "which is still on." in text(answer)
    link = re.search(r'href="(/mail/\d+)">Read the e-mail', answer.text)
    assert link and (await sam.page(link[1])).status_code == 200
    # It warns and forbids nothing.
    await send(sam, fields(await review(sam, "capture", chosen)))
    await batches.carry_out_batches()
    assert len(world.money_calls("/capture")) == 2
