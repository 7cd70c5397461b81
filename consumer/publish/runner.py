"""
A file on its way to a topic: read, judged, sent, and every entry of it accounted for.

    file → entry → judge ─ why not → left out, said
                      └ ready → send → published, failed, or left out after all

    read = published + left out + failed

also after Ctrl-C, and when the file cannot be read to its end: what was sent
is waited for, and the rest of the file was not read. What stands in the file,
events or dead letters, is the business of the two functions that are given:
publish_events.py and publish_letters.py.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

from consumer.domain.decision import Reason
from consumer.event_files.event_files import BrokenOff, Stopped
from consumer.event_files.lines import Entry, FoundEvent
from consumer.publish.report import Report

Ready = TypeVar("Ready")
# What an entry is to be sent as, or why it is left out.
Judge = Callable[[FoundEvent], Ready | str]
# Opens the entries of the file, from its beginning.
Entries = Callable[[], Iterable[Entry]]


class Sent(NamedTuple):
    """What became of those that were ready."""

    published: int
    failed: int
    left_out: int = 0


# Sends them as they come, and waits until the end of each is known.
Send = Callable[[Iterator[Ready]], Sent]


def only_counted(ready: Iterator[Ready]) -> Sent:
    """What would be sent, of a dry run."""
    return Sent(sum(1 for _ in ready), 0)


@dataclass(slots=True)
class Sum:
    """What became of the entries of a file."""

    read: int = 0
    published: int = 0
    left_out: int = 0
    warnings: int = 0
    failed: int = 0
    is_interrupted: bool = False
    is_broken_off: bool = False
    would_be_filtered: Counter[Reason] = field(default_factory=Counter)

    @property
    def is_all(self) -> bool:
        """Whether everything there is was published."""
        return not (self.left_out or self.failed or self.is_interrupted or self.is_broken_off)

    def as_json(self) -> dict[str, int]:
        """The counts."""
        return {
            "read": self.read,
            "published": self.published,
            "left_out": self.left_out,
            "warnings": self.warnings,
            "failed": self.failed,
            "would_be_filtered": self.would_be_filtered.total(),
        }


class Publishing(Generic[Ready]):
    """One file. `on_progress` hears of each entry: how many were read."""

    def __init__(
        self,
        judge: Judge[Ready],
        report: Report,
        stop: threading.Event | None = None,
        on_progress: Callable[[int], None] = lambda _read: None,
    ) -> None:
        self._judge = judge
        self._report = report
        self._stop = stop or threading.Event()
        self._on_progress = on_progress
        self._sum = Sum()

    def publish(self, entries: Entries, send: Send[Ready], *, strict: bool = False) -> Sum:
        """
        Read, judge and send; what became of them.

        `strict`: all or nothing. The entries are first read and judged alone.
        """
        if not strict or self._is_all_ready(entries):
            sent = send(self._ready(entries))
            self._sum.published, self._sum.failed = sent.published, sent.failed
            self._sum.left_out += sent.left_out
            self._sum.would_be_filtered = self._report.would_be_filtered
        self._sum.warnings = self._report.warnings
        return self._sum

    def _is_all_ready(self, entries: Entries) -> bool:
        """Only read and judge. If all are ready, the sum starts anew."""
        for _ in self._ready(entries):
            pass
        is_all = self._sum.is_all
        if is_all:
            self._sum = Sum()
            self._report.is_quiet = True
        else:
            self._sum.left_out = self._sum.read
        return is_all

    def _ready(self, entries: Entries) -> Iterator[Ready]:
        """Those that may be sent, up to the end or to the wish to stop."""
        try:
            for entry in entries():
                if self._stop.is_set():
                    raise Stopped
                self._sum.read += 1
                self._on_progress(self._sum.read)
                judged = self._judge(entry) if isinstance(entry, FoundEvent) else entry.says
                if isinstance(judged, str):
                    self._sum.left_out += 1
                    self._report.left_out(entry.line, entry.last_line, judged)
                else:
                    yield judged
        except Stopped:
            self._sum.is_interrupted = True
        except BrokenOff as reason:
            self._sum.is_broken_off = True
            self._report.broken_off(reason)
