"""Currencies by their codes and signs, from CLDR (Babel): https://cldr.unicode.org/.

Babel is loaded at the first amount that names a currency.
"""

import functools
from collections.abc import Mapping


@functools.cache
def codes() -> frozenset[str]:
    """Return the ISO 4217 codes, past ones included."""
    from babel.numbers import list_currencies  # noqa: PLC0415 slow to load

    return frozenset(list_currencies())


@functools.cache
def signs() -> Mapping[str, str]:
    """Return the currency of each sign, the longer signs first."""
    from babel import Locale  # noqa: PLC0415 slow to load

    return {
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
