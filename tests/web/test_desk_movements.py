"""Capture, release and refund from the desk: each form moves money once, or says why not."""

from datetime import timedelta

import pytest

from dashboard import clock
from dashboard.payments.facts import Status
from dashboard.payments.tables import Operation, Payment
from tests.web.desk import Person, fields, sign_in, text
from tests.world import World

HTMX = {"HX-Request": "true"}


async def held(world: World, **changes: object) -> int:
    booking = await world.book(**changes)  # type: ignore[arg-type]
    return int((await world.payment(booking["id"])).id)


async def payment(payment_id: int) -> Payment:
    found = await Payment.objects().get(Payment.id == payment_id)
    assert found is not None
    return found


def under(page: str) -> dict[str, str]:
    return HTMX | {"HX-Current-URL": f"http://shop.test{page}"}


async def test_a_capture_without_scripts_leads_to_the_page_that_tells_it(world: World):
    hold, ana = await held(world), await sign_in(world)
    answer = await ana.move(hold, "capture")
    assert answer.status_code == 303
    page = await ana.page(answer.headers["location"])
    assert "Maya paid $96.00." in text(page)
    assert (await payment(hold)).captured_amount == 9600
    assert len(world.money_calls("/capture")) == 1


async def test_a_partial_capture_gives_the_rest_back(world: World):
    hold, ana = await held(world), await sign_in(world)
    answer = await ana.move(hold, "capture", amount="60.00")
    page = text(await ana.page(answer.headers["location"]))
    assert "Maya paid $60.00. $36.00 went back to the card." in page
    assert "Captured $60.00" in page and "Released $36.00" in page and "Still held $0.00" in page


async def test_the_consequence_follows_the_amount_without_scripts(world: World):
    hold, ana = await held(world), await sign_in(world)
    given = await ana.form(hold, "capture") | {"scope": "part", "amount": "60"}
    look = await ana.browser.post(f"/holds/{hold}/capture", data=given, headers=ana.headers)
    assert "Maya pays $60.00 ; $36.00 goes back to the card. This can’t be undone." in text(look)
    assert "Capture $60.00" in text(look)
    assert world.money_calls("/capture") == []
    answer = await ana.send(hold, "capture", fields(look))
    assert answer.status_code == 303
    assert (await payment(hold)).captured_amount == 6000


async def test_the_button_that_named_another_amount_moves_nothing(world: World):
    hold, ana = await held(world), await sign_in(world)
    given = await ana.form(hold, "capture") | {"scope": "part", "amount": "60"}
    answer = await ana.send(hold, "capture", given)
    assert answer.status_code == 422
    assert "The button named another amount" in text(answer)
    assert world.money_calls("/capture") == []


async def test_a_release_needs_a_reason_and_other_needs_a_note(world: World):
    hold, ana = await held(world), await sign_in(world)
    answer = await ana.move(hold, "release")
    assert answer.status_code == 422
    assert "Choose a reason." in text(answer)
    answer = await ana.move(hold, "release", reason="other", note="  ")
    assert answer.status_code == 422
    assert "Say in a few words" in text(answer)
    assert world.money_calls("/cancel") == []
    answer = await ana.move(hold, "release", reason="other", note="Moved to May.")
    assert answer.status_code == 303
    page = text(await ana.page(answer.headers["location"]))
    assert "$96.00 went back to Maya's card. Nothing was charged." in page
    assert "Other: Moved to May." in page
    assert len(world.money_calls("/cancel")) == 1


async def test_two_refunds_add_up_and_a_third_has_nothing_left(world: World):
    hold, ana = await held(world), await sign_in(world)
    await ana.move(hold, "capture")
    reason = "lesson_went_wrong"
    assert (await ana.move(hold, "refund", amount="40", reason=reason)).status_code == 303
    page = text(await ana.page(f"/holds/{hold}"))
    assert "Maya Chen paid $96.00 and got $40.00 back" in page and "Refund $56.00…" in page
    over = await ana.move(hold, "refund", amount="56.01", reason=reason)
    assert over.status_code == 422 and "Enter $56.00 or less." in text(over)
    assert (await ana.move(hold, "refund", reason=reason)).status_code == 303
    assert (await payment(hold)).payment_status == Status.REFUNDED
    assert len(world.money_calls("/v1/refunds")) == 2
    assert f"/holds/{hold}/refund" not in (await ana.page(f"/holds/{hold}")).text


@pytest.mark.parametrize("amount", ["96.01", "1000000", "0.1", "", "sixty", "-5", "12.345"])
async def test_a_bad_amount_is_told_at_the_field_and_nothing_typed_is_lost(
    world: World, amount: str
):
    hold, ana = await held(world), await sign_in(world)
    await ana.move(hold, "capture")
    hold = await held(world)
    given = await ana.form(hold, "capture")
    given.pop("agreed")
    answer = await ana.send(hold, "capture", given | {"scope": "part", "amount": amount})
    assert answer.status_code == 422
    assert 'id="amount-fault"' in answer.text
    field = answer.text[answer.text.index('<input id="amount"') :].split(">")[0]
    assert f'value="{amount}"' in field and "autofocus" in field and 'aria-invalid="true"' in field
    assert fields(answer)["operation"] == given["operation"]
    assert len(world.money_calls("/capture")) == 1


