"""The money: what is owed, what Stripe holds or took, and the one way to change either."""
