"""
Calls from the poll loop's thread into the event loop, and what each thread reads of the other.

    poll thread   record_decisions   accept   release_delayed   flush    can_deliver, dlq_breaker
                          v             v            v             v          ^ read
    event loop       DLQ breaker    Dispatcher ---------------------------> circuit breaker
                                        '-- finished offsets: a queue, back to the poll thread
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from consumer.delivery.in_flight import InFlightEvent, InvalidRecord
from consumer.domain.decision import Reason
from consumer.domain.record import Partition


class BreakerState(Protocol):
    """What the poll loop reads of the DLQ breaker."""

    @property
    def is_open(self) -> bool:
        """Whether to consume nothing more."""
        ...

    @property
    def waiting(self) -> int:
        """Records whose dead letter waits until the breaker is closed again."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryHandle:
    """
    Delivery, as the poll loop calls it from its own thread.

    `record_decisions` and `watch_filter_rate` tell the DLQ breaker and the
    filter alarm what was decided about the records of a poll; None stands for
    an event that is sent. `release_delayed` discards the delayed events of some partitions; their
    offsets come back through the queue, as `Released`.
    """

    accept: Callable[[Sequence[InFlightEvent], Sequence[InvalidRecord]], object]
    flush: Callable[[bool], object]
    can_deliver: Callable[[], bool]
    record_decisions: Callable[[Sequence[Reason | None]], object]
    watch_filter_rate: Callable[[Sequence[Reason | None]], object]
    dlq_breaker: BreakerState
    release_delayed: Callable[[Collection[Partition]], object]
