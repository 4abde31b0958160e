"""Every order of a past, in the order of time: when it comes, who it is of, what it is for."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from dashboard.seeding.past import rhythm
from dashboard.seeding.past.crowd import Crowd
from dashboard.seeding.past.shop import Lesson, Shop
from dashboard.seeding.people import OFFERS
from dashboard.seeding.plan import DAY

# Of orders that are packages, and the least and most lessons that are booked of one.
_PACKAGES, _FEWEST, _MOST = 0.03, 2, 5
_MINUTES = (30, 45, 60, 60, 60, 90)
# How long before the lesson it is booked, in hours, and how often.
_LEADS = ((2, 12, 10), (12, 48, 45), (48, 96, 28), (96, 150, 13), (190, 320, 4))
_WEEK = 7 * DAY


@dataclass(frozen=True, slots=True)
class _Slot:
    """An instant at which somebody books, and how many lessons come of it in all."""

    at: datetime
    lessons: int


def orders(shop: Shop, crowd: Crowd, offers: list[int], bookings: int) -> Iterator[Lesson]:
    """Orders that make exactly so many bookings; `offers` are the ids of the packages."""
    for slot in _slots(shop, bookings):
        part = shop.part(slot.at)
        pupil = crowd.pupil(slot.at, part)
        of_package = slot.lessons > 1
        which = shop.chance.randrange(len(OFFERS)) if of_package else 0
        offer = OFFERS[which] if of_package else None
        tutor = crowd.tutor(pupil, part, offer.currency if offer else None)
        about = slot.at + (timedelta(hours=20) if offer else _lead(shop.chance))
        starts_at = crowd.place(tutor, about)
        weeks = (starts_at + _WEEK * number for number in range(1, slot.lessons))
        yield Lesson(
            at=slot.at,
            pupil=pupil,
            tutor=tutor,
            starts_at=starts_at,
            minutes=shop.chance.choice(_MINUTES),
            offer=offer,
            offer_id=offers[which],
            later=tuple(crowd.place(tutor, week) for week in weeks),
        )


def _lead(chance: random.Random) -> timedelta:
    least, most, _ = chance.choices(_LEADS, weights=[share for *_, share in _LEADS])[0]
    return timedelta(seconds=int(chance.uniform(least, most) * 3600))


def _slots(shop: Shop, bookings: int) -> list[_Slot]:
    sizes: list[int] = []
    left = bookings
    while left > 0:
        of_package = shop.chance.random() < _PACKAGES
        sizes.append(min(shop.chance.randint(_FEWEST, _MOST) if of_package else 1, left))
        left -= sizes[-1]
    found, short = [], 0
    for at, lessons in zip(_instants(shop, len(sizes)), sizes, strict=True):
        # The last lesson of a package is booked two days ahead of it: that has to have been.
        fitting = 1 + max(0, (shop.anchor - at - DAY) // _WEEK)
        short += max(0, lessons - fitting)
        found.append(_Slot(at, min(lessons, fitting)))
    found += [_Slot(at, 1) for at in _instants(shop, short)]
    return sorted(found, key=lambda slot: slot.at)


def _instants(shop: Shop, count: int) -> list[datetime]:
    return rhythm.instants(shop.chance, shop.start, shop.anchor, count)
