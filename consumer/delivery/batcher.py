"""
Group events into batches, and split a batch.

A batch is closed when it holds enough events, when the next event would make it
too large, or when its first event has waited long enough. Meta rejects a whole
request because of one event, so a rejected batch is split. Events keep their
order, bytes and ids through every split: what is sent again is the same again.

Each event was serialised once, in `decide`: a request body is a join of those
bytes, and so is the body of a half.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Generic, NamedTuple, Protocol, TypeVar

import orjson


class HasPayload(Protocol):
    """An item of a batch."""

    @property
    def payload(self) -> bytes:
        """The JSON of one event."""
        ...


T = TypeVar("T", bound=HasPayload)

# {"data":[ ... ],"partner_agent":"...","test_event_code":"..."}: brackets and
# two short texts, rounded up.
ENVELOPE_BYTES = 512


class Limits(NamedTuple):
    """How much one request may hold, and how long its first event may wait."""

    events_max: int
    bytes_max: int
    linger_s: float


class Batcher(Generic[T]):
    """The current batch. Time is an argument, in seconds of any one clock."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._filling: list[T] = []
        self._bytes = ENVELOPE_BYTES
        self._closes_at = 0.0

    def fill(self, items: Iterable[T], now_s: float) -> list[list[T]]:
        """Add items. Returns the batches that became full."""
        events_max, bytes_max, linger_s = self._limits
        full: list[list[T]] = []
        for item in items:
            size = len(item.payload) + 1
            if self._filling and self._bytes + size > bytes_max:
                full.append(self.close_batch())
            if not self._filling:
                self._closes_at = now_s + linger_s
            self._filling.append(item)
            self._bytes += size
            if len(self._filling) == events_max:
                full.append(self.close_batch())
        return full

    def close_batch(self) -> list[T]:
        """The current batch; the next item starts a new one."""
        batch, self._filling, self._bytes = self._filling, [], ENVELOPE_BYTES
        return batch

    @property
    def closes_at_s(self) -> float | None:
        """When the batch must be closed even if it isn't full. None if it is empty."""
        return self._closes_at if self._filling else None

    def __len__(self) -> int:
        return len(self._filling)


def halves(batch: Sequence[T]) -> tuple[Sequence[T], Sequence[T]]:
    """A batch of at least two, in two; the left half is the larger when they differ."""
    middle = (len(batch) + 1) // 2
    return batch[:middle], batch[middle:]


def without(batch: Sequence[T], index: int) -> list[T]:
    """The batch without the event at `index`."""
    return [*batch[:index], *batch[index + 1 :]]


def envelope_end(partner_agent: str, test_event_code: str) -> bytes:
    """What follows the events in a request body."""
    fields = {"partner_agent": partner_agent, "test_event_code": test_event_code}
    given = {name: value for name, value in fields.items() if value}
    return b"]" + (b"," + orjson.dumps(given)[1:] if given else b"}")


def request_body(batch: Sequence[T], end: bytes) -> bytes:
    """The JSON of one request of at least one event: `{"data": [...], ...}`."""
    payloads = [item.payload for item in batch]
    # Before and after the events goes in with the join: added to its result, it would copy a megabyte twice.
    payloads[0] = b'{"data":[' + payloads[0]
    payloads[-1] += end
    return b",".join(payloads)
