"""What a JSON value is worth as text."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.domain.decision import WarningCode
from consumer.mapping import values
from consumer.mapping.values import WRONG_TYPE, InvalidValue, integer_of, is_placeholder, text_of


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        False,
        {},
        {"a": 1},
        [],
        ["a"],
        0.5,
        -1.5,
        1e300,
        2.0**53,
        -(2.0**53),
        float("nan"),
        float("inf"),
        2**64,
        -(2**63) - 1,
    ],
)
def test_what_is_neither_text_nor_a_whole_number_is_of_the_wrong_type(value: Any) -> None:
    assert text_of(value) is WRONG_TYPE
    assert integer_of(value) is None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("", ""),
        (" A ", " A "),
        (0, "0"),
        (-1, "-1"),
        (33612345678, "33612345678"),
        (2**64 - 1, "18446744073709551615"),
        (-(2**63), "-9223372036854775808"),
        (3.0, "3"),
        (-0.0, "0"),
        (9007199254740991.0, "9007199254740991"),
    ],
)
def test_text_stays_and_whole_numbers_become_text(value: Any, text: str) -> None:
    assert text_of(value) == text


@pytest.mark.parametrize(
    "text",
    ["", " ", "a", "nil", "n.a.", "not set", "0", "-1", "unknown person", "*a*", "- x", "\u2014", "()"],
)
def test_a_text_that_says_something_is_no_placeholder(text: str) -> None:
    assert not is_placeholder(text)


@pytest.mark.parametrize(
    "text",
    [
        "null",
        "undefined",
        "none",
        "nan",
        "n/a",
        "(null)",
        "(none)",
        "(not set)",
        "unknown",
        "anonymous",
        "[object object]",
        "*",
        "*****",
        "-",
        "---",
        ".",
        "...",
        "*-.",
    ],
)
def test_placeholders_are_known_in_any_case_and_with_space_around(text: str) -> None:
    assert is_placeholder(text)
    assert is_placeholder(text.upper())
    assert is_placeholder(f"\t{text.title()} \n")


def test_an_unusable_value_carries_only_the_word_of_its_note() -> None:
    assert tuple(WRONG_TYPE) == (WarningCode.WRONG_TYPE,)


@given(st.integers())
def test_an_integer_and_its_float_have_one_text(number: Any) -> None:
    if abs(number) < 2**53:
        assert text_of(float(number)) == text_of(number) == str(number)


def test_there_is_one_constant_for_each_word() -> None:
    words = Counter(value.note for value in vars(values).values() if isinstance(value, InvalidValue))
    assert set(words.values()) == {1}
    core = Path(values.__file__).parent
    made = re.compile(r"\bInvalidValue\(\w")
    makers = {path.name for path in core.glob("*.py") if made.search(path.read_text("utf-8"))}
    assert makers == {"values.py"}
