"""How deep a value nests."""

from __future__ import annotations

from typing import Any

import pytest
from support.mapping import NOW_MS, noted, reason, sent

from consumer.mapping.event import is_too_deep

BRACKETS = [("[", "]"), ('{"x":', "}")]


def nested(depth: Any, inner: Any = 0) -> Any:
    """Lists and objects in turn, a list outside."""
    for level in range(depth, 0, -1):
        inner = [inner] if level % 2 else {"x": inner}
    return inner


@pytest.mark.parametrize(
    ("depth", "too_deep"),
    [
        (0, False),
        (1, False),
        (2, False),
        (31, False),
        (32, False),
        (33, True),
        (34, True),
        (254, True),
        (255, True),
        (1024, True),
        (1025, True),
        (100_000, True),
    ],
)
def test_32_levels_are_not_too_deep_and_33_are(depth: int, too_deep: bool) -> None:
    assert is_too_deep(nested(depth)) is too_deep
    assert is_too_deep(nested(depth, inner=[])) is (depth + 1 > 32)
    assert is_too_deep(nested(depth, inner={})) is (depth + 1 > 32)


@pytest.mark.parametrize("value", [None, True, 0, 1.5, "", "[[[["])
def test_a_scalar_has_no_depth(value: Any) -> None:
    assert not is_too_deep(value, 0)


@pytest.mark.parametrize("value", [[], {}, [1, 2], {"a": 1, "b": 2}])
def test_a_flat_list_or_object_is_1_deep(value: Any) -> None:
    assert is_too_deep(value, 0)
    assert not is_too_deep(value, 1)


@pytest.mark.parametrize("value", [[1, [2]], {"a": 1, "b": {}}, [{}, 1], {"a": [], "b": 1}])
def test_the_deepest_child_counts(value: Any) -> None:
    assert is_too_deep(value, 1)
    assert not is_too_deep(value, 2)


ORDINARY = (
    '{"event_name":"page_view","event_timestamp":%d,"url":"https://shop.example.com/",'
    '"user":{"id":"u-1","city":"Paris"},"browser":{"ip":"8.8.8.8","user_agent":"Mozilla/5.0"},%s}'
)


def record_with(place: Any, depth: Any, brackets: Any) -> bytes:
    """The bytes of an ordinary event whose brackets nest this deep in a place; orjson itself writes 254."""
    opening, closing = brackets
    text = place % (opening * depth + "0" + closing * depth)
    return (ORDINARY % (NOW_MS, text)).encode()


@pytest.mark.parametrize("brackets", BRACKETS)
@pytest.mark.parametrize("place", ['"mine":%s', '"items":%s'])
@pytest.mark.parametrize(
    ("record_depth", "expected"),
    [(32, None), (33, None), (254, None), (255, None), (1024, None), (1025, "not_json")],
)
def test_a_record_is_read_down_to_1024_levels_where_nothing_is_sent(
    place: str, brackets: Any, record_depth: int, expected: str | None
) -> None:
    assert reason(record_with(place, record_depth - 1, brackets)) == expected


@pytest.mark.parametrize("brackets", BRACKETS)
@pytest.mark.parametrize(
    ("depth", "custom_data_is_kept", "notes", "expected"),
    [
        (32, True, [], None),
        (33, False, [("custom_data.*", "too_deep")], None),
        (254, False, [("custom_data.*", "too_deep")], None),
        (255, False, [("custom_data.*", "too_deep")], None),
        # four levels are above it: 1,024 of the record, then 1,025
        (1020, False, [("custom_data.*", "too_deep")], None),
        (1021, False, [], "not_json"),
        (1024, False, [], "not_json"),
        (1025, False, [], "not_json"),
    ],
)
def test_an_override_is_sent_down_to_32_levels(
    brackets: Any, depth: int, custom_data_is_kept: bool, notes: Any, expected: str | None
) -> None:
    value = record_with('"integrations":{"facebook":{"custom_data":{"mine":%s}}}', depth, brackets)
    assert reason(value) == expected
    assert noted(value) == notes
    if expected is None:
        assert ("mine" in sent(value)["custom_data"]) is custom_data_is_kept
