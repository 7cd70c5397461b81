"""
The way from the worker's thread to the event loop: called there, carried out here.

    worker thread   decided   accept   let_go   hurry      can_deliver, brake, asked
                       v         v        v       v            ^ read
    event loop       brake    delivery --------------------> gate, brake, delivery
                                 '-- ended tickets: a queue of its own, back
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from consumer.delivery.in_flight import InFlight, Unsendable
from consumer.domain.decision import Reason
from consumer.domain.record import Partition


class BreakerState(Protocol):
    """What the worker reads of the flood brake."""

    @property
    def is_open(self) -> bool:
        """Take nothing more in."""
        ...

    @property
    def waiting(self) -> int:
        """Records that do not end before the brake is released."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryHandle:
    """
    What the worker calls and asks.

    `let_go` gives up the held events of some partitions; their tickets come
    back among the ended ones, as `Released`. `asked` is how often delivery has
    asked for a few records past the window (`delivery/asking.py`).
    """

    accept: Callable[[Sequence[InFlight], Sequence[Unsendable]], None]
    flush: Callable[[bool], None]
    can_deliver: Callable[[], bool]
    record_decisions: Callable[[Sequence[Reason | None]], None]
    dlq_breaker: BreakerState
    release_delayed: Callable[[Collection[Partition]], None]
    asked: Callable[[], int]
