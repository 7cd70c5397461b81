"""Our own sentence for every code, and of Meta's title nothing that could be a value."""

from __future__ import annotations

from typing import Any

import pytest

from consumer.meta.error_codes import CODE_WORDS, SENTENCES, code_word, masked, sentence
from consumer.meta.response import (
    BLOCKED_CODES,
    MISCONFIGURED_CODES,
    REJECTED_CODES,
    THROTTLED_CODES,
    TRANSIENT_CODES,
)

SAYS = [
    (190, None, "the access token is refused: it was revoked, has expired, or was mistyped"),
    (190, 463, "the access token is refused: it was revoked, has expired, or was mistyped"),
    (100, 33, "the pixel does not exist, or the access token may not use it; check CAPI_PIXEL_ID"),
    (100, None, "a parameter of an event is refused"),
    (100, 2804003, "the event is older than Meta takes"),
    (100, 2804999, "a parameter of an event is refused"),
    (200, None, "the access token lacks a permission for this pixel"),
    (299, 5, "the access token lacks a permission for this pixel"),
    (80004, None, "the business has made too many calls"),
    (9999, None, "an error whose code (9999) is not known to this version"),
    (None, None, "HTTP 400 without a code"),
]


@pytest.mark.parametrize(("code", "subcode", "says"), SAYS)
def test_every_code_has_a_sentence(code: Any, subcode: Any, says: Any) -> None:
    assert sentence(code, subcode, 400) == says


def test_every_subcode_of_the_table_has_a_sentence_of_its_own() -> None:
    subcodes = (2804001, 2804003, 2804009, 2804010, 2804016, 2804043, 2804050, 2804063, 2804066)
    said = {sentence(100, subcode, 400) for subcode in subcodes}
    assert len(said) == len(subcodes)
    assert sentence(100, None, 400) not in said


def test_no_code_that_has_a_verdict_of_its_own_is_unknown() -> None:
    for code in MISCONFIGURED_CODES | THROTTLED_CODES | BLOCKED_CODES | TRANSIENT_CODES | REJECTED_CODES:
        assert "not known" not in sentence(code, None, 400), code


def test_no_sentence_has_room_for_a_value() -> None:
    assert all("{" not in text and "%" not in text for text in SENTENCES.values())


DIGEST = "b4c9a289323b21a01c3e940f150eb9b8c542587f1abfd8f0e1cc1ffc5e475514"
TITLES = [
    ("Event Timestamp Too Old", "Event Timestamp Too Old"),
    ('Invalid Currency "EURO"', "Invalid Currency *****"),
    ("Invalid Currency 'EURO'", "Invalid Currency *****"),
    ("Devise «EURO» invalide", "Devise ***** invalide"),
    ("Devise “EURO” invalide", "Devise ***** invalide"),
    ("Bad `value` here", "Bad ***** here"),
    ('Bad "value that does not end', "Bad *****"),
    ("Bad 'value that does not end", "Bad *****"),
    ("User Parameter isn't hashed", "User Parameter isn't hashed"),
    (f"Seen {DIGEST} before", "Seen ***** before"),
    (f"Seen {DIGEST.upper()[:32]}", "Seen *****"),
    ("Sent by user@example.com today", "Sent by ***** today"),
    ("Sent to @example.com or user@", "Sent to ***** or *****"),
    ("Call +33 6 12 34 56 78 now", "Call ***** now"),
    ("Call (020) 7946-0018 now", "Call (***** now"),
    ("From 203.0.113.77 today", "From ***** today"),
    ("Over 7 days, under 62", "Over 7 days, under 62"),
    (None, ""),
    (7, ""),
    (["user@example.com"], ""),
    ("", ""),
]


@pytest.mark.parametrize(("title", "shown"), TITLES)
def test_what_could_be_a_value_is_masked(title: Any, shown: Any) -> None:
    assert masked(title) == shown


def test_a_long_title_is_cut_and_what_the_cut_opens_is_masked() -> None:
    assert masked("w " * 300) == "w " * 60
    assert masked('A "' + "secret " * 200 + '" b') == "A *****"
    assert masked('A "' + "x" * 480 + '" ' + DIGEST) == "A *****"


@pytest.mark.parametrize(
    ("code", "word"),
    [
        (190, "190"),
        (100, "100"),
        (368, "368"),
        (199, "other"),
        (200, "200-299"),
        (294, "200-299"),
        (299, "200-299"),
        (300, "other"),
        (80_000, "80000-80014"),
        (80_014, "80000-80014"),
        (80_015, "other"),
        (-1, "other"),
        (2**63, "other"),
    ],
)
def test_a_code_is_counted_under_a_word_of_a_closed_set(code: Any, word: str) -> None:
    assert code_word(code) == word
    assert word in CODE_WORDS
