"""The worst holds: what lost money before what nearly did, in one currency at a time."""

from datetime import timedelta

import pytest

from dashboard import clock
from dashboard.metrics.queries import today
from dashboard.payments.tables import Payment, Purchase
from dashboard.reports import worst as module
from dashboard.reports.worst import Worst, worst
from tests.metrics.histories import Told, payment, tell

pytestmark = pytest.mark.usefixtures("database")
HELD = Told("authorized", timedelta(), 9600)
REFUSED = Told("operation_refused", timedelta(), 9600, detail={"verb": "capture"}, operation="op")


async def lived(*events: Told, currency: str = "usd", **values: object) -> int:
    row = await payment(currency, **values)
    await tell(row, [HELD, *events], clock.now())
    return int(row.id)


async def found(currency: str = "usd") -> list[Worst]:
    return await worst(today(), today(), currency)


async def ids(currency: str = "usd") -> list[int]:
    return [one.hold.payment.id for one in await found(currency)]


async def test_lost_money_comes_before_disputes_and_these_before_refusals(database: None):
    refused = await lived(REFUSED, REFUSED)
    once = await lived(REFUSED)
    disputed = await lived(Told("dispute_opened", timedelta(), 9600))
    lost = await lived(
        Told("dispute_opened", timedelta(), 5000),
        Told("dispute_closed", timedelta(), 5000, reason="lost"),
    )
    expired = await lived(Told("expired", timedelta(), 9600))
    await lived(Told("captured", timedelta(), 9600))
    await lived(Told("dispute_closed", timedelta(), 9600, reason="won"))
    assert await ids() == [expired, lost, disputed, refused, once]
    costs = [(one.cost, one.disputed, one.refused) for one in await found()]
    assert costs == [(9600, 0, 0), (5000, 5000, 0), (0, 9600, 0), (0, 0, 2), (0, 0, 1)]


async def test_what_was_paid_otherwise_or_not_owed_was_not_lost(database: None):
    gone = Told("expired", timedelta(), 9600)
    paid, renewed, free = [await lived(gone) for _ in range(3)]
    expired = await lived(gone)
    for number, values in ((paid, {"captured_amount": 9600}), (renewed, {})):
        row = await Payment.objects().get(Payment.id == number)
        assert row is not None
        status = "captured" if values else "authorized"
        await Payment(
            purchase=row.purchase,
            currency="usd",
            created_at=clock.now(),
            current=False,
            payment_status=status,
            authorized_amount=9600,
            **values,
        ).save()
    row = await Payment.objects().get(Payment.id == free)
    assert row is not None
    await Purchase.update({Purchase.owed: 0}).where(Purchase.id == row.purchase)
    assert await ids() == [expired]


async def test_currencies_are_not_compared_and_other_days_not_counted(database: None):
    yen = await lived(Told("expired", timedelta(), 5), currency="jpy")
    await lived(Told("expired", timedelta(days=-1), 9600))
    assert (await ids("jpy"), await ids("usd")) == ([yen], [])


async def test_there_are_twenty_at_most(database: None):
    for _ in range(module.MOST + 3):
        await lived(REFUSED)
    assert len(await ids()) == module.MOST
