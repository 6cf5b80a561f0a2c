"""Amounts of money shared out: to the smallest unit of a currency, so that the parts are the whole. Pure.

A deal keeps two decimals: of a currency with three (dinars), the smallest unit that is shared out is 0.01.
"""

from decimal import Decimal

_WHOLE = frozenset(
    [
        "BIF",
        "CLP",
        "DJF",
        "GNF",
        "ISK",
        "JPY",
        "KMF",
        "KRW",
        "PYG",
        "RWF",
        "UGX",
        "UYI",
        "VND",
        "VUV",
        "XAF",
        "XOF",
        "XPF",
    ]
)  # ISO 4217: currencies without a minor unit
_CENT = Decimal("0.01")


def smallest(currency: str) -> Decimal:
    """Return the smallest amount of a currency that a deal can have."""
    return Decimal(1) if currency in _WHOLE else _CENT


def shared(total: Decimal, parts: int, currency: str) -> list[Decimal]:
    """Return amounts whose sum is `total` exactly; they differ by less than two smallest units.

    Args:
        total: of at most two decimals, 0 or more.
        parts: how many, at least one.
        currency: ISO code; decides the smallest unit. A fraction of it goes to the first part.
    """
    step = smallest(currency)
    units = int(total // step)
    rest = total - units * step
    each, more = divmod(units, parts)
    found = [(each + (1 if n < more else 0)) * step for n in range(parts)]
    found[0] += rest
    return [amount.quantize(_CENT) for amount in found]
