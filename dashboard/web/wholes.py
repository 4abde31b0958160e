"""Whole numbers that come as text: from a form, an address, a header."""


def whole(text: str, digits: int) -> int | None:
    """The number that at most so many plain digits write; None for any other text."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= digits else None
