"""
What was taken, and how often: the counts that an oracle reads.

Every accepted event becomes a line of the accepted file before its request is
answered, so the file is right whatever is killed later, this server too:

    {"event_id": ..., "event_name": ..., "event_time": ..., "request": 3, "index": 0, "received_at": ...}

A repeat is an event whose id and name were accepted before, in any request;
it says whether its time was the same. Memory is bounded: the oldest ids are
forgotten first, and then `forgotten` says that repeats may have been missed.

The fast form looks at no event. It can write a line a request instead, at the
moment of the answer:

    {"answered_at": ..., "event_ids": [...]}
"""

from __future__ import annotations

import io
from collections import Counter, OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import orjson

REPEATS_KEPT_MAX = 1_000
SECONDS_KEPT_MAX = 3_600

Json = Any


class Repeat(NamedTuple):
    """An event accepted again: in which requests, and whether its time was the same."""

    event_id: str
    event_name: str
    same_event_time: bool
    first_request: int
    request: int


@dataclass(frozen=True, slots=True)
class Stats:
    """
    The counts at one moment.

    `outcomes` counts requests by how they ended (`accepted`,
    `refused:100/2804003`, `fault:drop`, ...). `requests_by_second` has unix
    seconds as keys and the last hour at most; `repeated` the last thousand repeats.
    """

    requests: int
    requests_at_once: int
    requests_at_once_max: int
    bytes_received: int
    events_accepted: int
    events_per_request_max: int
    repeats: int
    repeats_same_event_time: int
    repeats_other_event_time: int
    forgotten: int
    outcomes: dict[str, int]
    requests_by_second: dict[int, int]
    repeated: list[Repeat]

    def json(self) -> bytes:
        """As `GET /sandbox/stats` answers it."""
        shown = {name: getattr(self, name) for name in self.__slots__}
        shown["repeated"] = [repeat._asdict() for repeat in self.repeated]
        return orjson.dumps(shown, option=orjson.OPT_NON_STR_KEYS)


class RequestLog:
    """Counts of requests and events, and the accepted file. Not thread-safe: one event loop owns it."""

    def __init__(
        self,
        accepted_file: Path | None,
        accepted_kept_max: int,
        ids_kept_max: int,
        answers_file: Path | None = None,
    ) -> None:
        self._file = _appended(accepted_file)
        self._answers = _appended(answers_file)
        self._ids_kept_max = ids_kept_max
        self._at_once = 0
        self.accepted: deque[Json] = deque(maxlen=accepted_kept_max)
        self.reset()

    def reset(self) -> None:
        """Forget everything but the accepted file and the requests that are being answered."""
        self._requests = 0
        self._at_once_max = self._at_once
        self._bytes = 0
        self._events = 0
        self._events_per_request_max = 0
        self._repeats: Counter[bool] = Counter()
        self._repeated: deque[Repeat] = deque(maxlen=REPEATS_KEPT_MAX)
        self._forgotten = 0
        self._outcomes: Counter[str] = Counter()
        self._by_second: OrderedDict[int, int] = OrderedDict()
        self._first_seen: OrderedDict[tuple[str, str], tuple[int, int]] = OrderedDict()
        self.accepted.clear()

    def open_request(self, now_s: float) -> int:
        """A request arrived; its number, from 1."""
        self._requests += 1
        self._at_once += 1
        self._at_once_max = max(self._at_once_max, self._at_once)
        second = int(now_s)
        self._by_second[second] = self._by_second.get(second, 0) + 1
        while len(self._by_second) > SECONDS_KEPT_MAX:
            self._by_second.popitem(last=False)
        return self._requests

    def close_request(self, outcome: str) -> None:
        """A request was answered or dropped."""
        self._at_once -= 1
        self._outcomes[outcome] += 1

    def read_body(self, size_bytes: int) -> None:
        """A body arrived, `size_bytes` long once decompressed."""
        self._bytes += size_bytes

    def accept(self, events: Sequence[Json], request: int, now_s: float) -> None:
        """Every event of an accepted request: written, counted, remembered."""
        self._write(events, request, now_s)
        self.count(len(events))
        for event in events:
            self._remember(event, request)
        self.accepted.extend(events)

    def count(self, events: int) -> None:
        """So many events accepted, unseen."""
        self._events += events
        self._events_per_request_max = max(self._events_per_request_max, events)

    def answer(self, event_ids: Sequence[str], now_s: float) -> None:
        """The answer to a request with these events goes out now."""
        if self._answers is not None and event_ids:
            line = {"answered_at": now_s, "event_ids": event_ids}
            self._answers.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
            self._answers.flush()

    def _write(self, events: Sequence[Json], request: int, now_s: float) -> None:
        if self._file is None:
            return
        lines = (
            {
                "event_id": event.get("event_id"),
                "event_name": event["event_name"],
                "event_time": event["event_time"],
                "request": request,
                "index": index,
                "received_at": now_s,
            }
            for index, event in enumerate(events)
        )
        self._file.write(b"".join(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE) for line in lines))
        self._file.flush()

    def _remember(self, event: Json, request: int) -> None:
        if "event_id" not in event:
            return  # nothing to know it by
        key = (event["event_id"], event["event_name"])
        first = self._first_seen.get(key)
        if first is None:
            self._first_seen[key] = (event["event_time"], request)
            self._forget_oldest()
            return
        same_time = first[0] == event["event_time"]
        self._repeats[same_time] += 1
        self._repeated.append(Repeat(*key, same_time, first[1], request))

    def _forget_oldest(self) -> None:
        if len(self._first_seen) > self._ids_kept_max:
            self._first_seen.popitem(last=False)
            self._forgotten += 1

    def stats(self) -> Stats:
        """The counts now."""
        return Stats(
            requests=self._requests,
            requests_at_once=self._at_once,
            requests_at_once_max=self._at_once_max,
            bytes_received=self._bytes,
            events_accepted=self._events,
            events_per_request_max=self._events_per_request_max,
            repeats=self._repeats.total(),
            repeats_same_event_time=self._repeats[True],
            repeats_other_event_time=self._repeats[False],
            forgotten=self._forgotten,
            outcomes=dict(self._outcomes),
            requests_by_second=dict(self._by_second),
            repeated=list(self._repeated),
        )

    def close(self) -> None:
        """Close the files."""
        for file in (self._file, self._answers):
            if file is not None:
                file.close()


def _appended(path: Path | None) -> io.BufferedWriter | None:
    return None if path is None else path.open("ab")
