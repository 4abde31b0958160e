"""Eight mistakes that a money path can be built with. `test_plants.py` tells which are found.

None of them is a switch of the product: they take the place of its functions in the process that
plays the schedules, and in no other.
"""

import uuid
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import stripe

from dashboard import clock
from dashboard import stripe_reading as read
from dashboard.payments import actions, inbox, ledger, queries, resume, sending, settle
from dashboard.payments.errors import Busy
from dashboard.payments.facts import OPEN, State, Verb
from dashboard.payments.tables import Operation, Payment, Purchase, StripeEvent
from dashboard.payments.turning import touch
from dashboard.snapshots import Answer, Intent, Refusal
from dashboard.stripe_gateway import StripeGateway
from tests.simulation.machine import Machine
from tests.simulation.outside import Outside

FOR_EVER = timedelta(days=3650)


def no_key(_machine: Machine) -> None:
    """Every send has a key of its own, so that Stripe can't know a repeat."""
    send = StripeGateway.send

    async def afresh(self: StripeGateway, call: Any, *, key: str, **more: Any) -> Answer:
        return await send(self, call, key=f"{key}:{uuid.uuid4()}", **more)

    StripeGateway.send = afresh  # type: ignore[method-assign]


def no_lease(_machine: Machine) -> None:
    """Whoever comes may send, as late as he likes: nothing says that somebody is at it already."""

    async def taken(operation_id: str, states: tuple[State, ...], _: Any) -> Operation | None:
        row = await sending.reload(operation_id)
        if State(row.state) not in (*states, State.SENDING):
            return None
        values: dict[Any, Any] = {"state": State.SENDING, "lease_until": clock.now()}
        values |= {"first_sent_at": row.first_sent_at or clock.now()}
        await Operation.update(values).where(
            (Operation.id == operation_id) & Operation.open_for.is_not_null()
        )
        return await sending.reload(operation_id)

    sending._take_lease = taken
    sending.WRITE_WITHIN = FOR_EVER.total_seconds()
    sending._leave_if_stalled = lambda _taken_at: None


_happened: dict[str, Intent] = {}
_handled: ContextVar[str] = ContextVar("handled")


def event_trusted(machine: Machine) -> None:
    """What an event says is written down as the truth, without asking Stripe how things stand."""
    send_off, claim = Outside._send_off, inbox._claim

    def remembering(self: Outside, event: dict[str, Any]) -> None:
        subject = event["data"]["object"]
        name = subject["id"] if subject["object"] == "payment_intent" else None
        name = name or subject.get("payment_intent")
        if name is not None:
            _happened[event["id"]] = _as_it_was(machine, name)
        send_off(self, event)

    async def named(event_id: str) -> StripeEvent | None:
        _handled.set(event_id)
        return await claim(event_id)

    class Trusting:
        """The ledger, as the inbox sees it."""

        def __getattr__(self, name: str) -> Any:
            return getattr(ledger, name)

        async def post(self, payment_id: int, event_at: datetime | None = None) -> Payment:
            before = await ledger._payment(payment_id)
            return await ledger.commit(before, _happened[_handled.get()], event_at)

    Outside._send_off = remembering  # type: ignore[method-assign]
    inbox._claim = named
    inbox.ledger = Trusting()  # type: ignore[assignment]


def _as_it_was(machine: Machine, intent_id: str) -> Intent:
    def ask(path: str) -> Any:
        return stripe.StripeObject.construct_from(machine.wire.ask("GET", path), "key")

    raw = ask(f"/v1/payment_intents/{intent_id}?expand[0]=latest_charge.balance_transaction")
    lists = [ask(f"/v1/{kind}?payment_intent={intent_id}") for kind in ("refunds", "disputes")]
    refunds = [read.refund(one) for one in lists[0].data]
    disputes = [read.dispute(one) for one in lists[1].data]
    return read.intent(raw, refunds, disputes, clock.now())


