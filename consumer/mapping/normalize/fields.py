"""
What text of a personal value is hashed.

Meta hashes what it knows of a person after the same rules; a digest matches
only when both sides normalise alike. Every value goes the same way:

    JSON value -> text -> already a digest? -> folded -> placeholder? -> the rule of its key

A rule gets folded text (see `characters.folded`) and the circumstances: what the
meaning depends on besides the text. It answers with the text to hash or an `InvalidValue`.

Birthdates, as YYYYMMDD.

    1997-02-16, 1997/2/16, 19970216      year first: no doubt
    16.02.1997, 2/16/1997, 2/2/1997      day and month tell themselves apart, or are equal
    02/03/1997                           ambiguous, unless the setting says which comes first

A time may follow. Dates that forms fill in by themselves are nobody's birthdate.

Whether a text is already a digest.

Producers may send SHA-256 instead of the plain value, and Meta's parameter
builder appends to a digest a dot and a few letters that name its language. Both
are sent on, never hashed again.

    64 hex digits             sent in lower case
    64 hex digits.appendix    the same, appendix as it is
    32 hex digits             no digest of ours: MD5 says nothing to Meta
    the digest of nothing     unusable: somebody hashed an empty field
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from consumer.mapping import event_fields
from consumer.mapping.normalize import phones, places
from consumer.mapping.rules import BirthdateOrder, MappingOptions
from consumer.mapping.values import (
    AMBIGUOUS,
    EMPTY,
    MALFORMED,
    NO_IDS,
    PLACEHOLDER,
    InvalidValue,
    casefold_nfc,
    is_placeholder_word,
    only_letters,
    only_letters_and_digits,
    strip_invisible,
    text_of,
)

_TIME = r"(?:[t ][0-9]{1,2}:[0-9]{2}.*)?"
_COMPACT = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})" + _TIME, re.DOTALL)
_YEAR_FIRST = re.compile(r"([0-9]{4})([-/._ ])([0-9]{1,2})\2([0-9]{1,2})" + _TIME, re.DOTALL)
_YEAR_LAST = re.compile(r"([0-9]{1,2})([-/._ ])([0-9]{1,2})\2([0-9]{4})" + _TIME, re.DOTALL)

_AFTER = datetime.date(1900, 1, 1)
_UNIX_EPOCH = datetime.date(1970, 1, 1)


def birthdate_digits(text: str, order: BirthdateOrder | None, today: datetime.date) -> str | InvalidValue:
    """`YYYYMMDD` of a folded text, for a date after 1900-01-01, up to today, other than 1970-01-01."""
    if match := _COMPACT.fullmatch(text):
        return _real(*map(int, match.group(1, 2, 3)), today=today)
    if match := _YEAR_FIRST.fullmatch(text):
        return _real(*map(int, match.group(1, 3, 4)), today=today)
    if match := _YEAR_LAST.fullmatch(text):
        first, second, year = map(int, match.group(1, 3, 4))
        return _day_and_month(first, second, year, order, today)
    return MALFORMED


def _day_and_month(
    first: int, second: int, year: int, order: BirthdateOrder | None, today: datetime.date
) -> str | InvalidValue:
    if first > 12 or first == second:
        return _real(year, second, first, today=today)
    if second > 12 or order is BirthdateOrder.MDY:
        return _real(year, first, second, today=today)
    return _real(year, second, first, today=today) if order is BirthdateOrder.DMY else AMBIGUOUS


def _real(year: int, month: int, day: int, *, today: datetime.date) -> str | InvalidValue:
    try:
        date = datetime.date(year, month, day)
    except ValueError:
        return MALFORMED
    if not _AFTER < date <= today or date == _UNIX_EPOCH:
        return MALFORMED
    return date.isoformat().replace("-", "")


# Of Meta's parameter builder, as its source has it (read in November 2026): eight letters, or two.
APPENDIX = r"(?:[A-Za-z0-9_-]{8}|AQ|Ag|Aw|BA|BQ|Bg)"

_DIGITS = 64
_LENGTHS = frozenset({_DIGITS, _DIGITS + 3, _DIGITS + 9})
_DIGEST = re.compile(rf"[0-9a-fA-F]{{{_DIGITS}}}(?:\.{APPENDIX})?")
_OF_NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def given_digest(text: str) -> str | InvalidValue | None:
    """The digest a text already is, hex in lower case; None when it is not one."""
    if len(text) < _DIGITS:
        return None
    trimmed = strip_invisible(text).strip()
    # Most long texts are none: the length is a cheaper question than the pattern.
    if len(trimmed) not in _LENGTHS or _DIGEST.fullmatch(trimmed) is None:
        return None
    digest = trimmed[:_DIGITS].lower()
    return MALFORMED if digest == _OF_NOTHING else digest + trimmed[_DIGITS:]


def no_digest(text: str) -> InvalidValue:
    """Why a text that should have been a digest is of no use."""
    return MALFORMED if text.strip() else EMPTY


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
        country_of(country), rules.default_country, rules.birthdate_order, event_fields.day_of(now_ms)
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
        return places.padded_postal_code(text, circumstances.region)
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
    found = {code for code in map(places.alpha_2, plain) if isinstance(code, str)}
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
    return birthdate_digits(text, circumstances.birthdate_order, circumstances.today)


def name(text: str, _: NormalizationContext) -> str:
    """Letters and digits."""
    return only_letters_and_digits(text)


def city(text: str, _: NormalizationContext) -> str:
    """Letters, without the delivery office of French business mail."""
    return only_letters(places.without_cedex(text))


def state(text: str, circumstances: NormalizationContext) -> str:
    """The code of a US state or a Canadian province, else letters and digits."""
    return places.state_code(text, circumstances.region)


def postal_code(text: str, circumstances: NormalizationContext) -> str:
    """Without spaces, dashes and the country's prefix."""
    return places.compact_postal_code(text, circumstances.region)


def country(text: str, _: NormalizationContext) -> str | InvalidValue:
    """Alpha-2."""
    return places.alpha_2(text)


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
