"""The states of a running consumer: the word of the health page, the metric and the log."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """What the consumer is doing. `throttled` is ready all the same; `misconfigured` and `paused` are not."""

    STARTING = "starting"
    RUNNING = "running"
    THROTTLED = "throttled"
    MISCONFIGURED = "misconfigured"
    PAUSED = "paused"
    DRAINING = "draining"
