"""
Which characters of a text count.

Before anything is compared or hashed, a text is *folded*: what cannot be seen is
removed, then it is composed (NFC), trimmed and lower-cased. Two programs that
do this alike produce one digest for what a reader takes for one text.

    "  Ste\\u0301phane\\u200b "   ->   "stéphane"

A letter is a character of category L, or a mark (M) that follows a letter: the
vowel signs of Hindi and the accents without a composed form stay. A digit is Nd.
"""

from __future__ import annotations

import re
from itertools import groupby
from unicodedata import category, combining, normalize

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
