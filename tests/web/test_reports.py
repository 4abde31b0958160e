"""The months at the desk: what each says, its numbers' rows, and who gets it by e-mail."""

import re
from datetime import UTC, datetime, time, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from dashboard.audit.tables import AuditEntry
from dashboard.metrics.numbers import named
from dashboard.metrics.queries import today
from dashboard.reports.words import month
from dashboard.reports.worst import worst
from jobs.metrics import keep_metrics
from tests.web.desk import Person, sign_in, text
from tests.world import World

HOUR = timedelta(hours=1)


def this_month() -> str:
    return f"{today():%Y-%m}"


async def lived(world: World) -> None:
    # In the middle of a month: what happens within hours is of one and the same.
    next_month = (today().replace(day=1) + timedelta(days=32)).replace(day=15)
    await world.move_to(datetime.combine(next_month, time(9), UTC))
    booking = await world.book()
    await world.call(booking["id"], "complete")
    await world.book(starts_in=40 * HOUR, instructor_id=world.catalog.jpy)
    await world.post_booking(payment_method="pm_card_chargeDeclined")
    await world.tick()
    world.sandbox.next_authorization(HOUR.total_seconds())
    await world.book(starts_in=30 * HOUR, student={"name": "Noor Haddad"})
    await world.advance(2 * HOUR)
    await world.deliver()
    await keep_metrics()


async def subscribe(person: Person, wanted: str) -> Any:
    given = {"_csrf": person.csrf, "wanted": wanted}
    return await person.browser.post(
        "/reports/subscription", data=given, headers=person.headers, follow_redirects=False
    )


async def test_a_month_says_its_figures_its_money_and_its_worst_holds(world: World):
    await lived(world)
    vera = await sign_in(world, "viewer", "Vera")
    page = await vera.page(f"/reports/{this_month()}")
    said = text(page).replace("\xa0", " ")
    assert f"{month(today())} so far: 1 of 2 holds expired, $96.00 net before fees" in said
    assert "Authorization success 3 of 4" not in said, "the yen stand by themselves"
    assert "Authorization success 2 of 3" in said and "JPY" in said
    assert "− Fees known $3.08" in said and "= Net after known fees $92.92" in said
    assert "One hold lost $96.00" in said
    assert "Noor Haddad" in said and "expired, $96.00 never taken" in said
    assert page.text.count("Tickets about holds") == 1


async def test_every_number_leads_to_as_many_rows(world: World):
    await lived(world)
    vera = await sign_in(world, "viewer", "Vera")
    page = (await vera.page(f"/reports/{this_month()}")).text
    links = re.findall(r'href="(/analytics/rows\?[^"]+)">([^<]+)</a>', page)
    assert len(links) > 30
    counted = 0
    for address, said in links:
        query = urlsplit(address.replace("&amp;", "&")).query
        asked = {name: value[0] for name, value in parse_qs(query).items()}
        assert asked["to"] == today().isoformat()
        behind = named(asked["what"], today().replace(day=1), today(), asked["currency"])
        count, _ = await behind.come_to()
        if said.isdigit():
            assert count == int(said), address
            counted += 1
    assert counted >= 16
    (lost,) = await worst(today().replace(day=1), today(), "usd")
    assert f'href="/holds/{lost.hold.payment.id}"' in page


async def test_months_are_listed_and_an_empty_one_says_so(world: World):
    vera = await sign_in(world, "viewer", "Vera")
    said = text(await vera.page("/reports"))
    assert "1 month can be read or printed" in said and month(today()) in said
    said = text(await vera.page(f"/reports/{this_month()}"))
    assert "nothing was taken" in said and "No hold expired unpaid" in said


NONE = ["2026-13", "x", "9999-01", "2026-1", "2026-01-01", "1999-12", "\uff12026-01", "-"]


@pytest.mark.parametrize("name", NONE)
async def test_a_month_that_is_none_is_not_found(world: World, name: str):
    vera = await sign_in(world, "viewer", "Vera")
    assert (await vera.page(f"/reports/{name}")).status_code == 404


async def test_a_person_subscribes_and_ends_it_and_the_audit_knows(world: World):
    vera = await sign_in(world, "viewer", "Vera")
    answer = await subscribe(vera, "yes")
    assert answer.headers["location"] == "/reports?done=wanted"
    said = text(await vera.page("/reports?done=wanted"))
    assert "will come to you by e-mail" in said and "It goes to vera.viewer@example.test" in said
    await subscribe(vera, "yes")
    await subscribe(vera, "no")
    assert "The report can come to you" in text(await vera.page("/reports?done=x"))
    kept = await AuditEntry.objects().where(AuditEntry.action == "subscription")
    assert [row.outcome for row in kept] == ["wanted", "wanted", "unwanted"]
    fay = await sign_in(world, "finance", "Fay")
    assert "monthly report comes by e-mail: it comes" in text(await fay.page("/audit"))


async def test_a_form_that_is_forged_subscribes_nobody(world: World):
    vera = await sign_in(world, "viewer", "Vera")
    answer = await vera.browser.post(
        "/reports/subscription", data={"wanted": "yes"}, headers=vera.headers
    )
    assert answer.status_code == 403
