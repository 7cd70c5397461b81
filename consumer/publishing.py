"""
Events from a file to a topic: read, checked, sent, and every one of them accounted for.

    file → entry → check ─ an error → left out, said
                     └ sent → delivery report → published, or failed

    read = published + left out + failed

also after Ctrl-C: what was sent is waited for, and the rest of the file was
not read.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from consumer.event_checks import EventCheck
from consumer.event_files import Stopped
from consumer.file_lines import Entry, FoundEvent, Unreadable
from consumer.producing import Publisher
from consumer.publish_report import Report
from consumer.record_key import record_key

# How long the brokers have for the last reports: librdkafka's own time for a
# record, and a little more.
FINISH_S = 310.0


# Opens the entries of the file, from its beginning.
Entries = Callable[[], Iterable[Entry]]


@dataclass(slots=True)
class Sum:
    """What became of the events of a file."""

    read: int = 0
    published: int = 0
    left_out: int = 0
    warnings: int = 0
    failed: int = 0
    is_interrupted: bool = False

    @property
    def is_all(self) -> bool:
        """Whether everything there is was published."""
        return not (self.left_out or self.failed or self.is_interrupted)

    def as_json(self) -> dict[str, int]:
        """The counts."""
        return {
            "read": self.read,
            "published": self.published,
            "left_out": self.left_out,
            "warnings": self.warnings,
            "failed": self.failed,
        }


class Publishing:
    """
    One file on its way. `check` is None for `--raw`.

    `on_progress` is told now and then, with the number of events read.
    """

    def __init__(
        self,
        check: EventCheck | None,
        report: Report,
        stop: threading.Event,
        on_progress: Callable[[int], None] = lambda _read: None,
    ) -> None:
        self._check = check
        self._report = report
        self._stop = stop
        self._on_progress = on_progress
        self.sum = Sum()

    def check_all(self, entries: Entries) -> bool:
        """Only read and check; whether every event may be published. If so, the sum starts anew."""
        for _ in self._good(entries):
            pass
        is_good = not (self.sum.left_out or self.sum.is_interrupted)
        if is_good:
            self.sum = Sum()
            self._report.is_quiet = True
        else:
            self.sum.left_out = self.sum.read
        self.sum.warnings = self._report.warnings
        return is_good

    def send_all(self, entries: Entries, publisher: Publisher, topic: str) -> None:
        """Read, check and send, and wait for the reports; the rest is in the sum."""
        for event in self._good(entries):
            publisher.send(topic, record_key(event.value), event.value, place=event.line)
        counts = publisher.finish(FINISH_S)
        self.sum.published, self.sum.failed = counts.delivered, counts.failed
        self.sum.warnings = self._report.warnings

    def _good(self, entries: Entries) -> Iterator[FoundEvent]:
        """The events that may be published, up to the end or to the wish to stop."""
        try:
            for entry in entries():
                if self._stop.is_set():
                    raise Stopped
                self.sum.read += 1
                self._on_progress(self.sum.read)
                if isinstance(entry, FoundEvent) and self._is_good(entry):
                    yield entry
                elif isinstance(entry, Unreadable):
                    self._leave_out(entry, entry.says)
        except Stopped:
            self.sum.is_interrupted = True

    def _is_good(self, event: FoundEvent) -> bool:
        if self._check is None:
            return True
        checked = self._check.check(event)
        if checked.error is not None:
            self._leave_out(event, checked.error)
            return False
        for remark in checked.warnings:
            self._report.warn(event.line, event.last_line, remark)
        return True

    def _leave_out(self, entry: Entry, why: str) -> None:
        self.sum.left_out += 1
        self._report.left_out(entry.line, entry.last_line, why)
