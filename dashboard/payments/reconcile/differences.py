"""The rows of what differs: kept over the runs, decided by people, gone when they are gone."""

import json
from collections.abc import Sequence
from typing import Any

import structlog

from dashboard import clock
from dashboard.payments import ledger
from dashboard.payments.actors import Actor
from dashboard.payments.reconcile.causes import OF_INTENTS, Kind
from dashboard.payments.reconcile.finding import Finding
from dashboard.payments.reconcile.tables import ReconcileDifference as Row
from dashboard.payments.tables import Operation, Payment
from dashboard.stripe_gateway import NotThere, Unreachable, gateway

log = structlog.get_logger()
STANDING = ("open", "acknowledged")


class Decided(Exception):
    """Somebody, or the run, was faster; `row` is how the difference stands now."""

    def __init__(self, row: Row) -> None:
        super().__init__(row.state)
        self.row = row


class NotOurs(Exception):
    """Stripe does not show the intent as one that this operation made. Nothing was changed."""


async def keep(findings: Sequence[Finding], run: int) -> int:
    """Keep what was found; answers how many of them a post has brought in line."""
    for finding in findings:
        if finding.converged:
            await _insert(finding, f"{finding.key}:{run}:{clock.now().timestamp()}", run)
            log.info("reconcile.converged", key=finding.key)
        else:
            await _upsert(finding, run)
    return sum(finding.converged for finding in findings)


async def settle_payment(payment_id: int, findings: Sequence[Finding]) -> None:
    """Of this payment only what was found now still stands: the rest has resolved itself."""
    found = [finding.key for finding in findings if not finding.converged]
    mine = (Row.payment == payment_id) & Row.kind.not_in(list(OF_INTENTS))
    await _gone(mine & Row.key.not_in(found or [""]))


async def settle_intent(intent_id: str, findings: Sequence[Finding]) -> None:
    """The same for an intent that no payment held."""
    found = [finding.key for finding in findings if not finding.converged]
    mine = (Row.intent_id == intent_id) & Row.kind.is_in(list(OF_INTENTS))
    await _gone(mine & Row.key.not_in(found or [""]))


async def _gone(which: Any) -> None:
    standing = Row.state.is_in(list(STANDING))
    values: dict[Any, Any] = {"state": "gone", "gone_at": clock.now()}
    await Row.update({**values, Row.version: Row.version + 1}).where(standing & which)


async def unseen(run: int, limit: int, after: int) -> list[Row]:
    """Differences that stand and that this run has not come by; those behind `after`."""
    standing = Row.state.is_in(list(STANDING)) & (Row.run != run) & (Row.id > after)
    return await Row.objects().where(standing).order_by(Row.id).limit(limit)


async def _insert(finding: Finding, key: str, run: int) -> bool:
    now = clock.now()
    row = Row(
        key=key,
        state="converged" if finding.converged else "open",
        first_seen_at=now,
        **_values(finding, run),
    )
    kept = await Row.insert(row).on_conflict(target=Row.key, action="DO NOTHING")
    return bool(kept)


async def _upsert(finding: Finding, run: int) -> None:
    if await _insert(finding, finding.key, run):
        log.warning("reconcile.difference", key=finding.key)
        return
    known = await Row.objects().get(Row.key == finding.key)
    assert known is not None
    values = _values(finding, run)
    same = known.fields == values["fields"]
    if known.state == "open" or (known.state == "acknowledged" and same):
        # The version is of what a person decides upon: only other fields make their page stale.
        seen: dict[Any, Any] = dict(values)
        if not same:
            seen[Row.version] = Row.version + 1
        # Whoever acknowledges it at this moment has seen the fields of before.
        await Row.update(seen).where((Row.id == known.id) & (Row.version == known.version))
        return
    # It has changed since somebody acknowledged it, or it is back.
    again: dict[Any, Any] = {**values, "state": "open", "gone_at": None}
    again |= {"first_seen_at": clock.now(), Row.version: Row.version + 1}
    await Row.update(again).where((Row.id == known.id) & (Row.version == known.version))


