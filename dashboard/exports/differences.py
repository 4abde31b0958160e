"""What differs from Stripe as a table: a row for each field of each difference."""

import json
from datetime import datetime

from dashboard.exports.lines import Row, columns
from dashboard.exports.sheets import Filters, Page, Sheet
from dashboard.money import Money
from dashboard.payments.reconcile import differences
from dashboard.payments.reconcile.tables import STATES, ReconcileDifference

AT_ONCE = 500
COLUMNS = columns(
    difference="text",
    state="text",
    kind="text",
    payment="text",
    stripe_intent_id="text",
    currency="text",
    field="text",
    ours="text",
    at_stripe="text",
    ours_amount="money",
    at_stripe_amount="money",
    cause="text",
    first_seen_at="instant",
    last_seen_at="instant",
    decided_by="text",
    decided_at="instant",
    reason="text",
)


def _kept(given: Filters) -> dict[str, str]:
    state = given.get("state", "")
    return {"state": state if state in STATES else "open"}


async def _count(filters: Filters, _: datetime) -> int:
    return await differences.number_of(filters["state"])


async def _page(filters: Filters, _: datetime, cursor: str) -> Page:
    found = await differences.by_number(filters["state"], int(cursor or 0), AT_ONCE)
    rows = [line for one in found for line in _rows(one)]
    return rows, str(found[-1].id) if len(found) == AT_ONCE else ""


def _rows(one: ReconcileDifference) -> list[Row]:
    return [_row(one, *field) for field in json.loads(one.fields)]


def _row(
    one: ReconcileDifference, name: str, ours: str | int | None, theirs: str | int | None
) -> Row:
    return (
        one.id,
        one.state,
        one.kind,
        one.payment,
        one.intent_id,
        one.currency.upper(),
        name,
        _text(ours),
        _text(theirs),
        _money(ours, one.currency),
        _money(theirs, one.currency),
        one.cause,
        one.first_seen_at,
        one.last_seen_at,
        one.decided_by,
        one.decided_at,
        one.reason,
    )


def _text(value: str | int | None) -> str:
    # An amount has columns of its own.
    return "" if value is None or isinstance(value, int) else value


def _money(value: str | int | None, currency: str) -> Money | None:
    return Money(value, currency) if isinstance(value, int) and currency else None


SHEET = Sheet("differences", "Differences from Stripe", "/reconcile", COLUMNS, _kept, _count, _page)