async def test_a_refund_above_the_limit_needs_finance(world: World):
    package = await world.buy_package()
    hold = int((await world.payment(package["id"])).id)
    ana, finn = await sign_in(world), await sign_in(world, "finance", "Finn")
    reason = "requested_by_customer"
    refused = await ana.move(hold, "refund", amount="200.01", reason=reason)
    assert refused.status_code == 403 and "Refunds above $200.00 need finance." in text(refused)
    assert (await ana.move(hold, "refund", amount="150", reason=reason)).status_code == 303
    again = await ana.move(hold, "refund", amount="60", reason=reason)
    assert again.status_code == 403 and "$150.00 was refunded already." in text(again)
    assert len(world.money_calls("/v1/refunds")) == 1
    assert (await finn.move(hold, "refund", reason=reason)).status_code == 303


async def test_a_refund_in_another_currency_needs_finance(world: World):
    hold = await held(world, instructor_id=world.catalog.jpy)
    ana = await sign_in(world)
    await ana.move(hold, "capture")
    refused = await ana.move(hold, "refund", reason="requested_by_customer")
    assert refused.status_code == 403 and "Refunds in JPY need finance." in text(refused)
    assert world.money_calls("/v1/refunds") == []


async def test_6_only_legal_movements_are_in_the_page(world: World):
    hold, ana = await held(world), await sign_in(world)
    page = (await ana.page(f"/holds/{hold}")).text
    assert f"/holds/{hold}/capture" in page and f"/holds/{hold}/release" in page
    assert f"/holds/{hold}/refund" not in page
    assert (await ana.page(f"/holds/{hold}/refund")).status_code == 409
    await ana.move(hold, "capture")
    page = (await ana.page(f"/holds/{hold}")).text
    assert f"/holds/{hold}/refund" in page and f"/holds/{hold}/capture" not in page
    given = {"_csrf": ana.csrf, "operation": "3a1ff5b8-56a3-4b8f-9f0e-4d8f4a0c1d11"}
    assert (await ana.send(hold, "capture", given)).status_code == 409


async def test_a_hold_that_ended_is_refused_with_the_time(world: World):
    hold, ana = await held(world), await sign_in(world)
    given = await ana.form(hold, "capture")
    await world.advance(timedelta(days=8))
    answer = await ana.send(hold, "capture", given)
    assert answer.status_code == 409
    assert "This hold ended at" in text(answer) and "so it can't be captured." in text(answer)
    assert world.money_calls("/capture") == []


async def test_2_one_capture_brings_heading_strip_counts_and_rows_in_line(world: World):
    world.sandbox.next_authorization(10 * 3600)
    first = await held(world, starts_in=timedelta(hours=1))
    world.sandbox.next_authorization(11 * 3600)
    await held(world, starts_in=timedelta(hours=1), student={"name": "Leo Brandt"})
    ana = await sign_in(world)
    assert "2 holds worth $192.00 expire in the next 24 hours" in text(await ana.page("/holds"))
    given = await ana.form(first, "capture")
    answer = await ana.send(first, "capture", given, **under("/holds?view=expiring"))
    assert answer.status_code == 200
    said = text(answer)
    assert "1 hold worth $96.00 expires in the next 24 hours" in said
    assert "Expiring 1" in said and "All open 1" in said and "Leo Brandt" in said
    assert f'id="hold-{first}"' not in answer.text
    assert 'id="queue"' in answer.text and "hx-swap-oob" in answer.text
    assert "Maya paid $96.00." in said


async def test_on_the_page_of_a_hold_the_same_partial_comes_back(world: World):
    hold, ana = await held(world), await sign_in(world)
    given = await ana.form(hold, "capture")
    answer = await ana.send(hold, "capture", given, **under(f"/holds/{hold}"))
    assert 'id="hold"' in answer.text and "Maya Chen paid $96.00" in text(answer)
    assert "<html" not in answer.text


async def test_18_a_session_that_ended_while_typing_is_said_and_nothing_moves(world: World):
    hold, ana = await held(world), await sign_in(world)
    given = await ana.form(hold, "capture")
    await ana.browser.post("/sign-out", data={"_csrf": ana.csrf})
    answer = await ana.send(hold, "capture", given)
    assert answer.status_code == 401 and "You are not signed in any more" in text(answer)
    assert world.money_calls("/capture") == []


async def test_who_did_it_is_kept_with_the_operation(world: World):
    hold, ana = await held(world), await sign_in(world)
    await ana.move(hold, "release", reason="duplicate", note="Twice")
    operation = await Operation.objects().get(
        (Operation.payment == hold) & (Operation.verb == "release")
    )
    assert operation is not None
    assert (operation.asked_by, operation.cause, operation.reason) == ("Ana", "staff", "duplicate")
    assert operation.asked_at <= clock.now()
    assert isinstance(ana, Person)
