"""Stripe's HTTP API on loopback: real states, real refusals, a clock that moves, faults on order.

The core (`core.Sandbox`) is synchronous and owns one SQLite file; `server` puts it on a socket and
delivers its webhooks. Nothing here imports the product, apart from its clock and its settings.
"""
