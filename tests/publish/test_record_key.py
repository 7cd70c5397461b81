"""The key of a record is the id of a user who is somebody."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from consumer.publish.events import record_key

KEYS = [
    ("user-1", b"user-1"),
    (" Jos\u00e9 ", " Jos\u00e9 ".encode()),
    (4711, b"4711"),
    (4711.0, b"4711"),
    (None, None),
    ("", None),
    ("  ", None),
    ("anonymous", None),
    ("0", None),
    (0, None),
    (True, None),
    (1.5, None),
    (["a"], None),
    ({"id": "a"}, None),
]


@pytest.mark.parametrize(("given", "key"), KEYS)
def test_the_key_is_the_id_of_a_user_who_is_somebody(given: Any, key: Any) -> None:
    assert record_key(orjson.dumps({"user": {"id": given}})) == key


@pytest.mark.parametrize("value", [b"", b"{oops", b"[1]", b"{}", b'{"user":"waiting"}', b'{"user":null}'])
def test_an_event_without_a_user_has_no_key(value: bytes) -> None:
    assert record_key(value) is None
