"""
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

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata
from phonenumbers.phonemetadata import PhoneNumberDesc

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
