"""
How long the thread that polls may be busy before Kafka takes its partitions away.

    max.poll.interval.ms   300 s |--------------------------------------------|
    a partition is taken back    |- revoke_timeout_s -|- commit -|   margin   |
    a partition comes            |- its start is asked for -------|   margin  |

Both happen inside one poll. Who is busy for longer has lost its partitions,
and what it commits then is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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
