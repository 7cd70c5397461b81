"""
Which country a text names.

    fr, Fr., F.R.           a code of two letters, nothing else but dots, digits and spaces
    FRA, U.S.A.             a code of three letters
    Côte d'Ivoire, Japon    a name, letters only, accents ignored
    UK, Holland             an alias

English and French names come first; the other languages are only read when a
text is neither, and a name that two languages give to two countries is nobody's.
The tables are built on first use: most processes only ever see codes.

States and provinces: the code where Meta knows one.

English names of the states and territories of the US and of the provinces of
Canada become their two letters. Everywhere else a region is its own name,
letters and digits only.

    California    ca        Île-de-France    îledefrance
    US-CA         ca        NSW              nsw

Postal codes, as short as they can be written.

    SW1A 2AA          sw1a2aa
    94035-1234        94035       the second half is a delivery route in the US
    F-75001           75001       the country's prefix of old European mail
    75008 Cedex 08    75008       an office for business mail

A code that came as a JSON number has lost its leading zero.
"""

from __future__ import annotations

import gettext
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from types import MappingProxyType

import pycountry
from babel import Locale

from consumer.mapping.values import (
    MALFORMED,
    InvalidValue,
    casefold_nfc,
    is_dash,
    only_letters,
    only_letters_and_digits,
    without_accents,
)

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


# ISO 3166-2:US, with the names that people use for the islands and the capital.
US: Mapping[str, str] = MappingProxyType(
    {
        "alabama": "al",
        "alaska": "ak",
        "arizona": "az",
        "arkansas": "ar",
        "california": "ca",
        "colorado": "co",
        "connecticut": "ct",
        "delaware": "de",
        "florida": "fl",
        "georgia": "ga",
        "hawaii": "hi",
        "idaho": "id",
        "illinois": "il",
        "indiana": "in",
        "iowa": "ia",
        "kansas": "ks",
        "kentucky": "ky",
        "louisiana": "la",
        "maine": "me",
        "maryland": "md",
        "massachusetts": "ma",
        "michigan": "mi",
        "minnesota": "mn",
        "mississippi": "ms",
        "missouri": "mo",
        "montana": "mt",
        "nebraska": "ne",
        "nevada": "nv",
        "newhampshire": "nh",
        "newjersey": "nj",
        "newmexico": "nm",
        "newyork": "ny",
        "northcarolina": "nc",
        "northdakota": "nd",
        "ohio": "oh",
        "oklahoma": "ok",
        "oregon": "or",
        "pennsylvania": "pa",
        "rhodeisland": "ri",
        "southcarolina": "sc",
        "southdakota": "sd",
        "tennessee": "tn",
        "texas": "tx",
        "utah": "ut",
        "vermont": "vt",
        "virginia": "va",
        "washington": "wa",
        "westvirginia": "wv",
        "wisconsin": "wi",
        "wyoming": "wy",
        "districtofcolumbia": "dc",
        "washingtondc": "dc",
        "americansamoa": "as",
        "guam": "gu",
        "northernmarianaislands": "mp",
        "puertorico": "pr",
        "usminoroutlyingislands": "um",
        "unitedstatesminoroutlyingislands": "um",
        "virginislands": "vi",
        "virginislandsus": "vi",
        "usvirginislands": "vi",
        "unitedstatesvirginislands": "vi",
    }
)

# ISO 3166-2:CA, with the Yukon as Meta's own code writes it.
CANADA: Mapping[str, str] = MappingProxyType(
    {
        "alberta": "ab",
        "britishcolumbia": "bc",
        "manitoba": "mb",
        "newbrunswick": "nb",
        "newfoundland": "nl",
        "newfoundlandandlabrador": "nl",
        "northwestterritories": "nt",
        "novascotia": "ns",
        "nunavut": "nu",
        "ontario": "on",
        "princeedwardisland": "pe",
        "quebec": "qc",
        "québec": "qc",
        "saskatchewan": "sk",
        "yukon": "yt",
        "yukonterritory": "yt",
    }
)

_OF_COUNTRY: Mapping[str | None, Mapping[str, str]] = MappingProxyType(
    {"us": US, "ca": CANADA, None: {**US, **CANADA}}
)
_NONE: Mapping[str, str] = MappingProxyType({})
_PREFIX_WITHOUT_COUNTRY = re.compile(r"\A(?:us|ca)-")


def state_code(text: str, country: str | None) -> str:
    """The code of a folded text, else its letters and digits. May be empty."""
    region = text.removeprefix(f"{country}-") if country else _PREFIX_WITHOUT_COUNTRY.sub("", text)
    compact = only_letters_and_digits(region)
    return _OF_COUNTRY.get(country, _NONE).get(compact, compact)


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