def retry_past_a_day(_machine: Machine) -> None:
    """A key is taken to be good for ever: Stripe has forgotten it and carries the repeat out."""
    sending.KEY_LIFE = resume.KEY_LIFE = FOR_EVER


def too_many_is_no(_machine: Machine) -> None:
    """A 429 counts as a refusal, also where an earlier send of the same operation got no answer."""
    from dashboard import stripe_gateway

    answer = stripe_gateway._answer

    def hasty(error: stripe.StripeError) -> Answer:
        if error.http_status == 429:
            return Answer("refused", refusal=Refusal("rate_limit", "Too many requests"))
        return answer(error)

    stripe_gateway._answer = hasty


def version_after_fetch(_machine: Machine) -> None:
    """A post reads the version after Stripe: an old snapshot passes for a new one."""

    async def post(payment_id: int, event_at: datetime | None = None) -> Payment:
        for _ in range(ledger.TRIES):
            target = await ledger._payment(payment_id)
            intent = await ledger.gateway().fetch(target.stripe_intent_id or "")
            before = await ledger._payment(payment_id)
            try:
                return await ledger.commit(before, intent, event_at)
            except ledger._Stale:
                continue
        await ledger.leave_due(payment_id)
        raise ledger.Contended(payment_id)

    ledger.post = post


def one_per_payment(_machine: Machine) -> None:
    """One unfinished operation per payment: both holds of a renewal can be captured."""
    insert, books = actions._insert, queries.books

    async def alone(wish: Any, purchase: Purchase, payment: Payment, amount: int) -> Operation:
        operation = await insert(wish, purchase, payment, amount)
        await Operation.update({"open_for": -payment.id}).where(Operation.id == operation.id)
        return operation

    async def first_of(purchase_id: int) -> queries.Books | None:
        found = await books(purchase_id)
        rows = await _open(purchase_id)
        return replace(found, operation=rows[0] if rows else None) if found else None

    async def claim(wish: actions.Wish) -> Operation:
        purchase = await touch(wish.purchase_id)
        known = await Operation.objects().get(Operation.id == wish.operation_id)
        if known is not None:
            return actions._same(known, wish)
        found = await first_of(wish.purchase_id)
        assert found is not None
        payment = actions._target(found, wish)
        for row in await _open(wish.purchase_id):
            if payment is None or row.payment == payment.id or wish.verb in actions.CREATES:
                raise Busy(row)
        amount = actions._check(replace(found, operation=None), payment, wish)
        if wish.verb in actions.CREATES:
            payment = await actions.attempts.begin(purchase, found)
        assert payment is not None
        operation = await alone(wish, purchase, payment, amount)
        if wish.actor.cause != actions.SWEEP.cause and wish.verb not in actions.CREATES:
            await actions._decide_by_hand(purchase, payment, wish, amount)
        return operation

    queries.books = first_of
    actions.claim = claim


async def _open(purchase_id: int) -> list[Operation]:
    rows: list[Operation] = (
        await Operation.objects()
        .where((Operation.purchase == purchase_id) & Operation.open_for.is_not_null())
        .order_by(Operation.asked_at)
    )
    return rows


def cancel_dropped(_machine: Machine) -> None:
    """A cancellation is answered and forgotten where a capture is not known to have worked."""
    decide = settle.decide

    async def deaf(purchase_id: int, decision: settle.Decision) -> int:
        row = await Operation.objects().get(Operation.open_for == purchase_id)
        if row is not None and Verb(row.verb) is Verb.CAPTURE and State(row.state) in OPEN:
            return decision.owed
        return await decide(purchase_id, decision)

    settle.decide = deaf


PLANTS: dict[str, Callable[[Machine], None]] = {
    one.__name__: one
    for one in (
        no_key,
        no_lease,
        event_trusted,
        retry_past_a_day,
        too_many_is_no,
        version_after_fetch,
        one_per_payment,
        cancel_dropped,
    )
}
