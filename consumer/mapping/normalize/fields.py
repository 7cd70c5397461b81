"""
What text of a personal value is hashed.

Meta hashes what it knows of a person after the same rules; a digest matches
only when both sides normalise alike. Every value goes the same way:

    JSON value -> text -> already a digest? -> folded -> placeholder? -> the rule of its key

A rule gets folded text (see `characters.folded`) and the circumstances: what the
meaning depends on besides the text. It answers with the text to hash or an `Unusable`.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from consumer.mapping import times
from consumer.mapping.normalize import birthdates, countries, phones, postal_codes, states
from consumer.mapping.normalize.digests import given_digest, no_digest
from consumer.mapping.normalize.text import folded, letters, letters_and_digits
from consumer.mapping.rules import BirthdateOrder, Rules
from consumer.mapping.values import (
    EMPTY,
    MALFORMED,
    NO_IDS,
    PLACEHOLDER,
    Unusable,
    is_placeholder_word,
    text_of,
)


class Circumstances(NamedTuple):
    """
    What a value's meaning depends on besides itself.

    `country` is the event's, alpha-2 in lower case, already resolved with
    `country_of`; `default_country` is the setting. `today` is UTC's.
    """

    country: str | None
    default_country: str | None
    birthdate_order: BirthdateOrder | None
    today: datetime.date

    @property
    def home(self) -> str | None:
        """The country where the person is taken to be."""
        return self.country or self.default_country


def circumstances_of(country: object, rules: Rules, now_ms: int) -> Circumstances:
    """Those of a person, by the source of their `country`."""
    return Circumstances(
        country_of(country), rules.default_country, rules.birthdate_order, times.day_of(now_ms)
    )


class Normalised(NamedTuple):
    """Text that is to be hashed, never empty; or a digest, which is sent as it is."""

    text: str
    is_digest: bool = False


Rule = Callable[[str, Circumstances], "str | Unusable"]

# Words with single dots between them, an @, and two words or more. None of the
# characters that only occur in lists and quotes, though RFC 5321 has ways for them.
_WORD = r"[^.@\s()<>\[\]:;,\"\\]+"
_EMAIL = re.compile(rf"{_WORD}(?:\.{_WORD})*@{_WORD}(?:\.{_WORD})+")
_FEMALE = (
    "f",
    "female",
    "femme",
    "woman",
    "féminin",
    "mme",
    "mrs",
    "ms",
    "miss",
    "mlle",
    "madame",
    "mademoiselle",
)
_MALE = ("m", "male", "homme", "man", "masculin", "mr", "monsieur", "h")
_GENDERS = {**dict.fromkeys(_FEMALE, "f"), **dict.fromkeys(_MALE, "m")}


def normalise(
    key: str, value: object, circumstances: Circumstances, *, digests_only: bool = False
) -> Normalised | Unusable:
    """
    What one scalar of `user_data.<key>` is hashed as, or the digest that it already is.

    `digests_only` is for the sources that must already be hashed.
    """
    text = text_for(key, value, circumstances)
    if isinstance(text, Unusable):
        return text
    digest = given_digest(text)
    if digest is not None:
        return digest if isinstance(digest, Unusable) else Normalised(digest, is_digest=True)
    plain = no_digest(text) if digests_only else normalised_text(key, text, circumstances)
    return plain if isinstance(plain, Unusable) else Normalised(plain)


def text_for(key: str, value: object, circumstances: Circumstances) -> str | Unusable:
    """The text that a scalar stands for as a source of `user_data.<key>`."""
    text = text_of(value)
    if key == "zp" and not isinstance(value, str) and not isinstance(text, Unusable):
        return postal_codes.padded(text, circumstances.home)
    return text


def normalised_text(key: str, text: str, circumstances: Circumstances) -> str | Unusable:
    """What is hashed of a text that is no digest."""
    plain = folded(text)
    if not plain:
        return EMPTY
    if is_placeholder_word(plain):
        return PLACEHOLDER
    return NORMALISERS[key](plain, circumstances) or MALFORMED


def country_of(value: object) -> str | None:
    """The alpha-2 code of a source of `country`, when it is one usable plain value."""
    texts = map(text_of, value) if isinstance(value, list) else (text_of(value),)
    plain = (folded(text) for text in texts if isinstance(text, str) and given_digest(text) is None)
    found = {code for code in map(countries.alpha_2, plain) if isinstance(code, str)}
    return found.pop() if len(found) == 1 else None


def email(text: str, _: Circumstances) -> str | Unusable:
    """One `@`, a dot after it, nothing empty between dots. Dots and tags before the `@` stay."""
    return text if _EMAIL.fullmatch(text) else MALFORMED


def phone(text: str, circumstances: Circumstances) -> str | Unusable:
    """Country code and number, digits only."""
    return phones.digits(text, circumstances.home)


def gender(text: str, _: Circumstances) -> str | Unusable:
    """`f` or `m`."""
    return _GENDERS.get(text.removesuffix(".").rstrip()) or MALFORMED


def birthdate(text: str, circumstances: Circumstances) -> str | Unusable:
    """`YYYYMMDD`."""
    return birthdates.compact(text, circumstances.birthdate_order, circumstances.today)


def name(text: str, _: Circumstances) -> str:
    """Letters and digits."""
    return letters_and_digits(text)


def city(text: str, _: Circumstances) -> str:
    """Letters, without the delivery office of French business mail."""
    return letters(postal_codes.without_cedex(text))


def state(text: str, circumstances: Circumstances) -> str:
    """The code of a US state or a Canadian province, else letters and digits."""
    return states.code(text, circumstances.home)


def postal_code(text: str, circumstances: Circumstances) -> str:
    """Without spaces, dashes and the country's prefix."""
    return postal_codes.compact(text, circumstances.home)


def country(text: str, _: Circumstances) -> str | Unusable:
    """Alpha-2."""
    return countries.alpha_2(text)


def external_id(text: str, _: Circumstances) -> str | Unusable:
    """Without whitespace: what Meta's own browser code does, so both sides match."""
    compact = "".join(text.split())
    return PLACEHOLDER if compact in NO_IDS else compact


NORMALISERS: Mapping[str, Rule] = MappingProxyType(
    {
        "em": email,
        "ph": phone,
        "ge": gender,
        "db": birthdate,
        "ln": name,
        "fn": name,
        "ct": city,
        "st": state,
        "zp": postal_code,
        "country": country,
        "external_id": external_id,
    }
)

# The rules that read the circumstances.
KEYS_OF_CIRCUMSTANCES = frozenset({"ph", "db", "st", "zp"})
