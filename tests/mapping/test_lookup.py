"""The first source that is present and usable."""

from __future__ import annotations

from typing import Any

import pytest

from consumer.domain.decision import MappingWarning, WarningCode
from consumer.mapping.lookup import MappingTrace, Provenance, Source, at_path, first_valid
from consumer.mapping.values import WRONG_TYPE

SOURCES = (Source("a", 0, "a"), Source("b.c", 1, "c"))


def number(value: Any, factor: Any) -> Any:
    return value * factor if type(value) is int else WRONG_TYPE


@pytest.mark.parametrize(
    ("root", "inner", "expected", "path", "notes"),
    [
        ({"a": 1}, {"c": 2}, 10, "a", 0),
        ({"a": 0}, {"c": 2}, 0, "a", 0),
        ({"a": None}, {"c": 2}, 20, "b.c", 0),
        ({}, {"c": 2}, 20, "b.c", 0),
        ({"a": "x"}, {"c": 2}, 20, "b.c", 1),
        ({"a": "x"}, {"c": "x"}, None, None, 2),
        ({}, {}, None, None, 0),
    ],
)
def test_null_is_passed_over_and_the_unusable_is_noted(
    root: dict[str, Any], inner: dict[str, Any], expected: int | None, path: str | None, notes: int
) -> None:
    trail = MappingTrace(Provenance())
    assert first_valid("key", SOURCES, (root, inner), trail, number, 10) == expected
    assert trail.sources == ({"key": path} if path else {})
    assert trail.sources.invalid_paths == ({"key": ["a", "b.c"][:notes]} if notes else {})
    assert trail.warnings == (MappingWarning("key", WarningCode.WRONG_TYPE),) * notes


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ((), {"a": [{"b": 1}]}),
        (("a", 0, "b"), 1),
        (("a", 1), None),
        (("a", "0"), None),
        (("x",), None),
        (("a", 0, 0), None),
    ],
)
def test_a_path_ends_where_nothing_lies(path: Any, expected: dict[str, Any] | int | None) -> None:
    assert at_path({"a": [{"b": 1}]}, path) == expected
