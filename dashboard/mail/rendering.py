"""A letter as text and as HTML, both from the same words."""

import re
import unicodedata
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from dashboard.mail.letters import Letter

FOLDER = Path(__file__).resolve().parent.parent.parent / "templates"
_BLANKS = re.compile(r"\s+")
# Marks that turn the direction of writing: with them a name could rearrange the words around it.
_TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def one_line(said: str, most: int = 200) -> str:
    """What somebody typed, fit for a header and for a line of text: no break, no control code."""
    plain = "".join(
        " " if unicodedata.category(one) in ("Cc", "Cs", "Zl", "Zp") else one
        for one in said
        if one not in _TURNING
    )
    return _BLANKS.sub(" ", plain).strip()[:most]


def a_name(said: str) -> str:
    """The name of a person, unless it is an address: a booking must not carry a stranger's link."""
    name = one_line(said, 80)
    return "" if "://" in name or "www." in name.lower() else name


def text(letter: Letter) -> str:
    """The letter for a program that shows no HTML, and for ears."""
    return _environment().get_template("mail/letter.txt").render(letter=letter)


def html(letter: Letter) -> str:
    """The letter as a page of its own: styles inside, no image, no script, nothing fetched."""
    return _environment().get_template("mail/letter.html").render(letter=letter, **COLOURS)


# The desk's palette, as text on tint in light and in dark.
COLOURS = {
    "light": {
        "pending": ("#33444F", "#E6EBEE"),
        "authorized": ("#243C94", "#E4E9FB"),
        "captured": ("#0F5A42", "#DCF2E8"),
        "failed": ("#9A2300", "#FDE5DC"),
        "refunded": ("#742A88", "#F6E6FA"),
        "released": ("#573A00", "#F3EAD6"),
    },
    "dark": {
        "pending": ("#B7C3CC", "#232C33"),
        "authorized": ("#A9CBFF", "#12294A"),
        "captured": ("#9FEFB0", "#0F3324"),
        "failed": ("#FFB59E", "#45160A"),
        "refunded": ("#F3C2FB", "#3B1B43"),
        "released": ("#E3C797", "#33270F"),
    },
}


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
