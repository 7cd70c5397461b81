"""
Currency codes: ISO 4217, upper case.

The codes that begin with X are left out, as they name metals, funds and tests;
but for the five that are money people pay with.
"""

from __future__ import annotations

from functools import cache

import pycountry

from consumer.mapping.values import EMPTY, MALFORMED, WRONG_TYPE, InvalidValue


def currency_code(value: object) -> str | InvalidValue:
    """The ISO 4217 code that a JSON value names."""
    if not isinstance(value, str):
        return WRONG_TYPE
    named = value.strip().upper()
    if not named:
        return EMPTY
    return named if named in _codes() else MALFORMED


# The francs of Central and West Africa and of the Pacific, the East Caribbean
# dollar, the Caribbean guilder: X because no single country issues them.
SHARED_MONEY = frozenset({"XAF", "XCD", "XCG", "XOF", "XPF"})


@cache
def _codes() -> frozenset[str]:
    codes = (currency.alpha_3 for currency in pycountry.currencies)
    return frozenset(code for code in codes if not code.startswith("X") or code in SHARED_MONEY)
