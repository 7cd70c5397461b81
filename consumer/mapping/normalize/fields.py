"""
What text of a personal value is hashed.

Meta hashes what it knows of a person after the same rules; a digest matches
only when both sides normalise alike. Every value goes the same way:

    JSON value -> text -> already a digest? -> folded -> placeholder? -> the rule of its key

A rule gets folded text (see `characters.folded`) and the circumstances: what the
meaning depends on besides the text. It answers with the text to hash or an `InvalidValue`.
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
from consumer.mapping.normalize.text import casefold_nfc, only_letters, only_letters_and_digits
from consumer.mapping.rules import BirthdateOrder, MappingOptions
from consumer.mapping.values import (
    EMPTY,
    MALFORMED,
    NO_IDS,
    PLACEHOLDER,
    InvalidValue,
    is_placeholder_word,
    text_of,
)


class NormalizationContext(NamedTuple):
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
    def region(self) -> str | None:
        """The country where the person is taken to be."""
        return self.country or self.default_country


def normalization_context(country: object, rules: MappingOptions, now_ms: int) -> NormalizationContext:
    """Those of a person, by the source of their `country`."""
    return NormalizationContext(
        country_of(country), rules.default_country, rules.birthdate_order, times.day_of(now_ms)
    )


class NormalizedValue(NamedTuple):
    """Text that is to be hashed, never empty; or a digest, which is sent as it is."""

    text: str
    is_digest: bool = False


Rule = Callable[[str, NormalizationContext], "str | InvalidValue"]

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


def normalize(
    key: str, value: object, circumstances: NormalizationContext, *, digests_only: bool = False
) -> NormalizedValue | InvalidValue:
    """
    What one scalar of `user_data.<key>` is hashed as, or the digest that it already is.

    `digests_only` is for the sources that must already be hashed.
    """
    text = text_for(key, value, circumstances)
    if isinstance(text, InvalidValue):
        return text
    digest = given_digest(text)
    if digest is not None:
        return digest if isinstance(digest, InvalidValue) else NormalizedValue(digest, is_digest=True)
    plain = no_digest(text) if digests_only else normalized_text(key, text, circumstances)
    return plain if isinstance(plain, InvalidValue) else NormalizedValue(plain)


def text_for(key: str, value: object, circumstances: NormalizationContext) -> str | InvalidValue:
    """The text that a scalar stands for as a source of `user_data.<key>`."""
    text = text_of(value)
    if key == "zp" and not isinstance(value, str) and not isinstance(text, InvalidValue):
        return postal_codes.padded_postal_code(text, circumstances.region)
    return text


def normalized_text(key: str, text: str, circumstances: NormalizationContext) -> str | InvalidValue:
    """What is hashed of a text that is no digest."""
    plain = casefold_nfc(text)
    if not plain:
        return EMPTY
    if is_placeholder_word(plain):
        return PLACEHOLDER
    return NORMALISERS[key](plain, circumstances) or MALFORMED


def country_of(value: object) -> str | None:
    """The alpha-2 code of a source of `country`, when it is one usable plain value."""
    texts = map(text_of, value) if isinstance(value, list) else (text_of(value),)
    plain = (casefold_nfc(text) for text in texts if isinstance(text, str) and given_digest(text) is None)
    found = {code for code in map(countries.alpha_2, plain) if isinstance(code, str)}
    return found.pop() if len(found) == 1 else None


def email(text: str, _: NormalizationContext) -> str | InvalidValue:
    """One `@`, a dot after it, nothing empty between dots. Dots and tags before the `@` stay."""
    return text if _EMAIL.fullmatch(text) else MALFORMED


def phone(text: str, circumstances: NormalizationContext) -> str | InvalidValue:
    """Country code and number, digits only."""
    return phones.phone_digits(text, circumstances.region)


def gender(text: str, _: NormalizationContext) -> str | InvalidValue:
    """`f` or `m`."""
    return _GENDERS.get(text.removesuffix(".").rstrip()) or MALFORMED


def birthdate(text: str, circumstances: NormalizationContext) -> str | InvalidValue:
    """`YYYYMMDD`."""
    return birthdates.birthdate_digits(text, circumstances.birthdate_order, circumstances.today)


def name(text: str, _: NormalizationContext) -> str:
    """Letters and digits."""
    return only_letters_and_digits(text)


def city(text: str, _: NormalizationContext) -> str:
    """Letters, without the delivery office of French business mail."""
    return only_letters(postal_codes.without_cedex(text))


def state(text: str, circumstances: NormalizationContext) -> str:
    """The code of a US state or a Canadian province, else letters and digits."""
    return states.state_code(text, circumstances.region)


def postal_code(text: str, circumstances: NormalizationContext) -> str:
    """Without spaces, dashes and the country's prefix."""
    return postal_codes.compact_postal_code(text, circumstances.region)


def country(text: str, _: NormalizationContext) -> str | InvalidValue:
    """Alpha-2."""
    return countries.alpha_2(text)


def external_id(text: str, _: NormalizationContext) -> str | InvalidValue:
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
