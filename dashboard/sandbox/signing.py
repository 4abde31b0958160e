"""Stripe's webhook signature."""

import hashlib
import hmac

from dashboard import clock


def signature(secrets: str, body: bytes) -> str:
    """The `Stripe-Signature` header, with a fresh timestamp from the wall clock.

    Several secrets, separated by commas, give several signatures, as during a roll at Stripe.
    """
    stamp = int(clock.wall().timestamp())
    signed = f"{stamp}.".encode() + body
    parts = [f"t={stamp}"]
    for secret in secrets.split(","):
        digest = hmac.new(secret.strip().encode(), signed, hashlib.sha256).hexdigest()
        parts.append(f"v1={digest}")
    return ",".join(parts)
