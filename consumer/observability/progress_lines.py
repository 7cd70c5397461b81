"""
What a running consumer tells from time to time: how many records have ended, and how.

One line every half a minute while something happens, and one at the end. The
numbers are those of the metrics, since the process began.
"""

from __future__ import annotations

import asyncio

import structlog

from consumer.observability import metrics
from consumer.observability.telemetry import Labels, Telemetry

log = structlog.get_logger()

EVERY_S = 30.0

Ends = dict[str, object]


def outcome_counts(telemetry: Telemetry) -> Ends:
    """The ends of all records so far; filtered and dead letters by reason."""
    counts = telemetry.snapshot()
    return {
        "consumed": sum(counts[metrics.CONSUMED.name].values()),
        "accepted": sum(counts[metrics.ACCEPTED.name].values()),
        "filtered": _by_reason(counts[metrics.FILTERED.name]),
        "dead_letters": _by_reason(counts[metrics.DEAD_LETTERS.name]),
    }


def _by_reason(counts: dict[Labels, int]) -> dict[str, int]:
    return {reason: count for (reason,), count in sorted(counts.items()) if count}


async def log_progress(telemetry: Telemetry) -> None:
    """Write a line every half a minute, unless nothing has happened since the last one."""
    told = outcome_counts(telemetry)
    while True:
        await asyncio.sleep(EVERY_S)
        now = outcome_counts(telemetry)
        if now != told:
            log.info("progress", **now)
            told = now
