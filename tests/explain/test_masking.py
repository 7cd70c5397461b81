"""A shape tells how a value is written and not what it says."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.explain.rows import mask, short_digests

DIGEST = "71d4f55f72fa128dfb468a1a3901507c804b74316488744d769d7f4b16696476"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("ann@example.com", "xxx@xxxxxxx.xxx"),
        ("33612345678", "99999999999"),
        ("valéry", "xxxxxx"),
        ("정", "x"),
        ("किशोर", "xxx"),
        ("٣٤", "99"),
        ("Mozilla/5.0 (X11)", "xxxxxxx/9.9 (x99)"),
        ("a" * 40, "x" * 40),
        ("a" * 41, "x" * 39 + "…"),
    ],
)
def test_letters_become_x_and_digits_9(text: str, expected: str) -> None:
    assert mask(text) == expected


@given(st.text())
def test_no_letter_and_no_digit_but_x_and_9_is_left(text: Any) -> None:
    assert not {c for c in mask(text) if c.isalpha() or c.isdecimal()} - {"x", "9"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (DIGEST, "71d4f5…"),
        (f"{DIGEST}.AQ", "71d4f5….AQ"),
        (f'["{DIGEST}","{DIGEST}"]', '["71d4f5…","71d4f5…"]'),
        ("71d4f5", "71d4f5"),
    ],
)
def test_a_digest_keeps_its_first_digits(text: Any, expected: str) -> None:
    assert short_digests(text) == expected
