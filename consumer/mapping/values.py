"""
What a JSON value is worth as text.

    text            the text
    integer         its digits, inside 64 bits
    float           the integer it is, below 2**53; any other float: unusable
    anything else   unusable

A value that cannot be used is an `InvalidValue`, which carries the word of the note
that it leaves behind and never the value. There is one constant for each word,
so callers compare with `is` or by type.

Money and whole numbers, in JSON numbers and in text.

    12.5   12,50   1 234,56   1,234.56   1'234.50   € 12   12,50 EUR
    1.234           ambiguous: a thousand in Berlin, one and a bit in Boston

JSON numbers stay as they are. Text is read only when it can be read in one way:
money is never invented.

Currency codes: ISO 4217, upper case.

The codes that begin with X are left out, as they name metals, funds and tests;
but for the five that are money people pay with.

Which characters of a text count.

Before anything is compared or hashed, a text is *folded*: what cannot be seen is
removed, then it is composed (NFC), trimmed and lower-cased. Two programs that
do this alike produce one digest for what a reader takes for one text.

    "  Ste\\u0301phane\\u200b "   ->   "stéphane"

A letter is a character of category L, or a mark (M) that follows a letter: the
vowel signs of Hindi and the accents without a composed form stay. A digit is Nd.
"""

from __future__ import annotations

import math
import re
from functools import cache
from itertools import groupby
from typing import NamedTuple
from unicodedata import category, combining, normalize

from consumer.domain.decision import WarningCode

INTEGER_MIN = -(2**63)
INTEGER_MAX = 2**64 - 1  # what orjson reads as an integer; beyond it reads a float
EXACT_FLOAT_MAX = 2.0**53  # from here on, floats skip integers

PLACEHOLDERS = frozenset(
    {
        "null",
        "undefined",
        "none",
        "nan",
        "n/a",
        "(null)",
        "(none)",
        "(not set)",
        "unknown",
        "anonymous",
        "[object object]",
    }
)
_LONGEST_PLACEHOLDER = max(map(len, PLACEHOLDERS))

# Nobody: what sites write where the id of a person they do not know would stand.
NO_IDS = frozenset({"0", "-1"})


class InvalidValue(NamedTuple):
    """Why a value cannot be used."""

    note: WarningCode


EMPTY = InvalidValue(WarningCode.MISSING)
MALFORMED = InvalidValue(WarningCode.MALFORMED)
WRONG_TYPE = InvalidValue(WarningCode.WRONG_TYPE)
PLACEHOLDER = InvalidValue(WarningCode.PLACEHOLDER)
AMBIGUOUS = InvalidValue(WarningCode.AMBIGUOUS)
NO_COUNTRY = InvalidValue(WarningCode.NO_COUNTRY)
EXPIRED = InvalidValue(WarningCode.EXPIRED)
PERSONAL_DATA = InvalidValue(WarningCode.PERSONAL_DATA)
TOO_DEEP = InvalidValue(WarningCode.TOO_DEEP)


def text_of(value: object) -> str | InvalidValue:
    """The text a scalar stands for, untrimmed. A boolean is no number here."""
    if isinstance(value, str):
        return value
    number = integer_of(value)
    return WRONG_TYPE if number is None else str(number)


