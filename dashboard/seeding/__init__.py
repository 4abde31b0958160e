"""Sixty days of bookings for an empty sandbox, placed through the booking endpoint.

The sandbox's clock is moved back and then from instant to instant, and everything that falls due on
the way is done as the sweeps do it. Nothing is written into the books from the side.
"""

from dashboard.seeding.people import SIGN_INS, SignIn

__all__ = ["SIGN_INS", "SignIn"]
