"""Fills an empty shop with a past: each batch is told to the sandbox, then written to the books."""

import asyncio
import random
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from itertools import islice
from typing import Any

import msgspec
from piccolo.table import Table

from dashboard import db
from dashboard.bookings.tables import Booking, Package, Redemption, Student
from dashboard.mail.tables import UnreadEvent
from dashboard.metrics import rollup
from dashboard.metrics.tables import Touched
from dashboard.payments.tables import Operation, Payment, PaymentEvent, Purchase
from dashboard.seeding import rows
from dashboard.seeding.past import asked, bundle, fates, rhythm, writing
from dashboard.seeding.past.account import Account
from dashboard.seeding.past.crowd import Crowd, Pupil, Tutor, teachers
from dashboard.seeding.past.orders import orders
from dashboard.seeding.past.posting import post
from dashboard.seeding.past.shop import Lesson, Shop, Terms, fresh
from dashboard.seeding.past.size import Size
from dashboard.seeding.past.wire import Act, Teller, name
from dashboard.seeding.people import OFFERS
from dashboard.seeding.plan import DAY
from dashboard.settings import Settings
from dashboard.stripe_account import account_of
from dashboard.support.tables import Ticket, TicketNote

BATCH = 1000
# In the order in which they refer to each other.
_TABLES: tuple[type[Table], ...] = (
    Student, Purchase, Payment, Operation, PaymentEvent, Package, Booking, Redemption, Ticket,
    TicketNote,
)  # fmt: skip
_COUNTED = tuple(table for table in _TABLES if table is not Operation)
# Of orders that are placed under the policy of renewing holds, which the shop tries out, mostly
# where the lesson is far away.
_RENEWING, _RENEWING_FAR, _FAR = 0.04, 0.45, 6 * DAY
Rows = dict[type[Table], list[Any]]


@dataclass(frozen=True, slots=True)
class _Chapter:
    """A batch on its way: the accounts in the order of their stories, and the rows beside them."""

    accounts: list[Account]
    rows: Rows
    told: asyncio.Task[list[list[msgspec.Raw]]]


async def fill(settings: Settings, size: Size, say: Callable[[str], None]) -> None:
    """Write the past that `size` describes; raises wire.Refused and posting.Disagrees."""
    done = 0
    async with aclosing(chapters(settings, size)) as batches:
        async for rows_of in batches:
            await _write(rows_of)
            done += len(rows_of[Booking])
            say(f"{100 * done // size.bookings} %")
    await rollup.rebuild()


async def chapters(settings: Settings, size: Size) -> AsyncGenerator[Rows]:
    """The rows of a past, a batch at a time; the sandbox has them by then."""
    shop, crowd, offers = await _open(settings, size)
    under_way: _Chapter | None = None
    async with Teller(settings) as teller:
        try:
            for number, batch in enumerate(_batches(orders(shop, crowd, offers, size.bookings))):
                chapter = await _begin(shop, crowd, teller, batch, f"{size.number}:{number}")
                before, under_way = under_way, chapter
                # While the sandbox works on this batch, the one before goes to the books.
                if before is not None:
                    yield await _posted(shop, before)
            if under_way is not None:
                yield await _posted(shop, under_way)
        finally:
            if under_way is not None:
                under_way.told.cancel()


def _batches(lessons: Iterator[Lesson]) -> Iterator[list[Lesson]]:
    while batch := list(islice(lessons, BATCH)):
        yield batch


async def _open(settings: Settings, size: Size) -> tuple[Shop, Crowd, list[int]]:
    """Who is there before the first booking, and the shop in which all of it happens."""
    # Not for secrets: the point is that the same number tells the same past.
    chance = random.Random(size.number)  # noqa: S311
    people = teachers(size.number, size.bookings)
    await rows.add_people(size.start, people)
    known = await rows.catalog_ids()
    shop = Shop(
        chance=chance,
        start=size.start,
        anchor=size.anchor,
        outage=rhythm.outage(size.start, size.anchor),
        terms=Terms(
            settings.cancel_free_hours,
            settings.cancel_late_percent,
            settings.expiry_policy,
            account_of(settings),
        ),
        staff=await rows.actors(),
        ids=await writing.last_ids(_COUNTED),
    )
    tutors = [Tutor.of(known[one.email], one) for one in people]
    crowd = Crowd(chance, tutors, lambda: shop.next_id(Student))
    return shop, crowd, [known[index] for index in range(len(OFFERS))]


