"""What may stand in a ticket: any text that both databases keep and a page shows as it is."""

import re

SUBJECT, TEXT = 200, 10_000
# No database of ours stores a NUL alike; a mark that turns the text after it around would let what
# stands beside it be misread.
_UNSHOWN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def subject_fault(text: str) -> str | None:
    """Why this can't be a subject; None when it can."""
    if "\n" in text or "\r" in text:
        return "Keep it on one line."
    return _fault(text, SUBJECT)


def text_fault(text: str) -> str | None:
    """Why this can't be what a ticket or a note says; None when it can."""
    return _fault(text, TEXT)


def marks_fault(text: str) -> str | None:
    """Whether it has marks that no page can show as they are; None when it has none."""
    return "This has characters that can't be shown." if _UNSHOWN.search(text) else None


def lines(text: str) -> str:
    """The text as it was typed. A browser sends its line breaks as two characters."""
    return text.replace("\r\n", "\n")


def _fault(text: str, most: int) -> str | None:
    if not text.strip():
        return "This can't be empty."
    if len(text) > most:
        return f"Keep it under {most:,} characters; this has {len(text):,}."
    return marks_fault(text)
