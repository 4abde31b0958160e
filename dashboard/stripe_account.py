"""A name for the Stripe account that a key opens, which gives nothing of the key away."""

import hashlib

from dashboard.settings import Settings


def account_of(settings: Settings) -> str:
    """The same for the same key; it tells the sandbox from Stripe itself."""
    digest = hashlib.sha256(settings.stripe_api_key.encode()).hexdigest()[:12]
    return f"{'sandbox' if settings.sandbox else 'stripe'}:{digest}"
