"""Intents at Stripe that no payment of ours holds: made by us, by a copy of us, or by others."""

from dataclasses import replace

from dashboard.payments.facts import OPEN, State
from dashboard.payments.reconcile.causes import Kind
from dashboard.payments.reconcile.comparison import Field
from dashboard.payments.reconcile.finding import Finding, Verdict
from dashboard.payments.tables import Operation, Payment
from dashboard.snapshots import Intent


async def orphan(intent: Intent) -> Verdict:
    """An intent at Stripe: nothing to say if a payment of ours holds it, or is about to."""
    if await Payment.exists().where(Payment.stripe_intent_id == intent.id):
        return Verdict()
    fields = [
        Field("intent", None, intent.id, mendable=False),
        Field("intent_status", None, intent.status, mendable=False),
        Field("intent_amount", None, intent.amount, mendable=False),
    ]
    told = Finding(Kind.FOREIGN_INTENT, fields, intent_id=intent.id, currency=intent.currency)
    if intent.operation_id is None:
        return Verdict([told])
    operation = await Operation.objects().get(Operation.id == intent.operation_id)
    if operation is None:
        return Verdict([replace(told, kind=Kind.MISSING_ROW)])
    if operation.state in OPEN and operation.state != State.STALLED:
        return Verdict(under_way=True)
    row = await Payment.objects().get(Payment.id == operation.payment)
    assert row is not None
    if row.stripe_intent_id == intent.id:
        return Verdict()
    kind = Kind.ORPHAN if row.stripe_intent_id is None else Kind.SECOND_INTENT
    return Verdict([replace(told, kind=kind, payment=row.id, operation=operation.id)])
