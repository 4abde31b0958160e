"""Amounts of money: integers in the currency's minor unit, never apart from their currency.

Decimals per currency follow ISO 4217 as Stripe applies it. Zero-decimal currencies count whole
units; three-decimal ones are counted in thousandths whose last digit must be 0.
Source: https://docs.stripe.com/currencies
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

ZERO_DECIMAL = frozenset("bif clp djf gnf jpy kmf krw mga pyg rwf ugx vnd vuv xaf xof xpf".split())
THREE_DECIMAL = frozenset("bhd jod kwd omr tnd".split())
SUPPORTED = frozenset(("usd", "eur", "gbp", "jpy", "kwd", "cad", "aud", "chf"))
# The smallest charge Stripe takes, in minor units. Stripe applies it in the settlement currency;
# for the ones it does not list, the value of about half a dollar is used.
MINIMUM_CHARGE = {
    "usd": 50,
    "eur": 50,
    "gbp": 30,
    "jpy": 50,
    "kwd": 150,
    "cad": 50,
    "aud": 50,
    "chf": 50,
}
MAXIMUM_CHARGE = 99_999_999
# A currency's own sign or code may stand on either side; a minus may not.
_SIGN = r"([A-Za-z]{3}|(?:CA|A)?\$|[€£¥])?"
_SIGNS = {
    "$": ("usd", "cad", "aud"),
    "CA$": ("cad",),
    "A$": ("aud",),
    "€": ("eur",),
    "£": ("gbp",),
    "¥": ("jpy",),
}
_TYPED = re.compile(
    rf"\s*{_SIGN}\s*([0-9]{{1,3}}(?:,[0-9]{{3}})+|[0-9]+)(?:\.([0-9]+))?\s*{_SIGN}\s*"
)


class WrongAmount(ValueError):
    """A text that is no amount of the currency; the message is for the person who typed it."""


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """An amount in minor units and its currency (lower-case ISO code)."""

    amount: int
    currency: str

    def __add__(self, other: "Money") -> "Money":
        return Money(self.amount + self._same(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.amount - self._same(other), self.currency)

    def _same(self, other: "Money") -> int:
        if other.currency != self.currency:
            raise ValueError(f"{self.currency} and {other.currency} can't be added")
        return other.amount


def decimals(currency: str) -> int:
    """Digits after the decimal point: 0, 2 or 3."""
    if currency in ZERO_DECIMAL:
        return 0
    return 3 if currency in THREE_DECIMAL else 2


def step(currency: str) -> int:
    """The smallest difference Stripe accepts, in minor units: 10 for three-decimal ones, else 1."""
    return 10 if currency in THREE_DECIMAL else 1


def minimum(currency: str) -> int:
    """The smallest amount that can be charged, in minor units."""
    return MINIMUM_CHARGE.get(currency, 50)


def to_decimal(amount: int, currency: str) -> Decimal:
    """`amount` minor units in major units, exactly."""
    return Decimal(amount).scaleb(-decimals(currency))


def share(amount: int, percent: int, currency: str) -> int:
    """`percent` of `amount`, floored to the currency's step, in minor units."""
    raw = amount * percent // 100
    return raw - raw % step(currency)


def parse(text: str, currency: str) -> int:
    """The minor units that a person typed, as "60", "60.00" or "$1,060.00".

    Raises WrongAmount for anything else: too many decimals, a minus, another notation, the sign of
    another currency.
    """
    match = _TYPED.fullmatch(text)
    if match is None:
        raise WrongAmount("Enter an amount like " + _example(currency) + ".")
    if any(_is_foreign(sign, currency) for sign in (match[1], match[4])):
        said = f"This is paid in {currency.upper()}. Enter an amount like {_example(currency)}."
        raise WrongAmount(said)
    whole, fraction = match[2].replace(",", ""), match[3] or ""
    places = decimals(currency)
    if len(fraction) > places or len(whole) > 12:
        raise WrongAmount("Enter an amount like " + _example(currency) + ".")
    amount: int = int(whole) * 10**places + int(fraction.ljust(places, "0") or "0")
    if amount % step(currency):
        raise WrongAmount(f"{currency.upper()} amounts end in 0: {_example(currency)}.")
    return amount


def _is_foreign(sign: str | None, currency: str) -> bool:
    """Whether a sign or code is another currency's: ¥1,200 must never become $1,200."""
    return sign is not None and currency not in _SIGNS.get(sign, (sign.lower(),))


def plain(amount: int, currency: str) -> str:
    """`amount` as a bare number in major units with all its decimals, for a form field."""
    return f"{to_decimal(amount, currency):f}"


def _example(currency: str) -> str:
    return {0: "9600", 2: "96.00", 3: "9.600"}[decimals(currency)]


def sums(amounts: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Pairs of a currency and an amount, added up per currency; two currencies are never added."""
    found: dict[str, int] = {}
    for currency, amount in amounts:
        found[currency] = found.get(currency, 0) + amount
    return found
