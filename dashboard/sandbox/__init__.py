"""Stripe's HTTP API on loopback, with a clock that can be moved and faults to order."""
