"""Our rows against Stripe's lists: everything that differs is found, and nothing else."""

import os

from dashboard.payments.reconcile import differences
from dashboard.payments.reconcile.causes import Kind
from dashboard.payments.tables import Payment
from tests.payments.conftest import Desk
from tests.payments.multiplying import multiply, samples
from tests.payments.planting import MENDED, PLANTS
from tests.payments.reconciling import compare, rows


async def test_every_planted_difference_is_found_and_named(desk: Desk):
    planted: list[tuple[Kind, int | str]] = []
    # Time moves for the first: nothing that comes after it may fall due by that.
    first, *others = [Kind.EXPIRED, *(kind for kind in PLANTS if kind is not Kind.EXPIRED)]
    twice = [kind for kind in others if not kind.startswith("lost")]
    for kind in [first, *others, *twice]:
        planted.append((kind, await PLANTS[kind](desk)))
    assert len(planted) >= 50

    run = await compare()

    found = await rows()
    missed = [
        one
        for one in planted
        if one not in [(row.kind, row.payment) for row in found]
        and one not in [(row.kind, row.intent_id) for row in found]
    ]
    assert missed == []
    # The other row of two that were mixed up is told of as well, and nothing else is.
    assert len(found) == len(planted) + 2
    assert {row.kind for row in found if row.state == "converged"} == set(MENDED)
    assert run.converged == sum(kind in MENDED for kind, _ in planted)
    assert run.found == len(found) - run.converged == await differences.open_count()
    assert all(row.cause and row.fields != "[]" for row in found)


async def test_nothing_is_found_in_clean_payments(desk: Desk):
    count = int(os.environ.get("RECONCILE_PAYMENTS", "1000"))
    shapes = await samples(desk)
    await multiply(desk, count // shapes)
    count = await Payment.count()

    run = await compare()

    assert await rows() == []
    assert (run.compared, run.found, run.converged, run.under_way) == (count, 0, 0, 0)
    # Only where a list can't tell is a payment read by itself: refunds and disputes.
    assert run.read_wholly <= count * 2 // shapes
