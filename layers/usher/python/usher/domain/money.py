"""Money: amounts in minor units, as people read them."""

# docs.stripe.com/currencies (read 2026-11): currencies whose smallest unit is not a hundredth.
_DECIMALS = dict.fromkeys(
    (
        *("bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga"),
        *("pyg", "rwf", "ugx", "vnd", "vuv", "xaf", "xof", "xpf"),
    ),
    0,
) | dict.fromkeys(("bhd", "jod", "kwd", "omr", "tnd"), 3)


def places(currency: str) -> int:
    """How many decimals the currency's amounts have: 2 of usd, 0 of jpy."""
    return _DECIMALS.get(currency.lower(), 2)


def text(amount_minor: int, currency: str) -> str:
    """`1900` of `usd` is "19.00 USD", `1900` of `jpy` is "1900 JPY"."""
    decimals = places(currency)
    if not decimals:
        return f"{amount_minor} {currency.upper()}"
    sign, digits = "-" if amount_minor < 0 else "", str(abs(amount_minor)).rjust(decimals + 1, "0")
    return f"{sign}{digits[:-decimals]}.{digits[-decimals:]} {currency.upper()}"