def _values(finding: Finding, run: int) -> dict[str, Any]:
    return {
        "kind": finding.kind,
        "payment": finding.payment,
        "intent_id": finding.intent_id,
        "operation": finding.operation,
        "currency": finding.currency,
        "fields": json.dumps([[one.name, one.ours, one.theirs] for one in finding.fields]),
        "cause": finding.cause[:500],
        "run": run,
        "last_seen_at": clock.now(),
    }


async def acknowledge(row_id: int, version: int, by: Actor, reason: str) -> Row:
    """A person knows of it and leaves it so; in the caller's transaction. Raises Decided."""
    return await _decide(row_id, version, ("open",), "acknowledged", by, reason)


async def check_adoption(row: Row) -> None:
    """Raises NotOurs unless Stripe itself shows the intent as our operation's; and Unreachable."""
    try:
        intent = await gateway().fetch(row.intent_id)
    except NotThere as error:
        raise NotOurs from error
    if row.kind != Kind.ORPHAN or intent.operation_id != row.operation:
        raise NotOurs


async def adopt(row_id: int, version: int, by: Actor, reason: str) -> Row:
    """A person gives the intent to the payment it was made for; in the caller's transaction.

    Raises Decided, also when that payment has an intent by now. `take_in` has to follow.
    """
    row = await _decide(row_id, version, STANDING, "adopted", by, reason)
    payment = await Payment.objects().get(Payment.id == row.payment)
    assert payment is not None
    if payment.stripe_intent_id not in (None, row.intent_id):
        raise Decided(row)
    return row


async def take_in(row: Row) -> None:
    """Attach an adopted intent and post its payment; if Stripe is away now, a sweep posts it."""
    await ledger.attach(row.payment, row.intent_id)
    try:
        await ledger.post(row.payment)
    except (Unreachable, NotThere, ledger.Contended):
        await ledger.leave_due(row.payment)


async def _decide(
    row_id: int, version: int, before: Sequence[str], after: str, by: Actor, reason: str
) -> Row:
    values: dict[Any, Any] = {
        "state": after,
        "decided_by": by.name,
        "decided_by_staff": by.staff_id,
        "decided_at": clock.now(),
        "reason": reason[:500],
    }
    rows = (
        await Row.update({**values, Row.version: Row.version + 1})
        .where((Row.id == row_id) & Row.state.is_in(list(before)) & (Row.version == version))
        .returning(*Row.all_columns())
    )
    if not rows:
        raise Decided(await need(row_id))
    return Row(**rows[0])


async def need(row_id: int) -> Row:
    """The difference; raises LookupError when there is none."""
    row = await Row.objects().get(Row.id == row_id)
    if row is None:
        raise LookupError(f"difference {row_id}")
    return row


async def purchase_of(row: Row) -> int | None:
    """The purchase to settle after an adoption."""
    found = await Operation.objects().get(Operation.id == row.operation)
    return None if found is None else int(found.purchase)


async def open_count() -> int:
    """How many differences wait for a person."""
    return await number_of("open")


async def number_of(state: str) -> int:
    """How many differences are in this state."""
    return int(await Row.count().where(Row.state == state))


async def by_number(state: str, beyond: int, limit: int) -> list[Row]:
    """Differences in this state in the order in which they were found, from behind `beyond`."""
    which = (Row.state == state) & (Row.id > beyond)
    return await Row.objects().where(which).order_by(Row.id).limit(limit)


async def listed(state: str, limit: int, after: int = 0, run: int | None = None) -> list[Row]:
    """Differences in this state, the newest first; `run` only those that it last saw."""
    which: Any = Row.state == state
    if after:
        which = which & (Row.id < after)
    if run is not None:
        which = which & (Row.run == run)
    return await Row.objects().where(which).order_by(Row.id, ascending=False).limit(limit)
