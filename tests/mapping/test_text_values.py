"""Values that are sent as they are: what each reader makes of each kind of value."""

from __future__ import annotations

from typing import Any

import pytest

from consumer.mapping import redaction
from consumer.mapping.values import EMPTY, PERSONAL_DATA, PLACEHOLDER, WRONG_TYPE

READERS = (
    redaction.trimmed_text,
    redaction.clean_text,
    redaction.text_or_integer,
    redaction.content_id,
    redaction.identifier,
    redaction.identifier_as_is,
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        # value        text  clean_text  text_or_integer  content_id  identifier  given
        ("a", ("a", "a", "a", "a", "a", "a")),
        (" a\n", ("a", "a", "a", "a", " a\n", " a\n")),
        ("", (EMPTY,) * 6),
        (" \t", (EMPTY,) * 6),
        ("null", ("null", "null", "null", "null", PLACEHOLDER, PLACEHOLDER)),
        (" N/A ", ("N/A", "N/A", "N/A", "N/A", PLACEHOLDER, PLACEHOLDER)),
        ("---", ("---", "---", "---", "---", PLACEHOLDER, PLACEHOLDER)),
        (
            " of a@b.cd",
            ("of a@b.cd", PERSONAL_DATA, "of a@b.cd", PERSONAL_DATA, PERSONAL_DATA, PERSONAL_DATA),
        ),
        ("5", ("5",) * 6),
        (5, (WRONG_TYPE, WRONG_TYPE, "5", "5", "5", 5)),
        (0, (WRONG_TYPE, WRONG_TYPE, "0", "0", "0", 0)),
        (-5.0, (WRONG_TYPE, WRONG_TYPE, "-5", "-5", "-5", -5)),
        (2**64, (WRONG_TYPE,) * 6),
        (5.5, (WRONG_TYPE,) * 6),
        (True, (WRONG_TYPE,) * 6),
        (["a"], (WRONG_TYPE,) * 6),
        ({"a": "a"}, (WRONG_TYPE,) * 6),
    ],
)
def test_each_reader_reads_each_kind_of_value(value: Any, expected: Any) -> None:
    found = tuple(reader(value) for reader in READERS)
    assert found == expected
    assert list(map(type, found)) == list(map(type, expected))
