"""What is under way when a process dies: each way in which money moves, in the web or the worker.

A scene arranges a subject, acts on it through the process that is to die, and knows how the subject
may stand afterwards: as before, if nothing was written down, else as it was asked for.
"""

import json
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx

from dashboard import clock, db, stripe_gateway
from dashboard.bookings import queries as bookings
from dashboard.payments import actions, queries, settle
from dashboard.payments.actions import Wish
from dashboard.payments.actors import Actor
from dashboard.payments.facts import Verb
from dashboard.payments.tables import Purchase
from tests.kill.stage import Stage, until
from tests.web.desk import HTML, fields, hidden
from tests.world import ANA, PASSWORD

State = tuple[str, int, int]
HELD: State = ("authorized", 0, 0)
PAID: State = ("captured", 9600, 0)
SWEEP = "auto_capture_completed_lessons"
STUDENT = Actor("Maya", "student")


@dataclass
class Subject:
    """One purchase of a scene; `press` is the request that may be sent once more."""

    key: str = field(default_factory=lambda: str(uuid.uuid4()))
    booking: int = 0
    purchase: int = 0
    payment: int = 0
    intent: str = ""
    form: dict[str, str] = field(default_factory=dict)
    body: str = ""
    statuses: list[int | None] = field(default_factory=list)


@dataclass(frozen=True)
class Scene:
    """A movement, the process that makes it, and how it may end."""

    verb: str
    process: str
    arrange: Callable[[Stage, Subject], Awaitable[None]]
    act: Callable[[Stage, Subject, str], Awaitable[None]]
    before: State | None
    after: State
    # Whether a person or a program would press again, and is to be told the same.
    repeats: bool = False
    # Whether the other side sends it again by itself until it is answered.
    resent: bool = False


# Arranging.


async def nothing(stage: Stage, subject: Subject) -> None:
    return


async def held(stage: Stage, subject: Subject) -> None:
    answer = await stage.book(subject.key, f"{subject.key}@example.test")
    assert answer.status_code == 201, answer.text
    subject.booking = answer.json()["booking"]["id"]
    await _know(subject)


async def paid(stage: Stage, subject: Subject) -> None:
    await held(stage, subject)
    answer = await stage.web.post(f"/bookings/{subject.booking}/capture-payment")
    assert answer.status_code == 200, answer.text


async def _know(subject: Subject) -> None:
    subject.purchase = (await bookings.booking(subject.booking)).purchase
    books = await queries.books(subject.purchase)
    assert books is not None
    assert books.current is not None
    subject.payment, subject.intent = books.current.id, str(books.current.stripe_intent_id)


async def outside(stage: Stage, subject: Subject) -> None:
    """Captured in Stripe's own dashboard: only the event brings the news."""
    await held(stage, subject)
    stage.sandbox.webhooks("hold")
    api = stage.sandbox.stripe().v1
    api.payment_intents.capture(subject.intent, {"amount_to_capture": 6000})
    for delivery in reversed(stage.sandbox.deliveries("held")):
        event = json.loads(delivery["body"])
        if event["type"] == "payment_intent.succeeded":
            subject.body = delivery["id"]
            return
    raise LookupError("no event tells of the capture")


async def called_off(stage: Stage, subject: Subject) -> None:
    await held(stage, subject)
    await _decide(subject, 0)


async def done(stage: Stage, subject: Subject) -> None:
    await held(stage, subject)
    await _decide(subject, 9600)


async def waived(stage: Stage, subject: Subject) -> None:
    await paid(stage, subject)
    await _decide(subject, 5600)


async def _decide(subject: Subject, owed: int) -> None:
    async with db.transaction():
        decision = settle.Decision(owed, "a test", "Ana", clock.now())
        await settle.decide(subject.purchase, decision)


def left_planned(first: Any, verb: Verb, amount: int | None = None) -> Any:
    """A web process died after the claim, more than a minute ago."""

    async def arrange(stage: Stage, subject: Subject) -> None:
        await first(stage, subject)
        actor = STUDENT if verb is Verb.AUTHORIZE else ANA
        async with db.transaction():
            await actions.claim(Wish(verb, subject.purchase, subject.key, actor, amount=amount))
        stage.advance(61)

    return arrange


async def bare(stage: Stage, subject: Subject) -> None:
    """A purchase of which nothing was asked yet."""
    customer = await stripe_gateway.gateway().create_customer(
        name="Maya", email="maya@example.test", key=subject.key
    )
    purchase = Purchase(
        currency="usd",
        price=9600,
        customer=customer,
        payment_method="pm_card_visa",
        description="Piano lesson",
        capture_due_at=clock.now() + timedelta(days=2),
        created_at=clock.now(),
    )
    await purchase.save()
    subject.purchase = int(purchase.id)


# Acting.


async def _press(subject: Subject, request: Awaitable[httpx.Response]) -> None:
    """Send it, and note the answer; None where the process died over it."""
    try:
        subject.statuses.append((await request).status_code)
    except httpx.HTTPError:
        subject.statuses.append(None)


