"""
How the members of a group share its partitions: the presets, and what of librdkafka contradicts each.

    cooperative   partitions that stay are read on while others move    (the default)
    eager         all are given back and handed out anew
    consumer      the broker assigns, one partition at a time (KIP-848; Kafka 4.0 on)

Cooperative and eager members do not understand each other: between the two a
group is stopped once. A classic group can be changed to `consumer` member by
member.

How long the thread that polls may be busy before Kafka takes its partitions away.

    max.poll.interval.ms   300 s |--------------------------------------------|
    a partition is taken back    |- revoke_timeout_s -|- commit -|   margin   |
    a partition comes            |- its start is asked for -------|   margin  |

Both happen inside one poll. Who is busy for longer has lost its partitions,
and what it commits then is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

PROTOCOL = "group.protocol"
STRATEGY = "partition.assignment.strategy"
# What the broker decides under KIP-848; librdkafka refuses to be told.
OF_THE_BROKER = ("session.timeout.ms", "heartbeat.interval.ms", "group.protocol.type", STRATEGY)
EAGER_STRATEGIES = frozenset({"range", "roundrobin"})


class GroupProtocol(StrEnum):
    """How the members of a group share its partitions."""

    COOPERATIVE = "cooperative"
    EAGER = "eager"
    CONSUMER = "consumer"


PRESETS: dict[GroupProtocol, dict[str, str]] = {
    GroupProtocol.COOPERATIVE: {STRATEGY: "cooperative-sticky"},
    GroupProtocol.EAGER: {STRATEGY: "range,roundrobin"},
    GroupProtocol.CONSUMER: {PROTOCOL: "consumer"},
}


def group_protocol_conflicts(preset: GroupProtocol, own: Mapping[str, Any]) -> list[str]:
    """What the user's own properties say against the preset, one mistake each."""
    is_consumer = preset is GroupProtocol.CONSUMER
    found = []
    if PROTOCOL in own and (str(own[PROTOCOL]).lower() == "consumer") != is_consumer:
        found.append(f"{PROTOCOL} contradicts CAPI_GROUP_PROTOCOL={preset}")
    if is_consumer:
        found += [
            f"{name} cannot be set with CAPI_GROUP_PROTOCOL={preset}: the broker decides"
            for name in OF_THE_BROKER
            if name in own
        ]
    elif STRATEGY in own and not _fits(preset, str(own[STRATEGY])):
        found.append(f"{STRATEGY} contradicts CAPI_GROUP_PROTOCOL={preset}")
    return found


def _fits(preset: GroupProtocol, strategy: str) -> bool:
    """Several eager strategies may stand beside each other, in any order."""
    if preset is GroupProtocol.COOPERATIVE:
        return strategy.strip() == "cooperative-sticky"
    return {name.strip() for name in strategy.split(",")} <= EAGER_STRATEGIES


NAME = "max.poll.interval.ms"
DEFAULT_S = 300.0  # librdkafka's own
# The commit of a revoke, a broker that is slow to answer, and a machine that is.
MARGIN_S = 30.0
# At most this part of the interval goes into asking where new partitions begin.
STARTS_SHARE = 0.4


def poll_interval_s(own: Mapping[str, Any]) -> float:
    """The interval under the user's own properties. What is no number, librdkafka refuses by itself."""
    try:
        return float(own[NAME]) / 1000
    except (KeyError, ValueError):
        return DEFAULT_S


def starts_s(own: Mapping[str, Any], most_s: float) -> float:
    """How long the start of a partition may be asked for."""
    return min(most_s, STARTS_SHARE * poll_interval_s(own))


def poll_interval_conflicts(revoke_timeout_s: float, own: Mapping[str, Any]) -> list[str]:
    """One mistake where draining a partition could outlast the interval."""
    least_ms = round((revoke_timeout_s + MARGIN_S) * 1000)
    if poll_interval_s(own) * 1000 >= least_ms:
        return []
    return [f"{NAME} is too short for CAPI_REVOKE_TIMEOUT_S: at least {least_ms}"]
