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
from consumer.event_files.event_files import Cancelled, TruncatedInput
from consumer.event_files.lines import Entry, FoundEvent
from consumer.publish.report import PublishReport

Ready = TypeVar("Ready")
# What an entry is to be sent as, or why it is left out.
Validator = Callable[[FoundEvent], Ready | str]
# Opens the entries of the file, from its beginning.
Entries = Callable[[], Iterable[Entry]]


class SendResult(NamedTuple):
    """What became of those that were ready."""

    published: int
    failed: int
    invalid: int = 0


# Sends them as they come, and waits until the end of each is known.
Send = Callable[[Iterator[Ready]], SendResult]


def count_only(ready: Iterator[Ready]) -> SendResult:
    """What would be sent, of a dry run."""
    return SendResult(sum(1 for _ in ready), 0)


@dataclass(slots=True)
class PublishSummary:
    """What became of the entries of a file."""

    read: int = 0
    published: int = 0
    invalid: int = 0
    warnings: int = 0
    failed: int = 0
    is_interrupted: bool = False
    is_truncated: bool = False
    would_be_filtered: Counter[Reason] = field(default_factory=Counter)

    @property
    def is_all(self) -> bool:
        """Whether everything there is was published."""
        return not (self.invalid or self.failed or self.is_interrupted or self.is_truncated)

    def as_json(self) -> dict[str, int]:
        """The counts."""
        return {
            "read": self.read,
            "published": self.published,
            "left_out": self.invalid,
            "warnings": self.warnings,
            "failed": self.failed,
            "would_be_filtered": self.would_be_filtered.total(),
        }


class PublishRunner(Generic[Ready]):
    """One file. `on_progress` hears of each entry: how many were read."""

    def __init__(
        self,
        judge: Validator[Ready],
        report: PublishReport,
        stop: threading.Event | None = None,
        on_progress: Callable[[int], None] = lambda _read: None,
    ) -> None:
        self._judge = judge
        self._report = report
        self._stop = stop or threading.Event()
        self._on_progress = on_progress
        self._sum = PublishSummary()

    def publish(self, entries: Entries, send: Send[Ready], *, strict: bool = False) -> PublishSummary:
        """
        Read, judge and send; what became of them.

        `strict`: all or nothing. The entries are first read and judged alone.
        """
        if not strict or self._is_all_ready(entries):
            sent = send(self._ready(entries))
            self._sum.published, self._sum.failed = sent.published, sent.failed
            self._sum.invalid += sent.invalid
            self._sum.would_be_filtered = self._report.would_be_filtered
        self._sum.warnings = self._report.warnings
        return self._sum

    def _is_all_ready(self, entries: Entries) -> bool:
        """Only read and judge. If all are ready, the sum starts anew."""
        for _ in self._ready(entries):
            pass
        is_all = self._sum.is_all
        if is_all:
            self._sum = PublishSummary()
            self._report.is_quiet = True
        else:
            self._sum.invalid = self._sum.read
        return is_all

    def _ready(self, entries: Entries) -> Iterator[Ready]:
        """Those that may be sent, up to the end or to the wish to stop."""
        try:
            for entry in entries():
                if self._stop.is_set():
                    raise Cancelled
                self._sum.read += 1
                self._on_progress(self._sum.read)
                judged = self._judge(entry) if isinstance(entry, FoundEvent) else entry.says
                if isinstance(judged, str):
                    self._sum.invalid += 1
                    self._report.log_invalid(entry.line, entry.last_line, judged)
                else:
                    yield judged
        except Cancelled:
            self._sum.is_interrupted = True
        except TruncatedInput as reason:
            self._sum.is_truncated = True
            self._report.truncated(reason)
