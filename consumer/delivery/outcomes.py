"""
Record what happened to an event, then report its offset as finished.

    accepted  ------------------------------------------------> finish
    expired while it waited ----------------------------------> finish
    rejected -> BatchOutcome -> DLQ breaker -> dead letter ---> finish
    invalid ---------------------------------> dead letter ---> finish

The DLQ breaker learns of a batch as a whole, and before any of its dead letters
is written: Meta names the bad events of a batch first, and one after the other
they would look like a batch of bad events. If a batch has to wait half way, for
an hour perhaps, its dead letters don't: the breaker is told early, and events
without an answer count as good until they get one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import structlog

from consumer.dead_letters.dlq_breaker import DlqBreaker
from consumer.dead_letters.headers import FailureInfo
from consumer.dead_letters.writer import DeadLetterWriter
from consumer.delivery.in_flight import InFlightEvent, InvalidRecord, TaskGroup, log_filtered
from consumer.domain.decision import Deliverable, Reason
from consumer.kafka.offset_tracker import InFlightOffset
from consumer.meta.response import Response, ResponseOutcome
from consumer.observability import metrics
from consumer.observability.telemetry import Telemetry

log = structlog.get_logger()

REASONS = {
    ResponseOutcome.REJECTED: Reason.REJECTED,
    ResponseOutcome.TOO_LARGE: Reason.EVENT_TOO_LARGE,
}


@dataclass(slots=True, eq=False)
class BatchOutcome:
    """
    Counts of one batch while it is delivered, from `BatchOutcome(number of events)` to `finish_batch`.

    `pending` events have no outcome yet. `rejected` are those that the DLQ
    breaker hasn't been told of; it knows of `reported_good` good ones.
    """

    pending: int
    accepted: int = 0
    rejected: list[tuple[InFlightEvent, FailureInfo]] = field(default_factory=list)
    reported_good: int = 0

    def take_unreported(self) -> list[Reason | None]:
        """One entry for each event that the breaker has to be told of now; None is a good one."""
        good = max(0, self.accepted + self.pending - self.reported_good)
        self.reported_good += good
        return [*[None] * good, *[failure.reason for _, failure in self.rejected]]


class OutcomeRecorder:
    """Records outcomes. `finish` gets the offsets of the records that have one."""

    def __init__(
        self,
        writer: DeadLetterWriter,
        dlq_breaker: DlqBreaker,
        finish: Callable[[list[InFlightOffset]], None],
        telemetry: Telemetry,
        tasks: TaskGroup,
    ) -> None:
        self._writer = writer
        self._dlq_breaker = dlq_breaker
        self._finish = finish
        self._telemetry = telemetry
        self._tasks = tasks
        # Batches with rejected events that the DLQ breaker hasn't been told of.
        self._unreported: set[BatchOutcome] = set()

    # Accepted, or expired

    def record_accepted(
        self, batch: Sequence[InFlightEvent], response: Response, now_s: float, outcome: BatchOutcome
    ) -> None:
        """Meta accepted these events. `now_s` is in unix seconds."""
        outcome.pending -= len(batch)
        outcome.accepted += len(batch)
        events = [item.event for item in batch]
        labels = Counter([event.event_label for event in events])
        self._telemetry.add_all(metrics.ACCEPTED, {(label,): count for label, count in labels.items()})
        self._telemetry.add_all(metrics.MATCH_KEYS, _match_keys(events))
        # The oldest only: a measurement of each event would cost a tenth of what deciding on it does.
        oldest_s = min([event.event_time_s for event in events])
        self._telemetry.record(metrics.EVENT_AGE, max(0.0, now_s - oldest_s))
        if response.received < len(batch):
            self._telemetry.add(metrics.UNCONFIRMED, len(batch) - response.received)
        self._finish([item.ticket for item in batch])

    def drop_expired(
        self, batch: Sequence[InFlightEvent], now_s: float, outcome: BatchOutcome
    ) -> Sequence[InFlightEvent]:
        """The batch without the events that are too old for Meta by now; those are filtered."""
        old = [item for item in batch if item.event.expires_at_s <= now_s]
        outcome.pending -= len(old)
        self._telemetry.add(metrics.FILTERED, len(old), Reason.EVENT_TOO_OLD.value)
        # An error, because it's the only way in which an outage loses an event.
        log.error("events expired while waiting for Meta", events=len(old))
        log_filtered((item.record, Reason.EVENT_TOO_OLD) for item in old)
        self._finish([item.ticket for item in old])
        return [item for item in batch if item.event.expires_at_s > now_s]

    # Rejected

    def record_rejected(
        self, item: InFlightEvent, response: Response, attempts: int, outcome: BatchOutcome
    ) -> None:
        """Meta rejected this event, or it is a poison event. It is dead-lettered with the next report."""
        outcome.pending -= 1
        outcome.rejected.append((item, _failure_info(response, attempts)))
        self._unreported.add(outcome)

    def finish_batch(self, outcome: BatchOutcome) -> None:
        """Each event of the batch has an outcome, or is delivered with another batch."""
        outcome.pending = 0
        self._report(outcome)

    def report_so_far(self, outcome: BatchOutcome) -> None:
        """The batch has to wait. If nothing was rejected there is no need to report."""
        if outcome.rejected:
            self._report(outcome)

    def report_all_so_far(self) -> None:
        """Every batch has to wait. The breaker learns of all of them before a dead letter is written."""
        for outcome in list(self._unreported):
            self._report(outcome)

    def _report(self, outcome: BatchOutcome) -> None:
        self._unreported.discard(outcome)
        self._dlq_breaker.record_responses(outcome.take_unreported())
        rejected, outcome.rejected = outcome.rejected, []
        for item, failure in rejected:
            self._tasks.start(self._dead_letter(item, failure))

    # Dead letters

    def dead_letter_invalid(self, item: InvalidRecord) -> None:
        """Dead-letter a record that was found invalid; the breaker learned of it at that time."""
        failure = FailureInfo(item.decision.reason, item.decision.detail)
        self._tasks.start(self._dead_letter(item, failure))

    async def _dead_letter(self, item: InFlightEvent | InvalidRecord, failure: FailureInfo) -> None:
        """Write it to the dead-letter topic, then finish it. This task waits, so no batch has to."""
        await self._dlq_breaker.wait()
        # After hours, perhaps: the partition's new owner writes its dead letters too.
        if item.ticket.is_void:
            self._telemetry.add(metrics.RELEASED)
        else:
            await self._writer.write(item.record, failure)
        self._finish([item.ticket])


def _match_keys(events: Iterable[Deliverable]) -> Counter[tuple[str, ...]]:
    sums = Counter([(event.event_label, event.match_keys) for event in events])
    counts: Counter[tuple[str, ...]] = Counter()
    for (label, keys), times in sums.items():
        for key in keys:
            counts[(label, key)] += times
    return counts


def _failure_info(response: Response, attempts: int) -> FailureInfo:
    return FailureInfo(
        REASONS.get(response.outcome, Reason.POISON_EVENT),
        detail=response.summary,
        meta_code=response.code,
        meta_subcode=response.subcode,
        fbtrace_id=response.fbtrace_id,
        http_status=response.http_status,
        attempts=attempts,
    )
