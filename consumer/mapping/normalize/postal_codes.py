"""
Postal codes, as short as they can be written.

    SW1A 2AA          sw1a2aa
    94035-1234        94035       the second half is a delivery route in the US
    F-75001           75001       the country's prefix of old European mail
    75008 Cedex 08    75008       an office for business mail

A code that came as a JSON number has lost its leading zero.
"""

from __future__ import annotations

import re

from consumer.mapping.normalize.text import is_dash

# No letter on either side: `cedex08` is one, `cedexia` is a name.
_CEDEX = re.compile(r"(?<![^\W\d_])cedex(?![^\W\d_]).*", re.DOTALL)
_PREFIX = re.compile(r"\A(?:a|b|ch|d|de|f|fr|i|it|l)-(?=[0-9])")
_ZIP_PLUS_4 = re.compile(r"[0-9]{5}-[0-9]{4}")
_FIVE_DIGITS = re.compile(r"[0-9]{5}")
_FIVE_DIGIT_COUNTRIES = frozenset({"us", "fr", "de", "it", "es"})


def compact_postal_code(text: str, country: str | None) -> str:
    """The code without what is written for the eye. May be empty."""
    spaceless = "".join(without_cedex(text).split())
    dashed = _PREFIX.sub("", _plain_dashes(spaceless))
    code = dashed.replace("-", "")
    if (country == "us" or (country is None and _ZIP_PLUS_4.fullmatch(dashed))) and _FIVE_DIGITS.match(code):
        return code[:5]
    return code


def padded_postal_code(text: str, country: str | None) -> str:
    """The leading zero back, of a number in a country whose codes have five digits."""
    return text.zfill(5) if len(text) == 4 and text.isdigit() and country in _FIVE_DIGIT_COUNTRIES else text


def without_cedex(text: str) -> str:
    """The text up to a final `cedex`."""
    return _CEDEX.sub("", text) if "cedex" in text else text


def _plain_dashes(text: str) -> str:
    if text.isascii():
        return text
    return "".join("-" if is_dash(character) else character for character in text)
