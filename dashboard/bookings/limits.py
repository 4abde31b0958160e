"""How much support may give back without finance."""

from dashboard import settings
from dashboard.payments.errors import NotAllowed


def needs_finance(amount: int, before: int, currency: str) -> NotAllowed | None:
    """Why giving `amount` back is finance's to decide; None when support may. Minor units.

    What was given back `before` counts as well: a large refund is not many small ones.
    """
    chosen = settings.current()
    if currency != chosen.default_currency:
        return NotAllowed("finance_currency", name=currency.upper())
    if before + amount > chosen.support_refund_limit:
        return NotAllowed("limit", most=chosen.support_refund_limit, currency=currency)
    return None
