"""Who may ask, and in which version of the API."""

import base64
import binascii
import hmac
from collections.abc import Mapping

from dashboard.sandbox.answers import API_VERSION, StripeError, invalid


def check_access(headers: Mapping[str, str], api_key: str) -> None:
    """Raises 401 without the account's key, and 400 for a version that is not spoken here."""
    given = _key(headers.get("authorization", ""))
    if given is None:
        message = (
            "You did not provide an API key. You need to provide your API key in the Authorization"
            " header, using Bearer auth."
        )
        raise StripeError(message, status=401, executed=False)
    if not hmac.compare_digest(given.encode(), api_key.encode()):
        # The key itself is not repeated: answers end up in logs.
        message = f"Invalid API Key provided: {given[:8]}****"
        raise StripeError(message, status=401, executed=False)
    version = headers.get("stripe-version", API_VERSION)
    if version != API_VERSION:
        raise invalid(f"This sandbox speaks the API version {API_VERSION}, not {version}.")


def _key(authorization: str) -> str | None:
    """The key from Bearer, or from the user name of Basic, as Stripe takes both."""
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() == "bearer" and value:
        return value.strip()
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(value, validate=True).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError):
        return None
