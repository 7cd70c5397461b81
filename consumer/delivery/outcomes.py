"""
How an event ends: accepted, too old, or by its dead letter. Then its ticket goes back.

    accepted  ----------------------------------------------> settle
    too old while it waited --------------------------------> settle
    refused -> Tally -> the brake is told -> its letter ----> settle
                        (consumer/dead_letters/dlq_breaker.py)  (consumer/dead_letters/writer.py)

The brake is told of a batch as a whole, before a letter of it is produced: of
a batch Meta names the bad events first, and they would look like a flood. Where
a batch must wait in the middle, for an hour perhaps, letters of what is refused
already need not: the brake is told ahead, and what is still out counts as good
until it is answered.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import structlog

from consumer.dead_letters.dlq_breaker import DlqBreaker
from consumer.dead_letters.headers import FailureInfo
from consumer.dead_letters.writer import DeadLetterWriter
from consumer.delivery.in_flight import InFlight, Unsendable, log_filtered
from consumer.delivery.task_group import Tasks
from consumer.domain.decision import Deliverable, Reason
from consumer.kafka.offset_tracker import InFlightOffset
from consumer.meta.response import Response, ResponseOutcome
from consumer.observability import metrics
from consumer.observability.telemetry import Telemetry

log = structlog.get_logger()

REASONS = {ResponseOutcome.REJECTED: Reason.REJECTED, ResponseOutcome.TOO_LARGE: Reason.EVENT_TOO_LARGE}


@dataclass(slots=True, eq=False)
class Tally:
    """What Meta said of a batch: how many events are still out, and what the brake was not told yet."""

    out: int
    accepted: int = 0
    refused: list[tuple[InFlight, FailureInfo]] = field(default_factory=list)
    told_good: int = 0

    def untold(self) -> list[Reason | None]:
        """An entry for each event of which the brake is to know now."""
        good = max(0, self.accepted + self.out - self.told_good)
        self.told_good += good
        return [*[None] * good, *[failure.reason for _, failure in self.refused]]


class Ends:
    """Brings events to their end. `settle` takes the tickets of those that have ended."""

    def __init__(
        self,
        letters: DeadLetterWriter,
        brake: DlqBreaker,
        settle: Callable[[list[InFlightOffset]], None],
        telemetry: Telemetry,
        tasks: Tasks,
    ) -> None:
        self._letters = letters
        self._brake = brake
        self._settle = settle
        self._telemetry = telemetry
        self._tasks = tasks
        self._open: set[Tally] = set()

    # Accepted, or too old

    def accepted(self, batch: Sequence[InFlight], verdict: Response, now_s: float, tally: Tally) -> None:
        """Meta has them. `now_s` is in unix seconds."""
        tally.out -= len(batch)
        tally.accepted += len(batch)
        events = [item.event for item in batch]
        labels = Counter([event.event_label for event in events])
        self._telemetry.add_all(metrics.ACCEPTED, {(label,): count for label, count in labels.items()})
        self._telemetry.add_all(metrics.MATCH_KEYS, _match_keys(events))
        # Of one event: a measurement of each would cost a tenth of what deciding on it does.
        oldest_s = min([event.event_time_s for event in events])
        self._telemetry.record(metrics.EVENT_AGE, max(0.0, now_s - oldest_s))
        if verdict.received < len(batch):
            self._telemetry.add(metrics.UNCONFIRMED, len(batch) - verdict.received)
        self._settle([item.ticket for item in batch])

    def fresh(self, batch: Sequence[InFlight], now_s: float, tally: Tally) -> Sequence[InFlight]:
        """The batch without events that Meta no longer takes; those have ended as filtered."""
        old = [item for item in batch if item.event.expires_at_s <= now_s]
        if not old:
            return batch
        tally.out -= len(old)
        self._telemetry.add(metrics.FILTERED, len(old), Reason.EVENT_TOO_OLD.value)
        # The only way in which an outage costs an event: whoever looks at the log must see it.
        log.error("events became too old while they waited for Meta", events=len(old))
        log_filtered((item.record, Reason.EVENT_TOO_OLD) for item in old)
        self._settle([item.ticket for item in old])
        return [item for item in batch if item.event.expires_at_s > now_s]

    # Refused

    def begin(self, events: int) -> Tally:
        """For a batch of so many events that is sent now. One `finish` follows."""
        tally = Tally(events)
        self._open.add(tally)
        return tally

    def refused(self, item: InFlight, verdict: Response, attempts: int, tally: Tally) -> None:
        """Its letter is written when the brake is told."""
        tally.out -= 1
        tally.refused.append((item, _failure(verdict, attempts)))

    def finish(self, tally: Tally) -> None:
        """The batch has its end."""
        tally.out = 0
        self._open.discard(tally)
        self._tell(tally)

    def tell_ahead(self, tally: Tally) -> None:
        """The batch has to wait. Without letters there is no need to tell."""
        if tally.refused:
            self._tell(tally)

    def tell_all_ahead(self) -> None:
        """Every batch has to wait. The brake knows of all of them before the first letter is produced."""
        for tally in self._open:
            self.tell_ahead(tally)

    def _tell(self, tally: Tally) -> None:
        self._brake.record_responses(tally.untold())
        refused, tally.refused = tally.refused, []
        for item, failure in refused:
            self._tasks.spawn(self._bury(item, failure))

    # Dead letters

    def unsendable(self, item: Unsendable) -> None:
        """It was decided so; the brake was told then."""
        self._tasks.spawn(self._bury(item, FailureInfo(item.decision.reason, item.decision.detail)))

    async def _bury(self, item: InFlight | Unsendable, failure: FailureInfo) -> None:
        """Write the dead letter, then settle. The letter waits in a task of its own and holds no slot."""
        await self._brake.wait()
        # Held for hours perhaps: whoever has the partition now has its letters too.
        if item.ticket.is_void:
            self._telemetry.add(metrics.RELEASED)
        else:
            await self._letters.write(item.record, failure)
        self._settle([item.ticket])


def _match_keys(events: Iterable[Deliverable]) -> Counter[tuple[str, ...]]:
    sums = Counter([(event.event_label, event.match_keys) for event in events])
    counts: Counter[tuple[str, ...]] = Counter()
    for (label, keys), times in sums.items():
        for key in keys:
            counts[(label, key)] += times
    return counts


def _failure(verdict: Response, attempts: int) -> FailureInfo:
    return FailureInfo(
        REASONS.get(verdict.outcome, Reason.POISON_EVENT),
        detail=verdict.summary,
        meta_code=verdict.code,
        meta_subcode=verdict.subcode,
        fbtrace_id=verdict.fbtrace_id,
        http_status=verdict.http_status,
        attempts=attempts,
    )
