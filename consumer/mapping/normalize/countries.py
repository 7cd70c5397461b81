"""
Which country a text names.

    fr, Fr., F.R.           a code of two letters, nothing else but dots, digits and spaces
    FRA, U.S.A.             a code of three letters
    Côte d'Ivoire, Japon    a name, letters only, accents ignored
    UK, Holland             an alias

English and French names come first; the other languages are only read when a
text is neither, and a name that two languages give to two countries is nobody's.
The tables are built on first use: most processes only ever see codes.
"""

from __future__ import annotations

import gettext
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from types import MappingProxyType

import pycountry
from babel import Locale

from consumer.mapping.normalize.text import casefold_nfc, only_letters, without_accents
from consumer.mapping.values import MALFORMED, InvalidValue

_OTHER_LANGUAGES = ("de", "es", "it", "nl", "pt", "pl", "sv", "da", "nb", "fi")

ALIASES: Mapping[str, str] = MappingProxyType(
    {
        "UK": "gb",
        "Great Britain": "gb",
        "Grande-Bretagne": "gb",
        "Turkey": "tr",
        "Ivory Coast": "ci",
        "The Netherlands": "nl",
        "Holland": "nl",
        "Republic of Korea": "kr",
        "Macedonia": "mk",
        "Palestine": "ps",
        "Vatican": "va",
        "Burma": "mm",
        "Birmanie": "mm",
        "Swaziland": "sz",
        "Macau": "mo",
    }
)

_NAME_LENGTH_MAX = 200  # more than twice the longest name of all languages


def alpha_2(text: str) -> str | InvalidValue:
    """The ISO 3166 alpha-2 code, lower case, of a folded text."""
    if text in country_codes():
        return text
    if len(text) > _NAME_LENGTH_MAX:
        return MALFORMED
    short = "".join(c for c in text if not (c == "." or c.isdecimal() or c.isspace()))
    if short in country_codes():
        return short
    name = _compared(text)
    return _alpha_3().get(name) or _names().get(name) or _other_names().get(name) or MALFORMED


@cache
def country_codes() -> frozenset[str]:
    """Every alpha-2 code, lower case."""
    return frozenset(country.alpha_2.lower() for country in pycountry.countries)


@cache
def _alpha_3() -> Mapping[str, str]:
    return {country.alpha_3.lower(): country.alpha_2.lower() for country in pycountry.countries}


@cache
def _names() -> Mapping[str, str]:
    """English and French, with the aliases on top."""
    names = _unambiguous([*_pycountry_names(), *_territories("en"), *_territories("fr")])
    return {**names, **{_compared(casefold_nfc(alias)): code for alias, code in ALIASES.items()}}


@cache
def _other_names() -> Mapping[str, str]:
    return _unambiguous(pair for language in _OTHER_LANGUAGES for pair in _territories(language))


def _pycountry_names() -> Iterator[tuple[str, str]]:
    french = gettext.translation("iso3166-1", pycountry.LOCALES_DIR, languages=["fr"])
    for country in pycountry.countries:
        # Its common names, as of Vietnam, are Babel's.
        for name in (country.name, getattr(country, "official_name", country.name)):
            yield name, country.alpha_2.lower()
            yield french.gettext(name), country.alpha_2.lower()


def _territories(language: str) -> Iterator[tuple[str, str]]:
    for territory, name in Locale(language).territories.items():
        if territory.lower() in country_codes():
            yield name, territory.lower()


def _unambiguous(names: Iterable[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, set[str]] = {}
    for name, code in names:
        found.setdefault(_compared(casefold_nfc(name)), set()).add(code)
    return {name: min(codes_of_name) for name, codes_of_name in found.items() if len(codes_of_name) == 1}


def _compared(text: str) -> str:
    """Letters only, accents and an English article ignored."""
    return only_letters(without_accents(text)).removeprefix("the")
