"""The filter alarm, told: a warning when most records are filtered for one reason, and a gauge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import structlog

from consumer.domain.decision import FILTERED_REASONS, Reason
from consumer.observability.filter_alarm import RECORDS, FilterRate

log = structlog.get_logger()


class FilterRateAlarm:
    """Hears of each poll's decisions."""

    def __init__(self) -> None:
        self._alarm = FilterRate()

    def record_decisions(self, reasons: Sequence[Reason | None]) -> None:
        """The records of one poll: reasons of filtered and invalid ones, None for those that are sent."""
        before = self._alarm.on
        self._alarm.update(reasons)
        for reason in sorted(self._alarm.on - before):
            log.warning(
                "most records are filtered for one reason: are the settings right?",
                reason=reason,
                filtered=self._alarm.count(reason),
                of_last=RECORDS,
            )
        for reason in sorted(before - self._alarm.on):
            log.info("no longer are most records filtered for one reason", reason=reason)

    def gauge(self) -> Mapping[tuple[str, ...], float]:
        """1 for a reason that most records are filtered for, 0 for the others."""
        return {(reason.value,): float(reason in self._alarm.on) for reason in FILTERED_REASONS}
