"""A past of any size, written in minutes: stories told to the sandbox, and the books made of them.

Nothing is played here. A story says what was asked of Stripe and when; the sandbox carries it out
at those instants and shows what Stripe would have shown; and the rows are derived from that by the
same pure functions by which the ledger derives them.
"""
