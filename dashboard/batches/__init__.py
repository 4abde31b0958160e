"""Many holds at once: what was confirmed about them, and what became of each."""
