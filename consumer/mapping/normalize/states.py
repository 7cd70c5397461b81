"""
States and provinces: the code where Meta knows one.

English names of the states and territories of the US and of the provinces of
Canada become their two letters. Everywhere else a region is its own name,
letters and digits only.

    California    ca        Île-de-France    îledefrance
    US-CA         ca        NSW              nsw
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from consumer.mapping.normalize.text import only_letters_and_digits

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
