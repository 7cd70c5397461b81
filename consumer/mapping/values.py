"""
What a JSON value is worth as text.

    text            the text
    integer         its digits, inside 64 bits
    float           the integer it is, below 2**53; any other float: unusable
    anything else   unusable

A value that cannot be used is an `InvalidValue`, which carries the word of the note
that it leaves behind and never the value. There is one constant for each word,
so callers compare with `is` or by type.
"""

from __future__ import annotations

from typing import NamedTuple

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
