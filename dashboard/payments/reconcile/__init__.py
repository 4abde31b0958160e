"""Our rows against Stripe's lists: what differs, why, and what became of it."""
