"""What the schedule of a seed is about: chosen before anything is played."""

import random

from tests.simulation.play import DAY, HOUR, MINUTE, Setting

CARDS = {
    "pm_card_visa": 12,
    "pm_card_authenticationRequired": 3,
    "pm_card_pendingRefund": 2,
    "pm_card_refundFail": 2,
    "pm_card_chargeDeclined": 1,
}
KINDS = {"lesson": 6, "renewal": 3, "package": 3, "far": 2}


def choose(seed: int) -> Setting:
    """What the schedule of a seed is about."""
    chance = random.Random(seed * 7919 + 1)
    kind = chance.choices(list(KINDS), weights=list(KINDS.values()))[0]
    renews = kind in ("renewal", "far")
    policies = ("renew",) if renews else ("capture", "release", "alert", "capture")
    due = (9 * DAY, 8 * DAY) if renews else (0.0, MINUTE, 2 * HOUR, 2 * DAY, 6.95 * DAY, 8 * DAY)
    return Setting(
        kind=kind,
        card=chance.choices(list(CARDS), weights=list(CARDS.values()))[0],
        policy=chance.choice(policies),
        price=9600,
        due_in=chance.choice(due),
        chaos=chance.choice((0, 1, 1, 2, 3)),
        faults=chance.choice((0, 1, 1, 2, 3, 5)),
    )
