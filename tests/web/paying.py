"""A student with a link: the page as it is read, and what its forms send."""

import re
from dataclasses import dataclass
from datetime import timedelta
from html import unescape
from typing import Any

import httpx

from dashboard.bookings import pay_links
from dashboard.payments.queries import Books
from tests.web.desk import HTML, hidden, text
from tests.world import World

ASKS = "pm_card_authenticationRequired"
DECLINED = "pm_card_chargeDeclined"
HALF_HOUR = timedelta(minutes=30, seconds=1)


@dataclass
class Student:
    """Somebody who has the link of a booking, and nothing else."""

    world: World
    booking_id: int

    @property
    def path(self) -> str:
        return f"/pay/{pay_links.token(self.booking_id)}"

    async def look(self) -> httpx.Response:
        answer = await self.world.client.get(self.path, headers=HTML)
        assert answer.status_code == 200, answer.text
        return answer

    async def stage(self) -> str:
        return stage(await self.look())

    async def read(self) -> str:
        return text(await self.look())

    async def key(self) -> str:
        return hidden(await self.look(), "key")

    async def pay(self, card: str = "pm_card_visa", key: str | None = None) -> httpx.Response:
        """Open the page, choose a card, press the button."""
        return await self.send(do="pay", payment_method=card, key=key or await self.key())

    async def answer(self, result: str = "success") -> httpx.Response:
        return await self.send(do="answer", result=result)

    async def send(self, **fields: str) -> httpx.Response:
        return await self.world.client.post(self.path, data=fields, headers=HTML)

    async def books(self) -> Books:
        return await self.world.books(self.booking_id)

    async def cancel(self) -> None:
        answer = await self.world.call(self.booking_id, "cancel", {"by": "student"})
        assert answer.status_code == 200, answer.text


async def student(world: World, card: str, **changes: Any) -> Student:
    """Somebody who has booked with this card."""
    answer = await world.post_booking(payment_method=card, **changes)
    assert answer.status_code in (201, 202, 402), answer.text
    return Student(world, answer.json()["booking"]["id"])


def stage(answer: httpx.Response) -> str:
    found = re.search(r'data-stage="(\w+)"', answer.text)
    assert found, answer.text[:800]
    return unescape(found[1])
