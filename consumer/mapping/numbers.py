"""
Money and whole numbers, in JSON numbers and in text.

    12.5   12,50   1 234,56   1,234.56   1'234.50   € 12   12,50 EUR
    1.234           ambiguous: a thousand in Berlin, one and a bit in Boston

JSON numbers stay as they are. Text is read only when it can be read in one way:
money is never invented.

Currency codes: ISO 4217, upper case.

The codes that begin with X are left out, as they name metals, funds and tests;
but for the five that are money people pay with.
"""

from __future__ import annotations

import math
import re
from functools import cache
from unicodedata import category

import pycountry

from consumer.mapping.values import (
    AMBIGUOUS,
    EMPTY,
    INTEGER_MAX,
    MALFORMED,
    WRONG_TYPE,
    InvalidValue,
    integer_of,
)

# CLDR's currencies with three decimals. Iraq's dinar has three in ISO 4217 and
# none in use, so `1.234` of them stays ambiguous.
THREE_DECIMALS = frozenset({"BHD", "JOD", "KWD", "LYD", "OMR", "TND"})

_PLAIN = re.compile(r"([0-9]+)(?:[.,]([0-9]+))?")
_AMBIGUOUS = re.compile(r"[1-9][0-9]{0,2}[.,][0-9]{3}")
_GROUPED = re.compile(r"([1-9][0-9]{0,2}(?:([ \u00a0\u202f'’.,])[0-9]{3})(?:\2[0-9]{3})*)(?:([.,])([0-9]+))?")
_CURRENCY_LETTERS = re.compile(r"[A-Za-z]{3}")
_DIGITS_MAX = 20  # of the largest integer that fits 64 bits


def money(value: object, currency: str | None) -> int | float | InvalidValue:
    """
    A finite amount, not negative.

    `currency` is the event's ISO 4217 code, when known: it tells what `1.234`
    means in a currency with three decimals.
    """
    if type(value) is float:
        return value if 0 <= value < math.inf else MALFORMED
    if isinstance(value, str):
        text = value.strip()
        return _amount(_without_currency(text), currency) if text else EMPTY
    if isinstance(value, bool) or not isinstance(value, int):
        return WRONG_TYPE
    return value if 0 <= value <= INTEGER_MAX else MALFORMED


def whole_number(value: object, least: int) -> int | InvalidValue:
    """An integer of at least `least`, in text too."""
    if isinstance(value, str):
        text = value.strip()
        amount = _amount(text, None) if text else EMPTY
        if isinstance(amount, InvalidValue):
            return amount
        number = integer_of(amount)
        return MALFORMED if number is None or number < least else number
    number = integer_of(value)
    if number is None:
        return MALFORMED if isinstance(value, float) else WRONG_TYPE
    return number if number >= least else MALFORMED


def quantity(value: object) -> int | InvalidValue:
    """How many of an item: a whole number, at least 1."""
    return whole_number(value, 1)


def _amount(text: str, currency: str | None) -> int | float | InvalidValue:
    if _AMBIGUOUS.fullmatch(text) and currency not in THREE_DECIMALS:
        return AMBIGUOUS
    if match := _PLAIN.fullmatch(text):
        return _number(match[1], match[2])
    match = _GROUPED.fullmatch(text)
    if match is None or match[2] == match[3]:
        return MALFORMED
    return _number(match[1].replace(match[2], ""), match[4])


def _number(whole: str, decimals: str | None) -> int | float | InvalidValue:
    digits = whole.lstrip("0") or "0"
    if len(digits) > _DIGITS_MAX or int(digits) > INTEGER_MAX:
        return MALFORMED
    return int(digits) if decimals is None else float(f"{digits}.{decimals}")


def _without_currency(text: str) -> str:
    """Without one currency symbol, or three letters, before or behind."""
    if _CURRENCY_LETTERS.match(text):
        return text[3:].lstrip()
    if _CURRENCY_LETTERS.fullmatch(text[-3:]):
        return text[:-3].rstrip()
    if category(text[0]) == "Sc":
        return text[1:].lstrip()
    if category(text[-1]) == "Sc":
        return text[:-1].rstrip()
    return text


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
