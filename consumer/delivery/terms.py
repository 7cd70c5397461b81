"""What delivery is told: its settings, and its clocks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from consumer.delivery.batcher import Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """
    The settings of delivery.

    `envelope_end` is what follows the events in a request body. From
    `requests_in_flight_min` up to the max there are so many requests at once as
    Meta takes well; where both are the same, always so many.
    """

    limits: Limits
    envelope_end: bytes
    requests_in_flight_max: int
    backoff_max_s: float
    stuck_after_s: float
    hold_s: float
    requests_in_flight_min: int = 1


@dataclass(frozen=True, slots=True)
class Clocks:
    """Time and chance as arguments: unix seconds, monotonic seconds, a number from 0 up to 1."""

    now_s: Callable[[], float]
    monotonic_s: Callable[[], float]
    chance: Callable[[], float]
