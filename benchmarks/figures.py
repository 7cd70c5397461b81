"""
What a figure is, and what it must reach.

A figure is what the rounds of one run measured: its median counts, its range says
how far to trust it. Machines drift by a factor of two within minutes, so what
compares two things is a ratio taken within each round.
"""

from __future__ import annotations

import operator
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple


class Figure(NamedTuple):
    """What each round measured."""

    rounds: Sequence[float]

    @property
    def median(self) -> float:
        """The middle one."""
        return statistics.median(self.rounds)

    @property
    def low(self) -> float:
        """The least."""
        return min(self.rounds)

    @property
    def high(self) -> float:
        """The most."""
        return max(self.rounds)


class Meaning(NamedTuple):
    """What a key stands for, its unit, and how many digits are worth showing."""

    part: str
    says: str
    unit: str
    digits: int = 0


AT_MOST, AT_LEAST, UNDER, WITHIN = "≤", "≥", "<", "±"
IS_MET: Mapping[str, Callable[[float, float], bool]] = {
    AT_MOST: operator.le,
    AT_LEAST: operator.ge,
    UNDER: operator.lt,
    WITHIN: lambda measured, limit: abs(measured) <= limit,
}


class Bar(NamedTuple):
    """`key` `sign` `limit`, on the median."""

    key: str
    sign: str
    limit: float

    def is_met(self, figure: Figure) -> bool:
        """Whether the median is on the right side."""
        return IS_MET[self.sign](figure.median, self.limit)


LINGER_MS = 1_000  # the default setting
ANSWER_MS = 100  # how long the sandbox takes
SLACK_MS = 100

# Every key of build/bench.json, in the order of the table.
FIGURES: Mapping[str, Meaning] = {
    "event_bytes": Meaning("core", "an event in Kafka", "B"),
    "payload_bytes": Meaning("core", "the same for Meta", "B"),
    "decide_us": Meaning("core", "decide, an event", "µs", 1),
    "floor_us": Meaning("core", "floor: loads, SHA-256, dumps", "µs", 1),
    "ratio": Meaning("core", "decide : floor", "", 2),
    "full_us": Meaning("core", "an event that is mapped in full, for an override", "µs", 1),
    "sdk_us": Meaning("peer", "Meta's SDK, an event", "µs", 1),
    "sdk_ratio": Meaning("peer", "SDK : decide", "", 2),
    "pipeline_events_s": Meaning("pipeline", "events a second, the larger backlog", "/s"),
    "pipeline_cpu_us": Meaning("pipeline", "processor, an event", "µs", 1),
    "pipeline_ratio": Meaning("pipeline", "processor : decide", "", 2),
    "rss_mb": Meaning("pipeline", "peak memory, the larger backlog", "MB"),
    "rss_small_mb": Meaning("pipeline", "peak memory, the smaller", "MB"),
    "rss_difference": Meaning("pipeline", "the larger's is more by", "%", 1),
    "cpu_us_small": Meaning("pipeline", "processor, an event, the smaller", "µs", 1),
    "cpu_us_large": Meaning("pipeline", "processor, an event, the larger", "µs", 1),
    "cpu_difference": Meaning("pipeline", "the larger's is more by", "%", 1),
    "sandbox_cpu_us": Meaning("pipeline", "the sandbox's own processor, an event", "µs", 1),
    "kafka_cpu_us": Meaning("pipeline", "Kafka's own processor, an event", "µs", 1),
    "telemetry_cpu_us": Meaning("telemetry", "processor with traces, OTLP and scrapes", "µs", 1),
    "telemetry_cost": Meaning("telemetry", "more than without", "%", 1),
    "naive_events_s": Meaning("others", "a plain poll-and-post loop", "/s"),
    "faststream_events_s": Meaning("others", "a FastStream batch subscriber", "/s"),
    "naive_cpu_us": Meaning("others", "the loop's processor, an event", "µs", 1),
    "faststream_cpu_us": Meaning("others", "FastStream's processor, an event", "µs", 1),
    "ours_events_s": Meaning("others", "this program, beside them", "/s"),
    "ours_cpu_us": Meaning("others", "this program's processor, an event", "µs", 1),
    "latency_rate_s": Meaning("latency", "events a second produced, half of the most", "/s"),
    "latency_p50_ms": Meaning("latency", "produced → accepted, median", "ms"),
    "latency_p99_ms": Meaning("latency", "produced → accepted, 99 of 100", "ms"),
    "scale_1_cpu_us": Meaning("scale", "one process: processor, an event", "µs", 1),
    "scale_2_cpu_us": Meaning("scale", "two processes", "µs", 1),
    "scale_3_cpu_us": Meaning("scale", "three processes", "µs", 1),
    "scale_1_events_s": Meaning("scale", "one process: events a second", "/s"),
    "scale_2_events_s": Meaning("scale", "two processes", "/s"),
    "scale_3_events_s": Meaning("scale", "three processes", "/s"),
}
PARTS = tuple(dict.fromkeys(meaning.part for meaning in FIGURES.values()))

BARS = (
    Bar("ratio", AT_MOST, 1.8),
    Bar("sdk_ratio", AT_LEAST, 6),
    Bar("pipeline_ratio", AT_MOST, 1.6),
    Bar("rss_mb", UNDER, 250),
    Bar("rss_difference", WITHIN, 10),
    Bar("cpu_difference", WITHIN, 10),
    Bar("telemetry_cost", UNDER, 5),
    Bar("latency_p99_ms", AT_MOST, LINGER_MS + ANSWER_MS + SLACK_MS),
)
BAR_OF = {bar.key: bar for bar in BARS}


def verdict(key: str, figure: Figure) -> str:
    """`passed` or `missed`; nothing where there is no bar."""
    bar = BAR_OF.get(key)
    return "" if bar is None else "passed" if bar.is_met(figure) else "missed"


def missed(figures: Mapping[str, Figure]) -> list[Bar]:
    """The bars that what was measured does not reach."""
    return [bar for bar in BARS if bar.key in figures and not bar.is_met(figures[bar.key])]
