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

Which numbers a country gives out, read off libphonenumber's own metadata.

libphonenumber takes a text apart with great patience: brackets, extensions,
words, carriers, some forty patterns for one number. Nearly all numbers that
come are digits that its metadata knows at once:

    33 | 612345678         abroad: calling code and number
         0 | 612345678     at home: trunk prefix and number
    1 | 6505551212         at home, the calling code written all the same

Only a number of which libphonenumber would say the same is answered here, and
None says nothing: ask libphonenumber. So a number that is in no plan, that
dials out of the country, or whose trunk prefix rewrites it costs the long way,
and no number is ever read differently. `benchmarks/phones.py` has the ratio.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple
from unicodedata import decimal

from phonenumbers import (
    COUNTRY_CODE_TO_REGION_CODE,
    NumberParseException,
    PhoneMetadata,
    PhoneNumber,
    is_valid_number,
    national_significant_number,
    parse,
)
from phonenumbers.phonemetadata import PhoneNumberDesc

from consumer.mapping.values import MALFORMED, NO_COUNTRY, InvalidValue

_CALLING_CODE_DIGITS_MAX = 3

# The kinds of numbers that make a number valid: any of them will do, and these two are nearly all there are.
_KINDS = (
    "mobile",
    "fixed_line",
    "premium_rate",
    "toll_free",
    "shared_cost",
    "voip",
    "personal_number",
    "pager",
    "uan",
    "voicemail",
)
_NEVER = re.compile(r"(?!)")


class Plan(NamedTuple):
    """
    The numbers of one region.

    `numbers` matches a valid number whole, `possible` what might be one.
    `area`, where there is one, tells the regions that share a calling code
    apart. `trunk` is what is dialled before a number inside the country,
    `way_out` before a foreign calling code. `usual` matches how
    numbers are mostly dialled at home, and its group 1 is the number.
    """

    calling_code: str
    numbers: re.Pattern[str]
    possible: re.Pattern[str]
    lengths: frozenset[int]
    area: re.Pattern[str] | None
    trunk: re.Pattern[str]
    way_out: re.Pattern[str]
    usual: re.Pattern[str]


def from_abroad(digits: str) -> str | None:
    """The E.164 digits of what was dialled after a `+`; None when only libphonenumber can tell."""
    for length in range(1, _CALLING_CODE_DIGITS_MAX + 1):
        if plans := _plans(digits[:length]):
            return _in_plan(plans[0], digits[length:])
    return None


def at_home(digits: str, country: str) -> str | None:
    """The E.164 digits of what was dialled in `country` (alpha-2); None when only libphonenumber can tell."""
    home = plan(country.upper())
    if home is None:
        return None
    if match := home.usual.fullmatch(digits):
        return home.calling_code + match[1]
    if home.way_out.match(digits):
        return None
    if not digits.startswith(home.calling_code):
        return _in_plan(home, digits)
    if home.possible.fullmatch(digits):
        return _in_plan(home, digits) if len(digits) in home.lengths else None
    # It may be the calling code, written without a `+`.
    number = digits.removeprefix(home.calling_code)
    is_calling_code = home.possible.fullmatch(number) and not home.trunk.match(number)
    return from_abroad(digits) if is_calling_code else None


@cache
def plan(region: str) -> Plan | None:
    """The numbering plan of a region (alpha-2, capitals); None for one without telephones."""
    metadata = PhoneMetadata.metadata_for_region(region, None)
    if metadata is None or metadata.general_desc is None:
        return None
    return Plan(
        calling_code=str(metadata.country_code),
        numbers=_valid_numbers(metadata, metadata.general_desc),
        possible=_pattern(metadata.general_desc.national_number_pattern),
        lengths=frozenset(metadata.general_desc.possible_length),
        area=_pattern(metadata.leading_digits) if metadata.leading_digits else None,
        trunk=_pattern(metadata.national_prefix_for_parsing),
        way_out=_pattern(metadata.international_prefix),
        usual=_usual(region, metadata, metadata.general_desc),
    )


def _in_plan(home: Plan, digits: str) -> str | None:
    """Calling code and number, of the digits as dialled inside a region."""
    number = digits
    if trunk := home.trunk.match(digits):
        number = digits[trunk.end() :]
        # A captured group is a carrier, or rewrites the number.
        if trunk.lastindex or home.possible.fullmatch(digits) or len(number) not in home.lengths:
            return None
    return home.calling_code + number if _is_given_out(home.calling_code, number) else None


def _is_given_out(calling_code: str, number: str) -> bool:
    """Whether a number is valid in the region it belongs to: the first whose area or numbers it has."""
    plans = _plans(calling_code)
    for its in plans:
        area = its.area if len(plans) > 1 else None
        if area is not None and not area.match(number):
            continue
        if its.numbers.fullmatch(number):
            return True
        if area is not None:
            return False  # it lies there, and nobody has it
    return False


@cache
def _plans(calling_code: str) -> Sequence[Plan]:
    """The plans of the regions that share a calling code, the main one first; none for no country's."""
    if not calling_code.isdecimal() or calling_code.startswith("0"):
        return ()
    regions = COUNTRY_CODE_TO_REGION_CODE.get(int(calling_code), ())
    return tuple(filter(None, map(plan, regions)))


def _valid_numbers(metadata: PhoneMetadata, general: PhoneNumberDesc) -> re.Pattern[str]:
    kinds = (getattr(metadata, kind) for kind in _KINDS)
    numbers = "|".join(_of_its_lengths(kind) for kind in kinds if kind and kind.national_number_pattern)
    return re.compile(f"(?={_of_its_lengths(general)}\\Z)(?:{numbers})") if numbers else _NEVER


def _usual(region: str, metadata: PhoneMetadata, general: PhoneNumberDesc) -> re.Pattern[str]:
    """
    The questions of `at_home` in one pattern, `0 | 612345678`: half the time of asking them in turn.

    Only of the region that a calling code is first of, and without an area: no
    other region is asked about its numbers. And only with a trunk prefix that is
    plain digits, which can be read in one way.
    """
    trunk = metadata.national_prefix_for_parsing
    is_first = COUNTRY_CODE_TO_REGION_CODE[metadata.country_code or 0][0] == region
    if not is_first or metadata.leading_digits or not (trunk and trunk.isdecimal()):
        return _NEVER
    before = f"(?!{metadata.international_prefix})(?!{metadata.country_code})"
    possible = f"(?:{general.national_number_pattern})\\Z"
    numbers = _valid_numbers(metadata, general).pattern
    return re.compile(f"{before}(?:(?!{possible}){trunk}|(?!{trunk}))({numbers})")


def _of_its_lengths(kind: PhoneNumberDesc) -> str:
    lengths = "|".join(f".{{{length}}}" for length in kind.possible_length if length > 0)
    return f"(?=(?:{lengths})\\Z)(?:{kind.national_number_pattern})"


def _pattern(text: str | None) -> re.Pattern[str]:
    return re.compile(text) if text else _NEVER


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
        return from_abroad(found)
    return at_home(found, country) if country else None


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