async def book(stage: Stage, subject: Subject, _: str) -> None:
    await _press(subject, stage.book(subject.key, f"{subject.key}@example.test", **_when(subject)))


def _when(subject: Subject) -> dict[str, str]:
    # The same request again is the same to the second.
    subject.body = subject.body or (clock.now() + timedelta(days=2)).isoformat()
    return {"starts_at": subject.body}


async def capture(stage: Stage, subject: Subject, _: str) -> None:
    await _press(subject, stage.web.post(f"/bookings/{subject.booking}/capture-payment"))


def cancel(by: str) -> Any:
    async def act(stage: Stage, subject: Subject, _: str) -> None:
        body = {"by": by, "reason": "ill"}
        await _press(subject, stage.web.post(f"/bookings/{subject.booking}/cancel", json=body))

    return act


def form(verb: str, **typed: str) -> Any:
    """Open the form, and press its button, at first or once more."""

    async def act(stage: Stage, subject: Subject, _: str) -> None:
        if not subject.form:
            page = await stage.desk.get(f"/holds/{subject.payment}/{verb}", headers=HTML)
            assert page.status_code == 200, page.text
            subject.form = fields(page) | {"reason": "requested_by_customer"} | typed
            if typed:
                subject.form.pop("agreed", None)
        address = f"/holds/{subject.payment}/{verb}s"
        await _press(subject, stage.desk.post(address, data=subject.form, headers=HTML))

    return act


async def receive(stage: Stage, subject: Subject, _: str) -> None:
    """Deliver the event as Stripe does: again, until it is answered with 200."""
    statuses = stage.sandbox.deliver(int(subject.body))
    subject.statuses += statuses


async def tick(stage: Stage, subject: Subject, order: str) -> None:
    stage.enqueue(SWEEP)
    await _ended(stage, order, SWEEP)


async def nudged(stage: Stage, subject: Subject, order: str) -> None:
    stage.nudge("settle_at_once", subject.purchase)
    await _ended(stage, order, "settle_at_once")


async def handled(stage: Stage, subject: Subject, order: str) -> None:
    """The event arrives at the web, whose nudge has the worker handle it."""
    await receive(stage, subject, order)
    assert subject.statuses == [200]
    await _ended(stage, order, "handle_at_once")


async def _ended(stage: Stage, order: str, job: str) -> None:
    """Wait until the worker has done it, or has died over it."""
    worker = stage.processes["worker"]

    async def over() -> bool:
        told = stage.journal("worker", order)
        return not worker.alive or any(
            line["what"] == "ended" and line["label"] == job for line in told
        )

    await until(over)


async def sign_in(stage: Stage) -> None:
    """Finance, in a browser of the stage."""
    from dashboard.staff import auth

    await auth.add_staff("fay@example.test", "finance", PASSWORD, "Fay")
    page = await stage.desk.get("/sign-in", headers=HTML)
    given = {"email": "fay@example.test", "password": PASSWORD, "next": "/holds"}
    answer = await stage.desk.post(
        "/sign-in", data=given | {"_csrf": hidden(page, "_csrf")}, headers=HTML
    )
    assert answer.status_code == 303, answer.text


RELEASED: State = ("released", 0, 0)
BACK: State = ("captured", 9600, 4000)
ALL_BACK: State = ("refunded", 9600, 9600)
PART: State = ("captured", 6000, 0)

SCENES = {
    "web authorize": Scene("authorize", "web", nothing, book, None, HELD, True),
    "web capture": Scene("capture", "web", held, capture, HELD, PAID, True),
    "web release": Scene("release", "web", held, form("release"), HELD, RELEASED, True),
    "web refund": Scene(
        "refund", "web", paid, form("refund", amount="40", scope="part"), PAID, BACK, True
    ),
    "web cancel": Scene("release", "web", held, cancel("student"), HELD, RELEASED, True),
    "web cancel paid": Scene("refund", "web", paid, cancel("instructor"), PAID, ALL_BACK, True),
    "web webhook": Scene("webhook", "web", outside, receive, HELD, PART, True, True),
    "worker webhook": Scene("webhook", "worker", outside, handled, HELD, PART),
    "worker capture": Scene("capture", "worker", done, tick, HELD, PAID),
    "worker capture nudged": Scene("capture", "worker", done, nudged, HELD, PAID),
    "worker release": Scene("release", "worker", called_off, tick, HELD, RELEASED),
    "worker refund": Scene("refund", "worker", waived, tick, PAID, BACK),
    "sweep authorize": Scene(
        "sweep", "worker", left_planned(bare, Verb.AUTHORIZE), tick, None, HELD
    ),
    "sweep capture": Scene("sweep", "worker", left_planned(held, Verb.CAPTURE), tick, HELD, PAID),
    "sweep release": Scene(
        "sweep", "worker", left_planned(held, Verb.RELEASE), tick, HELD, RELEASED
    ),
    "sweep refund": Scene(
        "sweep", "worker", left_planned(paid, Verb.REFUND, 4000), tick, PAID, BACK
    ),
}
