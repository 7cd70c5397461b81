"""Draining a partition, or asking where one begins, never outlasts the time between two polls."""

from __future__ import annotations

from typing import Any

import pytest

from consumer.config.kafka_constraints import poll_interval_conflicts, starts_s

# revoke_timeout_s, the user's own properties, the mistake
JUDGED = [
    (20.0, {}, None),
    (240.0, {}, None),
    (20.0, {"max.poll.interval.ms": 50_000}, None),
    (20.0, {"max.poll.interval.ms": "50000"}, None),
    (20.0, {"max.poll.interval.ms": 49_999}, 50_000),
    (240.0, {"max.poll.interval.ms": 269_999}, 270_000),
    (0.5, {"max.poll.interval.ms": "30000"}, 30_500),
    (20.0, {"max.poll.interval.ms": 0}, 50_000),
    (20.0, {"max.poll.interval.ms": -1}, 50_000),
    # No number: librdkafka says so.
    (20.0, {"max.poll.interval.ms": "canary"}, None),
    (20.0, {"max.poll.interval.ms": ""}, None),
]


@pytest.mark.parametrize(("revoke_timeout_s", "own", "least_ms"), JUDGED)
def test_an_interval_without_room_for_draining_is_a_mistake(
    revoke_timeout_s: Any, own: Any, least_ms: Any
) -> None:
    says = f"max.poll.interval.ms is too short for CAPI_REVOKE_TIMEOUT_S: at least {least_ms}"
    assert poll_interval_conflicts(revoke_timeout_s, own) == ([says] if least_ms else [])


STARTS = [
    ({}, 120.0),
    ({"max.poll.interval.ms": 900_000}, 120.0),
    ({"max.poll.interval.ms": 100_000}, 40.0),
    ({"max.poll.interval.ms": "50000"}, 20.0),
]


@pytest.mark.parametrize(("own", "expected"), STARTS)
def test_a_start_is_asked_for_no_longer_than_the_interval_allows(own: Any, expected: Any) -> None:
    assert starts_s(own, 120.0) == expected
