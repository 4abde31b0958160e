"""Which amounts Stripe takes, and what it keeps of them."""

from dashboard.sandbox.answers import invalid

# The currencies Stripe can charge; a test of a local product needs no more than the common ones.
CURRENCIES = frozenset(
    """aed all amd ang aud awg azn bam bbd bdt bgn bhd bif bmd bnd bob brl bsd bwp byn bzd cad cdf
    chf clp cny cop crc cve czk djf dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gnf gtq gyd hkd
    hnl htg huf idr ils inr isk jmd jod jpy kes kgs khr kmf krw kwd kyd kzt lak lbp lkr lrd lsl mad
    mdl mga mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd omr pab pen pgk php pkr
    pln pyg qar ron rsd rub rwf sar sbd scr sek sgd shp sll sos srd std szl thb tjs tnd top try ttd
    twd tzs uah ugx usd uyu uzs vnd vuv wst xaf xcd xof xpf yer zar zmw""".split()
)
THREE_DECIMAL = frozenset("bhd jod kwd omr tnd".split())
# In minor units. Stripe publishes these; every other currency needs about half a dollar.
_MINIMUM = {
    "aed": 200, "bgn": 100, "bhd": 200, "czk": 1500, "dkk": 250, "gbp": 30, "hkd": 400,
    "huf": 17500, "jod": 360, "krw": 700, "kwd": 150, "mxn": 1000, "myr": 200, "nok": 300,
    "omr": 200, "pln": 200, "ron": 200, "sek": 300, "thb": 1000, "tnd": 1550, "vnd": 13000,
}  # fmt: skip
LARGEST = 99_999_999


def check(amount: int, currency: str | None) -> None:
    """Raises Stripe's refusal of an amount that can't be charged in this currency."""
    if currency is None or currency.lower() not in CURRENCIES:
        raise invalid(f"Invalid currency: {currency}.", "currency")
    if amount > LARGEST:
        message = f"Amount must be no more than {LARGEST} in the smallest unit of {currency}"
        raise invalid(message, "amount", "amount_too_large")
    if amount < 1:
        message = "This value must be greater than or equal to 1."
        raise invalid(message, "amount", "parameter_invalid_integer")
    least = _MINIMUM.get(currency.lower(), 50)
    if amount < least:
        message = f"Amount must be at least {least} in the smallest unit of {currency}"
        raise invalid(message, "amount", "amount_too_small")
    check_step(amount, currency, "amount")


def check_step(amount: int, currency: str, param: str) -> None:
    """A three-decimal currency is charged in steps of ten."""
    if currency.lower() in THREE_DECIMAL and amount % 10:
        message = f"Amounts in {currency} must be evenly divisible by 10."
        raise invalid(message, param, "parameter_invalid_integer")


def fee(amount: int) -> int:
    """Stripe's price for a card charge: 2.9 % and 30, rounded half up, in minor units."""
    return (amount * 29 + 500) // 1000 + 30
