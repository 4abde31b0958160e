"""Plays a plan: orders over HTTP, deeds as the staff do them, time by the sandbox's clock."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import httpx
import msgspec

from dashboard import clock
from dashboard.bookings import placing
from dashboard.bookings.orders import Order as LessonOrder
from dashboard.payments import ledger
from dashboard.payments.tables import Payment
from dashboard.seeding import marker, rows
from dashboard.seeding.deeds import Deeds
from dashboard.seeding.marker import Progress
from dashboard.seeding.people import LEARNERS, TEACHERS
from dashboard.seeding.plan import DAYS, Deed, Happening, Order, clusters
from dashboard.seeding.tales import tell
from dashboard.settings import Settings
from jobs.advance import Controls, advance

# Sweeps look once in this long: a capture of the seed comes as late as that, at most.
GRAIN = timedelta(minutes=20)
AT_ONCE = 4
# Webhooks are sent for the last days alone. Each movement of ours is read back at once, so that the
# days before come out the same without them, in half the time.
WEBHOOKS_FROM = timedelta(days=10)
TAKEN = (200, 201, 202, 402)


class SeedFailed(Exception):
    """The seed can't go on; the message says at what it stopped."""


class Player:
    """One seed on its way, against a running sandbox and web."""

    def __init__(self, settings: Settings, controls: Controls, web: httpx.AsyncClient) -> None:
        self._settings = settings
        self._controls = controls
        self._web = web

    async def play(self, progress: Progress, say: Callable[[str], None]) -> None:
        """Go on from `progress` to the end, and leave the clock at the present."""
        happenings = tell(progress.number, progress.anchor)
        await self._prepare(progress)
        self._deeds = Deeds(self._controls, await rows.actors())
        self._orders = {one.number: one for one in happenings if isinstance(one, Order)}
        self._ids = await rows.catalog_ids()
        groups = list(clusters(happenings))
        for index, group in enumerate(groups):
            if index < progress.done:
                continue
            recent = group[-1].at >= progress.anchor - WEBHOOKS_FROM
            await self._controls.webhooks("send" if recent else "drop")
            await self._wait_for(group[-1].at)
            await self._perform(progress, group)
            progress = msgspec.structs.replace(progress, done=index + 1)
            marker.write(self._settings, progress)
            say(f"{100 * (index + 1) // len(groups)} %")
        await self._controls.webhooks("send")
        await advance(clock.wall(), self._controls, grain=GRAIN)
        await _price()
        # Not before the clock is back: a finished seed never leaves it in the past.
        await self._controls.move_to(clock.wall())
        marker.write(self._settings, msgspec.structs.replace(progress, finished=True))

    async def _prepare(self, progress: Progress) -> None:
        start = progress.anchor - timedelta(days=DAYS)
        if progress.done == 0:
            await self._controls.order("POST", "reset")
            await self._controls.move_to(start)
        await rows.add_people(start)

    async def _wait_for(self, at: datetime) -> None:
        """Advance to an instant. After a break the clock has run on: it goes back to the plan."""
        if clock.now() > at + GRAIN:
            await self._controls.move_to(at)
        await advance(at, self._controls, grain=GRAIN)

    async def _perform(self, progress: Progress, group: list[Happening]) -> None:
        """Orders first, a few at once; then the deeds, one after the other."""
        turns = asyncio.Semaphore(AT_ONCE)

        async def take(order: Order) -> None:
            async with turns:
                await self._place(progress, order)

        orders = [one for one in group if isinstance(one, Order)]
        plain = [one for one in orders if one.life is None and one.redeems is None]
        await asyncio.gather(*(take(order) for order in plain))
        for order in orders:
            if order not in plain:
                await take(order)
        for deed in group:
            if isinstance(deed, Deed):
                await self._do(deed)

    async def _place(self, progress: Progress, order: Order) -> None:
        key = f"seed-{progress.number}-{order.number}"
        if order.redeems is not None:
            await self._redeem(key, order)
            return
        if order.life is not None:
            seconds = order.life.total_seconds()
            await self._controls.order("POST", "next_authorization", {"capture_before": seconds})
        answer = await self._web.post(
            "/bookings", json=self._body(order), headers={"Idempotency-Key": key}
        )
        if answer.status_code not in TAKEN:
            raise SeedFailed(f"booking {order.number}: {answer.status_code} {answer.text[:300]}")

    def _body(self, order: Order) -> dict[str, Any]:
        learner = LEARNERS[order.learner]
        body: dict[str, Any] = {
            "student": {
                "name": learner.name,
                "email": learner.email,
                "time_zone": learner.time_zone,
            },
            "instructor_id": self._ids[TEACHERS[order.teacher].email],
            "starts_at": order.starts_at.isoformat(),
            "minutes": order.minutes,
            "payment_method": order.card,
            "is_package": order.offer is not None,
        }
        if order.offer is not None:
            body["package_id"] = self._ids[order.offer]
        return body

    async def _redeem(self, key: str, order: Order) -> None:
        """A lesson of a package is booked by the staff: no stranger may use it up."""
        learner = LEARNERS[order.learner]
        assert order.redeems is not None
        bought = await rows.booking_of(self._orders[order.redeems])
        lesson = LessonOrder(
            name=learner.name,
            email=learner.email,
            time_zone=learner.time_zone,
            instructor_id=self._ids[TEACHERS[order.teacher].email],
            starts_at=order.starts_at,
            minutes=order.minutes,
            payment_method="",
            package_id=bought.package,
        )
        await placing.place(lesson, key)

    async def _do(self, deed: Deed) -> None:
        await self._deeds.do(deed, await rows.booking_of(self._orders[deed.number]))


async def _price() -> None:
    """Read the charges that Stripe booked a moment after they were made: no webhook told of it."""
    unknown = (Payment.captured_amount > 0) & Payment.fee_amount.is_null()
    for row in await Payment.select(Payment.id).where(unknown):
        await ledger.post(row["id"])