def integer_of(value: object) -> int | None:
    """The integer a JSON number is, or None: `3` and `3.0` are 3; `3.5`, `1e300` and `true` are none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value if INTEGER_MIN <= value <= INTEGER_MAX else None
    if isinstance(value, float) and value.is_integer() and abs(value) < EXACT_FLOAT_MAX:
        return int(value)
    return None


def is_placeholder(text: str) -> bool:
    """Whether a text only says that there is nothing: `null`, `N/A`, `(not set)`, `---`."""
    word = text.strip()
    return is_placeholder_word(word.lower() if len(word) <= _LONGEST_PLACEHOLDER else word)


def is_placeholder_word(word: str) -> bool:
    """Whether a word, trimmed and in lower case, only says that there is nothing."""
    return word in PLACEHOLDERS or (word != "" and not word.strip("*-."))


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
    import pycountry  # here, because `--help` and completion load this module and need no currency

    codes = (currency.alpha_3 for currency in pycountry.currencies)
    return frozenset(code for code in codes if not code.startswith("X") or code in SHARED_MONEY)


# Categories Cc (without tab, CR and LF), Cf and Cs, and the property
# Variation_Selector, as of Unicode 16. A table, because asking unicodedata for
# each of 1.1 million code points costs a tenth of a second at start.
_INVISIBLE = re.compile(
    "[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x9f\\xad"
    "\\u0600-\\u0605\\u061c\\u06dd\\u070f\\u0890\\u0891\\u08e2\\u180b-\\u180f"
    "\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u2064\\u2066-\\u206f"
    "\\ud800-\\udfff\\ufe00-\\ufe0f\\ufeff\\ufff9-\\ufffb"
    "\\U000110bd\\U000110cd\\U00013430-\\U0001343f\\U0001bca0-\\U0001bca3\\U0001d173-\\U0001d17a"
    "\\U000e0001\\U000e0020-\\U000e007f\\U000e0100-\\U000e01ef]+"
)
# Lower-casing the Turkish capital I with a dot leaves this behind.
_DOT_ABOVE_I = re.compile("i\u0307+")

_LONG = 1_000

_ASCII = [chr(code) for code in range(128)]
_NO_LETTER = str.maketrans("", "", "".join(c for c in _ASCII if not c.isalpha()))
_NO_LETTER_OR_DIGIT = str.maketrans("", "", "".join(c for c in _ASCII if not c.isalnum()))


def strip_invisible(text: str) -> str:
    """The text without control (tab, CR and LF stay), format and variation characters."""
    # Letters are sure to be seen; of what else is printable, variation selectors are not.
    if text.isalpha() or (text.isascii() and text.isprintable()):
        return text
    return _INVISIBLE.sub("", text)


def casefold_nfc(text: str) -> str:
    """The text as everything below compares it: visible, NFC, trimmed, lower case."""
    if text.isascii() and text.isprintable():
        return text.strip().lower()
    lower = composed(strip_invisible(text)).strip().lower()
    if "\u0307" in lower:
        lower = _DOT_ABOVE_I.sub("i", lower)
    return composed(lower)


def composed(text: str) -> str:
    """
    The text in NFC.

    unicodedata sorts a run of marks in quadratic time: one value of a megabyte of
    marks would hold the consumer for minutes. So the marks of long texts come to
    it in order.
    """
    if len(text) > _LONG and not text.isascii():
        apart = "".join(normalize("NFD", character) for character in text)
        runs = (run for _, run in groupby(apart, lambda c: combining(c) != 0))
        text = "".join(character for run in runs for character in sorted(run, key=combining))
    return normalize("NFC", text)


def only_letters(text: str) -> str:
    """Only the letters of the text."""
    plain = text if text.isalpha() else text.translate(_NO_LETTER)
    # Most names are done here; the others hold marks, or signs of another script.
    return plain if plain.isascii() or plain.isalpha() else _kept(text, digits=False)


def only_letters_and_digits(text: str) -> str:
    """Only the letters and the digits of the text."""
    plain = text if text.isalpha() else text.translate(_NO_LETTER_OR_DIGIT)
    return plain if plain.isascii() or plain.isalpha() else _kept(text, digits=True)


def without_accents(text: str) -> str:
    """The text with its marks removed: `côte` -> `cote`."""
    if text.isascii():
        return text
    return "".join(c for c in normalize("NFD", text) if category(c)[0] != "M")


def is_dash(character: str) -> bool:
    """Category Pd: the hyphen, the en dash, the em dash and their relatives."""
    return category(character) == "Pd"


def _kept(text: str, *, digits: bool) -> str:
    kept: list[str] = []
    after_letter = False
    for character in text:
        # str.isalpha is category L, str.isdecimal is Nd.
        after_letter = character.isalpha() or (after_letter and category(character)[0] == "M")
        if after_letter or (digits and character.isdecimal()):
            kept.append(character)
    return "".join(kept)
