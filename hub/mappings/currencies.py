"""Currencies by their codes and signs, from CLDR (Babel): https://cldr.unicode.org/."""

from babel import Locale
from babel.numbers import list_currencies

CODES: frozenset[str] = frozenset(list_currencies())
"""ISO 4217 codes, past ones included."""

SIGNS: dict[str, str] = {
    "US$": "USD", "CA$": "CAD", "A$": "AUD", "R$": "BRL", "MX$": "MXN", "NZ$": "NZD", "HK$": "HKD", "S$": "SGD",
    "C$": "CAD",
    **{
        sign: code
        for code, sign in sorted(Locale("en").currency_symbols.items())
        if len(sign) == 1 and not sign.isalpha()
    },
    "$": "USD",
    "¥": "JPY",
    "￥": "JPY",
}  # fmt: skip
"""Signs that stand for one currency, the longer ones first."""
