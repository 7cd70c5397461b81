"""
Currency codes: ISO 4217, upper case.

The codes that begin with X are left out: most of them are metals, funds and
tests. So are, by the same rule, the francs of the CFA and of the Pacific.
"""

from __future__ import annotations

from functools import cache

import pycountry

from consumer.core.values import EMPTY, MALFORMED, WRONG_TYPE, Unusable


def code(value: object) -> str | Unusable:
    """The ISO 4217 code that a JSON value names."""
    if not isinstance(value, str):
        return WRONG_TYPE
    named = value.strip().upper()
    if not named:
        return EMPTY
    return named if named in _codes() else MALFORMED


@cache
def _codes() -> frozenset[str]:
    codes = (currency.alpha_3 for currency in pycountry.currencies)
    return frozenset(code for code in codes if not code.startswith("X"))
