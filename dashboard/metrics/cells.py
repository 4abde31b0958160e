"""What is counted: one condition per cell, for a day's numbers and for the rows behind them.

Both read the same words here, so a number and the list of its rows can't disagree.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cell:
    """Events of one kind, what else must be true of them, and the amount that they add up to."""

    kind: str
    also: str = ""
    amount: str = "e.amount"

    @property
    def condition(self) -> str:
        """SQL about the event `e`, with two places for the span: from (included), to (excluded)."""
        within = f"e.kind = '{self.kind}' AND e.occurred_at >= {{}} AND e.occurred_at < {{}}"
        return f"{within} AND {self.also}" if self.also else within


# A student who was declined and gave up was one attempt; the decline has been counted. A far lesson
# that was called off before anything was asked of Stripe was none.
_NEVER_DECLINED = (
    "e.stripe_object_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM payment_events d"
    " WHERE d.payment = e.payment AND d.kind = 'declined')"
)
# Stripe refused it, and neither did it turn out later to have worked after all, nor did it merely
# never arrive there.
REFUSED_CAPTURE = (
    """e.detail LIKE '%"verb": "capture"%' AND e.detail NOT LIKE '%"code": "never_arrived"%'"""
    " AND NOT EXISTS (SELECT 1 FROM payment_events d WHERE d.payment = e.payment"
    " AND d.operation = e.operation AND d.kind IN ('captured', 'operation_succeeded'))"
)


def reverses(event: str) -> str:
    """SQL: this failed refund had been a success. One that failed at once takes nothing back."""
    return f"""{event}.detail LIKE '%"reverses": true%'"""


# A fee in another currency can't be taken off the amount: it counts as one that is not known.
_PRICED = (
    "EXISTS (SELECT 1 FROM payment p WHERE p.id = e.payment"
    " AND p.fee_amount IS NOT NULL AND p.fee_currency = e.currency)"
)
_FEE = "(SELECT p.fee_amount FROM payment p WHERE p.id = e.payment)"
_DISPUTE_FEE = "(SELECT p.dispute_fee_amount FROM payment p WHERE p.id = e.payment)"
# What was kept for all disputes of a payment stands where the first of them took money.
_FIRST_LOSS = (
    f"{_DISPUTE_FEE} > 0 AND NOT EXISTS (SELECT 1 FROM payment_events d"  # noqa: S608
    " WHERE d.payment = e.payment AND d.kind = 'funds_withdrawn' AND d.id < e.id)"
)


CELLS: dict[str, Cell] = {
    "placed": Cell("authorized"),
    "charged": Cell("charged"),
    "declined": Cell("declined"),
    "abandoned": Cell("cancelled", _NEVER_DECLINED),
    "captured": Cell("captured"),
    # The rest of a hold that was captured in part goes back to the card.
    "rest": Cell("captured", "e.given_back > 0", "e.given_back"),
    # Captures of ours: what somebody does in Stripe's own dashboard is no attempt of the desk.
    "asked": Cell("captured", "e.operation IS NOT NULL"),
    "refused": Cell("operation_refused", REFUSED_CAPTURE),
    "released": Cell("released"),
    "expired": Cell("expired"),
    "refunded": Cell("refund_succeeded"),
    "returned": Cell("refund_failed", reverses("e")),
    "disputed": Cell("dispute_opened"),
    "closed": Cell("dispute_closed"),
    "lost": Cell("dispute_closed", "e.reason = 'lost'"),
    "withdrawn": Cell("funds_withdrawn"),
    "reinstated": Cell("funds_reinstated"),
    "fee_captured": Cell("captured", _PRICED, _FEE),
    "fee_charged": Cell("charged", _PRICED, _FEE),
    "fee_disputed": Cell("funds_withdrawn", _FIRST_LOSS, _DISPUTE_FEE),
    "unpriced_captured": Cell("captured", f"NOT {_PRICED}"),
    "unpriced_charged": Cell("charged", f"NOT {_PRICED}"),
}
FATES = ("captured", "refunded", "released", "expired")
