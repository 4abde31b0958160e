"""The addresses under which students pay, or confirm, without an account.

A token names its booking and is signed for this purpose alone. It holds nothing else and is kept
nowhere: what it opens is decided by how the booking stands when it is used.
"""

import hashlib
import hmac

from dashboard import settings

# Other uses of the same secret sign other words.
_PURPOSE = "pay link"
_DIGITS = 32


def address(booking_id: int) -> str:
    """The absolute address for a booking's student."""
    return f"{settings.current().base_url.rstrip('/')}/pay/{token(booking_id)}"


def token(booking_id: int) -> str:
    """The part of the address that can't be guessed."""
    return f"{booking_id}-{_signature(booking_id)}"


def read(given: str) -> int | None:
    """The booking that a token was made for; None for one that we did not make."""
    number, _, signature = given.partition("-")
    if not given.isascii() or not number.isdigit() or len(number) > 18:
        return None
    booking_id = int(number)
    right = hmac.compare_digest(_signature(booking_id).encode(), signature.encode())
    return booking_id if right and number == str(booking_id) else None


def _signature(booking_id: int) -> str:
    secret = settings.current().secret_key.encode()
    return hmac.new(secret, f"{_PURPOSE}:{booking_id}".encode(), hashlib.sha256).hexdigest()[
        :_DIGITS
    ]
