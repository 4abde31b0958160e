"""One pass through the product before anything is forked, so that no fork has to warm up."""

import uuid
from datetime import timedelta
from typing import Any

import httpx
from litestar import Litestar

from dashboard import clock, db
from dashboard.bookings import catalog
from dashboard.settings import Settings
from dashboard.staff import auth
from jobs import mail, nudges, schedule
from jobs.heartbeat import beating
from jobs.queue import open_queue


async def rehearse(app: Litestar, settings: Settings) -> None:
    """Book, capture and sweep once in this process, and close everything again."""
    transport = httpx.ASGITransport(app=app)
    async with (
        app.lifespan(),
        httpx.AsyncClient(transport=transport, base_url=settings.base_url) as client,
    ):
        token = await auth.add_token("a rehearsal", "bookings,payments")
        client.headers["Authorization"] = f"Bearer {token}"
        made = await client.post("/bookings", json=await _order())
        assert made.status_code == 201, made.text
        await client.get("/sign-in", headers={"Accept": "text/html"})
        await client.post(f"/bookings/{made.json()['booking']['id']}/capture-payment")
        for _, sweep in schedule.PLAN:
            await beating(schedule.name_of(sweep), sweep)
        await mail.mail_at_once()
    open_queue(settings)
    _without_threads()


async def _order() -> dict[str, Any]:
    teacher = f"{uuid.uuid4()}@example.test"
    return {
        "student": {"name": "Maya", "email": teacher, "time_zone": "UTC"},
        "instructor_id": await catalog.add_instructor("Clara", teacher, 9600, "usd"),
        "starts_at": (clock.now() + timedelta(days=2)).isoformat(),
        "minutes": 60,
        "payment_method": "pm_card_visa",
        "is_package": False,
    }


def _without_threads() -> None:
    """A fork has none of the threads that its parent's executor believes in."""
    nudges._thread.shutdown()
    nudges._thread = nudges.ThreadPoolExecutor(1, thread_name_prefix="nudges")
    nudges.forget()
    assert not db.engine()._pools._open
