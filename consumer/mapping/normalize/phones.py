"""
Phone numbers: country code and number, digits only.

    international   a `+` before the first digit, or the digits start with 00
                    -> as libphonenumber reads it; not valid: the digits as they are
    national        everything else
                    -> as dialled in the country; not valid there, or no country:
                       the digits as they are, unless they start with 0

A number that starts with 0 only means something inside its country: without one
it would be hashed to a digest that nobody else has, so it is not sent.

Where libphonenumber cannot read what is written (`+33 6 12 34 56 78 mobile`: letters
are digits on a keypad), it is given the digits alone; but not those of an
extension, which would make another's number of one that is too short.

Digits with the usual signs between them are looked up in the country's own plan
first (`numbering_plans`), which answers as libphonenumber does or not at all: most
numbers need nothing else.
"""

from __future__ import annotations

import re
from unicodedata import decimal

from phonenumbers import (
    NumberParseException,
    PhoneNumber,
    is_valid_number,
    national_significant_number,
    parse,
)

from consumer.mapping.normalize import numbering_plans
from consumer.mapping.values import MALFORMED, NO_COUNTRY, InvalidValue

# ITU-T E.164 allows 15 digits; fewer than 7 are short codes.
DIGITS_MIN = 7
DIGITS_MAX = 15

# Signs between digits that libphonenumber passes over, and never takes for a word or an extension.
_DIGITS_AND_SIGNS = re.compile(r"\+?[0-9 .()/-]*")
_SIGNS = str.maketrans("", "", " .()/-")
_NO_DIGITS = re.compile(r"[^0-9]+")


def phone_digits(text: str, country: str | None) -> str | InvalidValue:
    """The digits of a folded text, read in `country` (alpha-2, lower case) when it is national."""
    # Most numbers are digits and these three signs: `replace` thrice takes a quarter of one `translate`.
    return _by_plan(text.replace(" ", "").replace(".", "").replace("-", ""), country) or _by_libphonenumber(
        text, country
    )


def _by_plan(number: str, country: str | None) -> str | None:
    """What the country's plan makes of digits, a `+` before them or not; None when it cannot tell."""
    valid = None if number.startswith("00") or not number.isascii() else _by_plan_of_country(number, country)
    return valid if valid and DIGITS_MIN <= len(valid) <= DIGITS_MAX else None


def _by_libphonenumber(text: str, country: str | None) -> str | InvalidValue:
    number = _ascii_digits(text)
    found = _NO_DIGITS.sub("", number)
    if not found:
        return MALFORMED
    international = _international(number, found)
    if international is not None:
        plain = found.lstrip("0")
        return _of_length(_valid(international, "+" + plain, None) or plain)
    valid = _valid(number, found, country) if country else None
    if valid is None and found[0] == "0":
        return NO_COUNTRY
    return _of_length(valid or found)


def _international(number: str, found: str) -> str | None:
    """The number from its `+` on, or with a `+` for its 00; None when it is national."""
    before, plus, after = number.partition("+")
    if plus and _NO_DIGITS.fullmatch(before + plus):
        return plus + after
    if not found.startswith("00"):
        return None
    second = number.index("0", number.index("0") + 1)
    return "+" + number[second + 1 :]


def _valid(written: str, plain: str, country: str | None) -> str | None:
    """E.164 without its `+`: of a number as it is written, else of its digits; None when neither is valid."""
    number = _without_signs(written)
    valid = _by_plan_of_country(number, country) or _parsed(number, country)
    if valid is None and number != plain and not _has_extension(number, country):
        return _by_plan_of_country(plain, country) or _parsed(plain, country)
    return valid


def _without_signs(number: str) -> str:
    """Digits, after a leading `+`, of a number that has no other signs than those passed over."""
    return number.translate(_SIGNS) if _DIGITS_AND_SIGNS.fullmatch(number) else number


def _by_plan_of_country(number: str, country: str | None) -> str | None:
    international = number.startswith("+")
    found = number[1:] if international else number
    if not found.isdecimal() or len(found) > DIGITS_MAX:
        return None
    if international:
        return numbering_plans.from_abroad(found)
    return numbering_plans.at_home(found, country) if country else None


def _parsed(number: str, country: str | None) -> str | None:
    """What libphonenumber makes of any text."""
    parsed = _read(number, country)
    if parsed is None or not is_valid_number(parsed):
        return None
    return f"{parsed.country_code}{national_significant_number(parsed)}"


def _has_extension(number: str, country: str | None) -> bool:
    """Whether the last digits are dialled after the call is connected, and so no part of the number."""
    parsed = _read(number, country)
    return parsed is not None and parsed.extension is not None


def _read(number: str, country: str | None) -> PhoneNumber | None:
    try:
        return parse(number, country and country.upper())
    except NumberParseException:
        return None


def _of_length(number: str) -> str | InvalidValue:
    return number if DIGITS_MIN <= len(number) <= DIGITS_MAX else MALFORMED


def _ascii_digits(text: str) -> str:
    """Every Nd as its ASCII digit: Arabic, Devanagari, full-width."""
    if text.isascii():
        return text
    return "".join(str(decimal(c)) if c.isdecimal() else c for c in text)
