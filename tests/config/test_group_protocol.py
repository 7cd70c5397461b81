"""Each preset takes what agrees with it, and names what does not."""

from __future__ import annotations

from typing import Any

import pytest

from consumer.config.kafka_constraints import GroupProtocol, group_protocol_conflicts

COOPERATIVE, EAGER, CONSUMER = GroupProtocol

TAKEN = [
    *((preset, {}) for preset in GroupProtocol),
    (COOPERATIVE, {"partition.assignment.strategy": "cooperative-sticky"}),
    (COOPERATIVE, {"group.protocol": "classic", "session.timeout.ms": 6_000}),
    (EAGER, {"partition.assignment.strategy": "roundrobin"}),
    (EAGER, {"partition.assignment.strategy": "roundrobin, range"}),
    (EAGER, {"group.protocol": "Classic", "heartbeat.interval.ms": "500"}),
    (CONSUMER, {"group.protocol": "consumer", "group.remote.assignor": "uniform"}),
]


@pytest.mark.parametrize(("preset", "own"), TAKEN)
def test_what_agrees_with_the_preset_is_taken(preset: Any, own: Any) -> None:
    assert group_protocol_conflicts(preset, own) == []


REFUSED = [
    (
        COOPERATIVE,
        {"group.protocol": "consumer"},
        ["group.protocol contradicts CAPI_GROUP_PROTOCOL=cooperative"],
    ),
    (EAGER, {"group.protocol": "CONSUMER"}, ["group.protocol contradicts CAPI_GROUP_PROTOCOL=eager"]),
    (CONSUMER, {"group.protocol": "classic"}, ["group.protocol contradicts CAPI_GROUP_PROTOCOL=consumer"]),
    *(
        (
            COOPERATIVE,
            {"partition.assignment.strategy": strategy},
            ["partition.assignment.strategy contradicts CAPI_GROUP_PROTOCOL=cooperative"],
        )
        for strategy in ("range", "cooperative-sticky,range", "", "canary")
    ),
    *(
        (
            EAGER,
            {"partition.assignment.strategy": strategy},
            ["partition.assignment.strategy contradicts CAPI_GROUP_PROTOCOL=eager"],
        )
        for strategy in ("cooperative-sticky", "range,cooperative-sticky", "", "canary", "range,")
    ),
    (
        CONSUMER,
        {
            "session.timeout.ms": 6_000,
            "heartbeat.interval.ms": 1,
            "group.protocol.type": "canary",
            "partition.assignment.strategy": "range",
        },
        [
            f"{name} cannot be set with CAPI_GROUP_PROTOCOL=consumer: the broker decides"
            for name in (
                "session.timeout.ms",
                "heartbeat.interval.ms",
                "group.protocol.type",
                "partition.assignment.strategy",
            )
        ],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("preset", "own", "says"), REFUSED)
def test_what_contradicts_the_preset_is_named_and_its_value_is_not(preset: Any, own: Any, says: Any) -> None:
    assert group_protocol_conflicts(preset, own) == says