async def _begin(
    shop: Shop, crowd: Crowd, teller: Teller, batch: Sequence[Lesson], seed: str
) -> _Chapter:
    """Make Stripe's customers of those who are new, and tell what becomes of the orders."""
    newcomers = crowd.newcomers()
    made = await teller.tell(
        f"{seed}:customers", shop.anchor, [_customer(one) for one in newcomers]
    )
    for pupil, shown in zip(newcomers, made, strict=True):
        pupil.customer = name(shown[0])
    told: Rows = defaultdict(list)
    told[Student] += [_student(shop, pupil) for pupil in newcomers]
    accounts = [_live(shop, lesson, told) for lesson in batch]
    stories = [account.acts for account in accounts]
    telling = teller.tell(f"{seed}:stories", shop.anchor, stories)
    return _Chapter(accounts, told, asyncio.create_task(telling))


def _customer(pupil: Pupil) -> list[Act]:
    return [Act(pupil.since.timestamp(), "customer", {"name": pupil.name, "email": pupil.email})]


def _student(shop: Shop, pupil: Pupil) -> Student:
    return fresh(
        Student,
        id=pupil.id,
        name=pupil.name,
        email=pupil.email,
        time_zone=pupil.time_zone,
        stripe_customer_id=pupil.customer,
        customer_key=shop.operation_id(),
        created_at=pupil.since,
    )


def _live(shop: Shop, lesson: Lesson, told: Rows) -> Account:
    """Tell one order's story; the rows that Stripe has no part in are known by then."""
    far = lesson.starts_at - lesson.at > _FAR
    renews = shop.chance.random() < (_RENEWING_FAR if far else _RENEWING)
    policy = "renew" if renews else shop.terms.policy
    if lesson.offer is not None:
        bought = bundle.live(shop, lesson, policy)
        told[Package].append(bought.package)
        told[Booking] += bought.bookings
        told[Redemption] += bought.seats
        return bought.account
    tale = fates.live(shop, lesson, policy)
    told[Booking].append(tale.booking)
    for row in asked.ask(shop, tale.booking, tale.account.present, tale.due_at):
        told[type(row)].append(row)
    return tale.account


async def _posted(shop: Shop, chapter: _Chapter) -> Rows:
    """All rows of a batch, once the sandbox has shown what Stripe would; aside from the loop."""
    return await asyncio.to_thread(_post, shop, chapter, await chapter.told)


def _post(shop: Shop, chapter: _Chapter, shown: list[list[msgspec.Raw]]) -> Rows:
    found = chapter.rows
    for account, acts in zip(chapter.accounts, shown, strict=True):
        found[PaymentEvent] += [
            fresh(PaymentEvent, id=shop.next_id(PaymentEvent), **entry)
            for entry in post(account, acts)
        ]
        found[Purchase].append(account.purchase)
        found[Payment] += account.payments
        found[Operation] += account.operations
    return found


async def _write(found: Rows) -> None:
    """Commit a batch as one."""
    first, last = found[PaymentEvent][0].id, found[PaymentEvent][-1].id
    async with db.transaction():
        marked = (await writing.last_ids([Touched]))[Touched]
        for table in _TABLES:
            await writing.insert(table, found[table])
        # Old news: nobody is to be written to about a past that nobody has lived.
        await UnreadEvent.delete().where((UnreadEvent.event >= first) & (UnreadEvent.event <= last))
        # The days are counted when all is there, and not once for each of their events.
        await Touched.delete().where(Touched.id > marked)
        await writing.go_on_after(_COUNTED)
