"""What `python -m dashboard` can do, a file a matter. Each command answers its exit code."""


class BadInput(Exception):
    """What was asked for can't be done as it was asked; the message is one clear line."""
