"""A row with trouble that nobody foresaw hides no row behind it, and the sweep says so."""

from typing import Any

import pytest

from dashboard.payments import ledger
from dashboard.payments.tables import Payment
from jobs import sweeps
from tests.payments.conftest import Desk


async def test_a_payment_that_cannot_be_posted_does_not_stop_the_others(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    first, second = [await desk.payment(await desk.buy()) for _ in range(2)]
    for one in (first, second):
        await ledger.leave_due(one.id)
    real = ledger.post

    async def post(payment_id: int, *more: Any) -> Payment:
        if payment_id == first.id:
            raise ValueError("what Stripe shows can't be taken into our rows")
        return await real(payment_id, *more)

    monkeypatch.setattr(ledger, "post", post)
    with pytest.raises(ValueError, match="taken into our rows"):
        await sweeps.post_due_payments()
    due = await Payment.select(Payment.id).where(Payment.post_due_at.is_not_null())
    assert [row["id"] for row in due] == [first.id]
