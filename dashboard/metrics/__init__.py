"""The six figures that finance sees, counted from the payment events."""
