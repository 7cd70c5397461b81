"""Reading a record: what is no event, and what is one with odd places."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from support.mapping import decided, event, facebook, noted, ordinary, reason, sent

from consumer.domain.decision import Filtered, Invalid, Reason
from consumer.mapping.event import Event, open_event
from consumer.mapping.lookup import MappingTrace
from consumer.mapping.tables import PLACES


@pytest.mark.parametrize(
    "value",
    [
        b"", b" ", b"x", b"{", b"{]", b'{"a": NaN}', b'{"a": Infinity}', b'{"a": 1e999}', b"\xff",
        b'{"a": "\xff"}',
        b'{"a": "\\ud800"}', b"\xef\xbb\xbf{}", b"{} {}", b"{'a': 1}", b'{"a": 1,}', b"\x00",
        "{}".encode("utf-16"),
        b"[" * 1025 + b"]" * 1025, b"[" * 100_000,
    ],
    ids=range(19),
)  # fmt: skip
def test_what_is_no_json_is_invalid(value: Any) -> None:
    assert decided(value) == Invalid(Reason.NOT_JSON)


@pytest.mark.parametrize(
    "value", [b"null", b"1", b'"text"', b"[]", b"[{}]", b"true", b"[" * 1024 + b"]" * 1024]
)
def test_json_that_is_no_object_is_invalid(value: bytes) -> None:
    assert decided(value) == Invalid(Reason.NOT_AN_OBJECT)


def test_no_value_at_all_is_a_tombstone() -> None:
    assert decided(None) == Filtered(Reason.TOMBSTONE)


def test_places_and_their_names_stand_in_one_order() -> None:
    event = open_event(
        {
            "user": {"is": "user"},
            "browser": {"is": "browser"},
            "context": {
                "is": "context",
                "page": {"is": "context.page"},
                "device": {"is": "context.device", "cookie": {"is": "context.device.cookie"}},
            },
            "integrations": {
                "facebook": {
                    "is": "integrations.facebook",
                    "user_data": {"is": "integrations.facebook.user_data"},
                    "custom_data": {"is": "integrations.facebook.custom_data"},
                }
            },
            "is": "",
        },
        MappingTrace(),
    )
    assert tuple(place["is"] for place in event) == PLACES
    assert len(Event._fields) == len(PLACES)


@pytest.mark.parametrize("odd", ["text", 5, 1.5, True, False, [], [{}]])
@pytest.mark.parametrize(
    ("place", "field"),
    [
        ("user", "user"),
        ("browser", "client_user_agent"),
        ("context", "event_time"),
        ("context.page", "event_source_url"),
        ("context.device", "client_user_agent"),
        ("integrations", "integrations.facebook"),
        ("integrations.facebook", "integrations.facebook"),
        ("integrations.facebook.user_data", "user_data.*"),
        ("integrations.facebook.custom_data", "custom_data.*"),
    ],
)
def test_a_place_that_is_no_object_is_absent_with_a_note(place: str, field: str, odd: Any) -> None:
    given = event({place: odd})
    assert (field, "wrong_type") in noted(given)
    assert reason(given) in (None, "not_enough_to_match")


@pytest.mark.parametrize(
    "place", ["context", "integrations", "integrations.facebook", "context.page", "items"]
)
def test_null_is_absent_without_a_note(place: str) -> None:
    assert noted(event({place: None})) == []
    assert sent(event({place: None})) == sent(ordinary())


def nested(depth: Any, inner: Any = 0) -> Any:
    for _ in range(depth):
        inner = [inner]
    return inner


def nested_objects(depth: Any) -> Any:
    inner: Any = 0
    for _ in range(depth):
        inner = {"x": inner}
    return inner


@pytest.mark.parametrize("make", [nested, nested_objects])
def test_an_override_may_nest_32_deep(make: Any) -> None:
    assert sent(facebook(custom_data={"mine": make(32)}))["custom_data"]["mine"] == make(32)


def with_depth(given: Any, depth: Any, opening: bytes = b"[", closing: bytes = b"]") -> bytes:
    """The bytes of an event with lists this deep in place of the text DEEP; orjson itself writes 254."""
    return orjson.dumps(given).replace(b'"DEEP"', opening * depth + b"0" + closing * depth)


@pytest.mark.parametrize("brackets", [(b"[", b"]"), (b'{"x":', b"}"), (b'[{"x":', b"}]")])
@pytest.mark.parametrize("depth", [33, 254, 255, 256, 500])
def test_an_override_that_nests_deeper_is_dropped(brackets: Any, depth: int) -> None:
    given = with_depth(facebook(custom_data={"mine": "DEEP", "other": 1}), depth, *brackets)
    assert noted(given) == [("custom_data.*", "too_deep")]
    assert sent(given)["custom_data"] == {"content_type": "product", "other": 1}


@pytest.mark.parametrize(
    ("overrides", "field"),
    [
        ({"custom_data": {"contents": nested(40)}}, "contents"),
        ({"custom_data": {"content_name": nested(40)}}, "content_name"),
        ({"user_data": {"em": nested(40)}}, "em"),
        ({"user_data": {"mine": nested(40)}}, "user_data.*"),
        ({"original_event_data": {"x": nested(40)}}, "original_event_data"),
        ({"app_data": nested_objects(33)}, "app_data"),
        ({"event_name": nested(40)}, "event_name"),
        ({"mine": nested(40)}, "integrations.facebook"),
    ],
)
def test_depth_is_noted_under_the_key_it_took(overrides: dict[str, Any], field: str) -> None:
    assert noted(facebook(**overrides)) == [(field, "too_deep")]


def test_a_wish_for_privacy_that_nests_too_deep_is_kept_on_the_safe_side() -> None:
    given = facebook(opt_out=nested(40), data_processing_options=nested(40))
    assert sent(given)["opt_out"] is True
    assert sent(given)["data_processing_options"] == ["LDU"]
    assert sent(given)["data_processing_options_country"] == 0
    assert noted(given) == [("opt_out", "wrong_type"), ("data_processing_options", "wrong_type")]
    shallow = {"data_processing_options": ["LDU"], "data_processing_options_state": nested(40)}
    assert sent(facebook(**shallow))["data_processing_options_state"] == 0


def test_an_override_too_deep_lets_the_next_source_through() -> None:
    assert sent(facebook(event_name=nested(40)))["event_name"] == "PageView"


@pytest.mark.parametrize("depth", [33, 254, 255, 1000, 1022])
@pytest.mark.parametrize("place", ["x", "user.x", "context.x", "items", "url", "user.email"])
def test_depth_elsewhere_harms_nobody(place: str, depth: int) -> None:
    assert reason(with_depth(event({place: "DEEP"}), depth)) is None


def test_an_event_as_deep_as_json_is_read_has_its_end() -> None:
    given = facebook(custom_data={"mine": "DEEP"})  # four levels above it
    assert noted(with_depth(given, 1020)) == [("custom_data.*", "too_deep")]
    assert reason(with_depth(given, 1021)) == "not_json"


def test_a_large_flat_event_is_read() -> None:
    assert reason(event(x=[{"y": "z" * 10}] * 20_000)) is None
