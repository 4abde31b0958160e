"""What must hold between our rows and Stripe, read from the database and over HTTP, at rest."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from dashboard import clock, db
from dashboard.payments.tables import Operation, Payment, PaymentEvent, Purchase, StripeEvent
from tests.sandbox.server import RunningSandbox
from tests.simulation import invariants
from tests.simulation.invariants import Account

Json = dict[str, Any]


@dataclass
class Case:
    """Both sides of one purchase, in the shape that the shared rules read."""

    purchase: Json
    payments: list[Json] = field(default_factory=list)
    operations: list[Json] = field(default_factory=list)
    events: list[Json] = field(default_factory=list)
    accounts: dict[str, Account] = field(default_factory=dict)
    play: Any = None

    @property
    def attention(self) -> Any:
        return self.purchase["attention"]

    def account_of(self, payment: Json) -> Account | None:
        return self.accounts.get(payment["stripe_intent_id"])

    @property
    def strays(self) -> list[str]:
        """The intents that an operation of ours made and no payment of ours knows."""
        known = {payment["stripe_intent_id"] for payment in self.payments}
        return [name for name in self.accounts if name not in known]

    def looked_up(self, _intent: Json) -> bool:
        """Whether a person has ended it as not found: nobody does so here."""
        return False

    @property
    def state(self) -> tuple[str, int, int]:
        """Status, captured and refunded of the payment that stands."""
        (current,) = (row for row in self.payments if row["current"])
        return current["payment_status"], current["captured_amount"], current["refunded_amount"]


async def violations(sandbox: RunningSandbox) -> list[str]:
    """Every promise that is broken now, as a sentence; empty when all hold."""
    cases, strangers = await cases_of(sandbox)
    found = [f"I3: {name} is at Stripe and nobody here knows it" for name in strangers]
    for case in cases.values():
        name = f"purchase {case.purchase['id']}: "
        found += [name + said for rule in _RULES for said in rule(case)]
    waiting = await StripeEvent.select().where(StripeEvent.state == "waiting")
    dead = await StripeEvent.select().where(StripeEvent.state == "dead")
    found += [f"I4: event {row['type']} is dead: {row['error']}" for row in dead]
    found += [
        f"I4: event {row['type']} is {row['state']} after {row['attempts']} attempts, due in"
        f" {(row['due_at'] - clock.now()).total_seconds():.0f} s: {row['error']}"
        for row in waiting
        # Who won the race has posted the news; this one only looks once more, a moment later.
        if not row["error"].startswith("Contended")
    ]
    return found


async def cases_of(sandbox: RunningSandbox) -> tuple[dict[int, Case], list[str]]:
    """Every purchase with what Stripe has of it, and the intents that belong to none."""
    cases = {row["id"]: Case(row) for row in await Purchase.select()}
    for table, name in ((Payment, "payments"), (Operation, "operations"), (PaymentEvent, "events")):
        for row in await table.select():
            getattr(cases[row["purchase"]], name).append(row)
    owner = {row["stripe_intent_id"]: case for case in cases.values() for row in case.payments}
    owner |= {row["id"]: case for case in cases.values() for row in case.operations}
    strangers = []
    for name, account in accounts(sandbox).items():
        case = owner.get(name) or owner.get(account.intent["metadata"].get("operation_id"))
        if case is None:
            strangers.append(name)
        else:
            case.accounts[name] = account
    for case in cases.values():
        kind = "package" if case.purchase["at_once"] else "lesson"
        case.play = SimpleNamespace(setting=SimpleNamespace(kind=kind), requests=[])
    return cases, strangers


def accounts(sandbox: RunningSandbox) -> dict[str, Account]:
    """Every intent at Stripe with all that hangs on it, listed through the real SDK."""
    api = sandbox.stripe().v1
    refunds: dict[str, list[Json]] = defaultdict(list)
    disputes: dict[str, list[Json]] = defaultdict(list)
    for one in api.refunds.list({"limit": 100}).auto_paging_iter():
        refunds[one.payment_intent].append(one.to_dict())
    for one in api.disputes.list({"limit": 100}).auto_paging_iter():
        disputes[one.payment_intent].append(one.to_dict())
    found = {}
    wanted: Any = {"limit": 100, "expand": ["data.latest_charge"]}
    for one in api.payment_intents.list(wanted).auto_paging_iter():
        intent = one.to_dict()
        charge = intent["latest_charge"]
        if charge is not None:
            intent["latest_charge"] = charge["id"]
            charge = None if charge["status"] == "failed" else charge
        found[intent["id"]] = Account(intent, charge, refunds[one.id], disputes[one.id])
    return found


def ends_or_is_seen(case: Case) -> Iterator[str]:
    """I4: every operation has ended, or a person is called."""
    for row in case.operations:
        if row["open_for"] is not None and not case.attention:
            yield f"I4: {row['verb']} is {row['state']} and nobody is called"


def paid_is_owed(case: Case) -> Iterator[str]:
    """I7: what is kept is what is owed; a hold stands only while its capture is planned.

    Before the lesson's end nothing may be decided yet: then it is what Stripe shows.
    """
    owed, kept = case.purchase["owed"], sum(one.kept for one in case.accounts.values())
    held = [one for one in case.accounts.values() if one.status == "authorized"]
    if case.attention:
        return
    if len(held) > 1:
        yield f"I7: {len(held)} holds stand at once"
    if held and (owed == 0 or case.purchase["due_at"] is None):
        yield f"I7: a hold stands, {owed} is owed, and nothing is planned"
    due = case.purchase["capture_due_at"]
    if held and owed and due is not None and due <= clock.now():
        yield f"I7: {owed} is owed and due, and a hold still stands"
    if not held and owed is not None and kept != owed:
        yield f"I7: {kept} is kept and {owed} is owed"


_RULES: Any = (
    invariants.one_capture,
    invariants.refunds_as_asked,
    invariants.not_more_than_decided,
    invariants.books_tell_all,
    invariants.books_are_right,
    ends_or_is_seen,
    paid_is_owed,
)


def integrity() -> str:
    """What SQLite says of its file; PostgreSQL has no such question."""
    engine = db.engine()
    if not isinstance(engine, db.WalEngine):
        return "ok"
    with sqlite3.connect(engine.path) as connection:
        answer = connection.execute("PRAGMA integrity_check").fetchone()[0]
    connection.close()
    return str(answer)
