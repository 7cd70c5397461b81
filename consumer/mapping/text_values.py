"""
Values that are sent as they are: text and ids.

Nothing here lower-cases or hashes: that is for `user_data`. Each reader gives
the value that is sent, or says why there is none (·).

                     text   clean_text   text_or_integer   content_id   identifier   given
    " a "            "a"    "a"          "a"               "a"          " a "        " a "
    "null"           sent   sent         sent              sent         ·            ·
    with an address  sent   ·            sent              ·            ·            ·
    5, 5.0           ·      ·            "5"               "5"          "5"          5
    "", 5.5, true    ·      ·            ·                 ·            ·            ·
"""

from __future__ import annotations

from consumer.mapping.redaction import contains_email
from consumer.mapping.values import (
    EMPTY,
    PERSONAL_DATA,
    PLACEHOLDER,
    WRONG_TYPE,
    InvalidValue,
    integer_of,
    is_placeholder,
    text_of,
)


def trimmed_text(value: object) -> str | InvalidValue:
    """Trimmed text."""
    if not isinstance(value, str):
        return WRONG_TYPE
    return value.strip() or EMPTY


def clean_text(value: object) -> str | InvalidValue:
    """Trimmed text without an e-mail address in it."""
    return _without_email(trimmed_text(value))


def text_or_integer(value: object) -> str | InvalidValue:
    """Trimmed text, or an integer as text."""
    found = text_of(value)
    return found if isinstance(found, InvalidValue) else found.strip() or EMPTY


def content_id(value: object) -> str | InvalidValue:
    """The id of a product: text or an integer, as text, without an e-mail address in it."""
    if isinstance(value, str) and "@" not in value:
        return value.strip() or EMPTY
    return _without_email(text_or_integer(value))


def identifier(value: object) -> str | InvalidValue:
    """
    Text unchanged, or an integer as text; no placeholder, no e-mail address.

    For an event id too: every event that carries the same placeholder would
    count as a repeat of the first.
    """
    found = text_of(value)
    if isinstance(found, InvalidValue):
        return found
    if not found or found.isspace():
        return EMPTY
    return PLACEHOLDER if is_placeholder(found) else _without_email(found)


def identifier_as_is(value: object) -> str | int | InvalidValue:
    """An identifier that is sent as given: text unchanged, or an integer."""
    number = integer_of(value)
    return identifier(value) if number is None else number


def _without_email(found: str | InvalidValue) -> str | InvalidValue:
    return PERSONAL_DATA if isinstance(found, str) and contains_email(found) else found
