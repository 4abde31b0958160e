"""What the customer's bank does about a captured payment, and how we hear of it."""

from datetime import timedelta
from typing import Any

from dashboard.payments.facts import Verb
from dashboard.payments.tables import Purchase
from tests.payments.conftest import Desk

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
Json = dict[str, Any]


async def paid(desk: Desk, card: str = "pm_card_visa") -> int:
    """A purchase of 96.00 that was captured by hand."""
    purchase = await desk.buy(card=card)
    await desk.ask(Verb.CAPTURE, purchase)
    return purchase


async def dispute(desk: Desk, purchase: int, told: bool = True, **more: Any) -> Json:
    """The customer's bank disputes the payment; `told` by webhooks."""
    charge = (await desk.payment(purchase)).stripe_charge_id
    opened = desk.sandbox.control("POST", f"charges/{charge}/dispute", more)
    await hear(desk, told)
    return opened


async def move(desk: Desk, opened: Json, *statuses: str, told: bool = True) -> None:
    for status in statuses:
        desk.sandbox.control("POST", f"disputes/{opened['id']}", {"status": status})
    await hear(desk, told)


async def hear(desk: Desk, told: bool) -> None:
    """By webhooks, or by the reads that the clock makes."""
    if told:
        await desk.deliver()
        await desk.deliver(order="reverse")
    else:
        await desk.advance(7 * HOUR)
    await desk.tick()


async def row_of(purchase: int) -> Purchase:
    row = await Purchase.objects().get(Purchase.id == purchase)
    assert row is not None
    return row


async def kinds(desk: Desk, purchase: int) -> list[str]:
    return [kind for kind in await desk.kinds(purchase) if kind.startswith(("dispute", "funds"))]
