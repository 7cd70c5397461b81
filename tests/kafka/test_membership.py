"""A generation that the group gave is what makes a member."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from confluent_kafka import Consumer

from consumer.kafka.consumer import has_joined_group


def metadata(generation: Any, mark: bytes = b"CGMDv2:") -> Any:
    return mark + generation.to_bytes(4, sys.byteorder, signed=True) + b"group\0member\0\1"


ALL = [
    (metadata(1), True),
    (metadata(2**31 - 1), True),
    (metadata(0), False),
    (metadata(-1), False),
    (metadata(-2), False),  # a static member that has left under KIP-848
    (metadata(1, mark=b"CGMDv3:"), False),
    (b"CGMDv2:", False),
    (b"", False),
    (None, False),
]


@pytest.mark.parametrize(("given", "is_member"), ALL)
def test_a_member_has_a_generation_above_zero(given: Any, is_member: Any) -> None:
    assert has_joined_group(given) is is_member


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_librdkafka_still_writes_the_form_that_is_read(protocol: str) -> None:
    """Before it has joined: the generation is -1. With a group that was joined: tests/source."""
    consumer = Consumer(
        {"bootstrap.servers": "127.0.0.1:9", "group.id": "group", "group.protocol": protocol, "log_level": 0}
    )
    written = consumer.consumer_group_metadata()
    consumer.close()
    assert written.startswith(metadata(-1)[:12] + b"roup\0")
    assert not has_joined_group(written)
