"""The clock's door: what the worker does by itself, every minute and on a nudge."""
