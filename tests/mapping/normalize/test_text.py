"""Which characters of a text count."""

from __future__ import annotations

import sys
from typing import Any
from unicodedata import category, is_normalized, normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.mapping.values import (
    casefold_nfc,
    composed,
    is_dash,
    only_letters,
    only_letters_and_digits,
    strip_invisible,
    without_accents,
)

VARIATION_SELECTORS = {*range(0x180B, 0x180E), 0x180F, *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)}


def _is_invisible(code: int) -> bool:
    if chr(code) in "\t\r\n":
        return False
    return category(chr(code)) in ("Cc", "Cf", "Cs") or code in VARIATION_SELECTORS


def test_the_table_of_invisible_characters_is_unicodes() -> None:
    every = range(sys.maxunicode + 1)
    kept = set(map(ord, strip_invisible("".join(map(chr, every)))))
    wrong = [hex(code) for code in every if _is_invisible(code) == (code in kept)]
    # A newer Unicode than Python's gives categories to what was unassigned.
    assert [code for code in wrong if category(chr(int(code, 16))) != "Cn"] == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("\x00\x01", ""),
        ("\u200b\ufeff", ""),
        (" \t\r\n ", ""),
        ("\u00a0\u2003\u3000", ""),
        ("a\x00b", "ab"),
        ("a\x7fb\x85c", "abc"),
        ("a\tb\r\nc", "a\tb\r\nc"),
        ("\x0bmale\x0c", "male"),
        ("\u200bAn\u00adna\u200d", "anna"),
        ("\ufeff Anna", "anna"),
        ("a\ufe0fb\U000e0101c\u180bd", "abcd"),
        ("  Ste\u0301phane\u200b ", "st\u00e9phane"),
        ("ÉLODIE", "élodie"),
        ("MÜLLER", "müller"),
        ("STRASSE", "strasse"),
        ("Straße", "straße"),
        ("ВЛАДИМИР", "владимир"),
        ("ΑΝΤΩΝΊΟΥ", "αντωνίου"),
        ("ΟΔΟΣ", "οδος"[:-1] + "ς"),
        ("İstanbul", "istanbul"),
        ("I\u0307zmir", "izmir"),
        ("İ\u0307\u0307x", "ix"),
        ("Kelvin \u212a", "kelvin k"),
        ("정", "정"),
        ("\u110c\u1165\u11bc", "정"),
        ("e\u200b\u0301", "é"),
        ("\ud800x", "x"),
    ],
)
def test_folding_is_visible_then_composed_then_trimmed_then_lower_case(text: str, expected: str) -> None:
    assert casefold_nfc(text) == expected


def test_a_long_run_of_marks_is_composed_in_time() -> None:
    count = 300_000
    assert (
        casefold_nfc("A" + "\u0301" * count + "\u0323" * count)
        == "\u1ea1" + "\u0323" * (count - 1) + "\u0301" * count
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("e\u0301", "é"),
        # each letter keeps its marks, in the order of their classes
        ("a\u0338\u0301b\u0301\u0338c", "á\u0338b\u0338\u0301c"),
        ("q\u0307\u0323w", "q\u0323\u0307w"),
        # marks of one class keep their order
        ("q\u0301\u0300\u0301", "q\u0301\u0300\u0301"),
        ("\u1112\u1161\u11ab", "한"),
    ],
)
@pytest.mark.parametrize("before", [0, 998, 1_000])
def test_a_text_is_composed_whatever_its_length(before: int, text: str, expected: str) -> None:
    assert composed("." * before + text) == "." * before + expected


@given(
    st.text(
        st.sampled_from("aeoAΩ\u0301\u0323\u0307\u0345\u0303\u1100\u1161\u11a8ệ"), min_size=1, max_size=20
    )
)
def test_a_long_text_is_composed_as_a_short_one(text: Any) -> None:
    assert composed("." * 1_000 + text) == "." * 1_000 + normalize("NFC", "." + text)[1:]


def test_a_dot_above_stays_where_no_i_is_before_it() -> None:
    assert casefold_nfc("Z\u0307") == "\u017c"
    assert casefold_nfc("Q\u0307") == "q\u0307"


@pytest.mark.parametrize(
    ("text", "letters", "with_digits"),
    [
        ("", "", ""),
        ("!@#$%^&*()_", "", ""),
        ("123", "", "123"),
        ("X-1", "X", "X1"),
        ("a\x7fb\x80", "ab", "ab"),
        ("a\x7fb", "ab", "ab"),
        ("jean-pierre", "jeanpierre", "jeanpierre"),
        ("o’brien", "obrien", "obrien"),
        ("josé maría", "josémaría", "josémaría"),
        ("saint-étienne 2", "saintétienne", "saintétienne2"),
        ("valéry", "valéry", "valéry"),
        ("정", "정", "정"),
        ("محمد", "محمد", "محمد"),
        ("محمّد علي", "محمّدعلي", "محمّدعلي"),
        ("अनुराग शर्मा", "अनुरागशर्मा", "अनुरागशर्मा"),
        ("anna ٣", "anna", "anna٣"),
        ("²½ⅷ€", "", ""),
        ("x\u0307\u0323y", "x\u0307\u0323y", "x\u0307\u0323y"),
        ("-\u0301a", "a", "a"),
        ("é-\u0301a", "éa", "éa"),
        ("é1\u0301", "é", "é1"),
        ("\u0301é", "é", "é"),
    ],
)
def test_letters_are_l_and_marks_after_letters_and_digits_are_nd(
    text: str, letters: str, with_digits: str
) -> None:
    assert only_letters(text) == letters
    assert only_letters_and_digits(text) == with_digits


def test_accents_can_be_ignored() -> None:
    assert without_accents("cote") == "cote"
    assert without_accents("côte d’ivoire") == "cote d’ivoire"


def test_every_dash_is_a_dash_and_no_other_sign_is() -> None:
    assert all(map(is_dash, "-\u2010\u2011\u2013\u2014\uff0d"))
    assert not any(map(is_dash, "_ .\u2212~"))


@given(st.text(st.characters()))
def test_folding_twice_changes_nothing(text: Any) -> None:
    once = casefold_nfc(text)
    assert casefold_nfc(once) == once
    assert is_normalized("NFC", once)


@given(st.text(st.characters()))
def test_letters_of_letters_are_the_same_letters(text: Any) -> None:
    once, once_with_digits = only_letters(casefold_nfc(text)), only_letters_and_digits(casefold_nfc(text))
    assert only_letters(once) == once
    assert only_letters_and_digits(once_with_digits) == once_with_digits
