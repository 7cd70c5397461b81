"""
Which events travel together, and how a batch is taken apart.

A batch leaves when it holds enough events, when the next event would make it
too large, or when its first event has waited long enough. Meta refuses a whole
request for one event, so a refused batch is split; events keep their order,
their bytes and their ids through every split, so what is sent again is the
same again.

Each event was serialised once, in `decide`: a request body is a join, and so
is the body of a half.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Generic, NamedTuple, Protocol, TypeVar

import orjson


class Carries(Protocol):
    """Anything that travels: it has the JSON of one event."""

    @property
    def payload(self) -> bytes:
        """The JSON of one event."""
        ...


T = TypeVar("T", bound=Carries)

# {"data":[ ... ],"partner_agent":"...","test_event_code":"..."}: brackets and
# two short texts, rounded up.
ENVELOPE_BYTES = 512


class Limits(NamedTuple):
    """What one request may hold, and how long its first event may wait."""

    events_max: int
    bytes_max: int
    linger_s: float


class Batcher(Generic[T]):
    """The batch that is being filled. Time is an argument, in seconds of any one clock."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._filling: list[T] = []
        self._bytes = ENVELOPE_BYTES
        self._closes_at = 0.0

    def add(self, items: Iterable[T], now_s: float) -> list[list[T]]:
        """Put items in; the batches that are full thereby."""
        events_max, bytes_max, linger_s = self._limits
        full: list[list[T]] = []
        for item in items:
            size = len(item.payload) + 1
            if self._filling and self._bytes + size > bytes_max:
                full.append(self.close())
            if not self._filling:
                self._closes_at = now_s + linger_s
            self._filling.append(item)
            self._bytes += size
            if len(self._filling) == events_max:
                full.append(self.close())
        return full

    def close(self) -> list[T]:
        """The batch as it is; a new one begins."""
        batch, self._filling, self._bytes = self._filling, [], ENVELOPE_BYTES
        return batch

    @property
    def closes_at_s(self) -> float | None:
        """When the batch leaves whether full or not. None while there is none."""
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
    # What stands around them goes in with the join: added to it, it would copy the megabyte twice more.
    payloads[0] = b'{"data":[' + payloads[0]
    payloads[-1] += end
    return b",".join(payloads)
