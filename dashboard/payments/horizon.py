"""How long a hold lives, and what follows for a lesson that is farther away than that. Pure.

Source: Stripe's documentation. A customer's own payment is held for 7 days; one that the merchant
makes off-session, on Visa, for 4 days and 18 hours. What Stripe says of a hold in hand counts more.
"""

from datetime import datetime, timedelta

from dashboard.payments.case import PLAN_MARGIN

CUSTOMER_LIFE = timedelta(days=7)
MERCHANT_LIFE = timedelta(days=4, hours=18)
# A hold that is placed later lives this much longer than until its capture.
SPARE = timedelta(hours=30)


def hold_at(capture_due_at: datetime, now: datetime) -> datetime | None:
    """When the hold of a far lesson is to be placed; None when one placed now lives long enough."""
    if capture_due_at <= now + CUSTOMER_LIFE - PLAN_MARGIN:
        return None
    return capture_due_at - (MERCHANT_LIFE - SPARE)
