"""
A file on its way to a topic: read, judged, sent, and every entry of it accounted for.

    file → entry → judge ─ why not → left out, said
                      └ ready → send → published, failed, or left out after all

    read = published + left out + failed

also after Ctrl-C, and when the file cannot be read to its end: what was sent
is waited for, and the rest of the file was not read. What stands in the file,
events or dead letters, is the business of the two functions that are given:
publish_events.py and publish_letters.py.

What `publish` tells the person: lines that are left out, lines that are odd, and the sum.

The first lines are told one by one, so that a small file is mended at once; a
big one is summed up by what is wrong, so that a mistake in a column is one line
and not a million.
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

from consumer.console import err
from consumer.domain.decision import Reason
from consumer.event_files.event_files import Cancelled, TruncatedInput
from consumer.event_files.lines import Entry, FileWarning, FoundEvent
from consumer.publish.checks import WHOLE_EVENT

ERRORS_TOLD = 1_000
WARNINGS_TOLD = 20
KINDS_TOLD = 50
OTHER = "other"
# Kinds that are counted apart; more of them are no kinds.
KINDS_MAX = 1_000

PLACE = re.compile(r"(?<=\.)\d+(?=\.|$)")
DETAIL = re.compile(r" \(.*|^line \d+: ")


@dataclass(slots=True)
class LimitedLog:
    """How often something was said, by its kind; the first `most` times it is said in full."""

    most: int
    total: int = 0
    untold: Counter[str] = field(default_factory=Counter)

    def write(self, text: str, kind: str) -> None:
        """Say it, or count it."""
        self.total += 1
        if self.total <= self.most:
            err.print(text, markup=False)
        else:
            known = kind in self.untold or len(self.untold) < KINDS_MAX
            self.untold[kind if known else OTHER] += 1

    def summarise(self, what: str) -> None:
        """The counts of what was not said in full."""
        if not self.untold:
            return
        err.print(f"and {self.untold.total():,} more {what}:", markup=False)
        for kind, count in self.untold.most_common(KINDS_TOLD):
            err.print(f"  {count:>9,}  {kind}", markup=False)


class PublishReport:
    """Everything said about one file. `is_quiet` holds back warnings: they were said before."""

    def __init__(self) -> None:
        self.is_quiet = False
        self.would_be_filtered: Counter[Reason] = Counter()
        self._errors = LimitedLog(ERRORS_TOLD)
        self._warnings = LimitedLog(WARNINGS_TOLD)
        self._failures = LimitedLog(ERRORS_TOLD)

    @property
    def warnings(self) -> int:
        """Warnings so far."""
        return self._warnings.total

    def log_invalid(self, line: int, last_line: int, why: str) -> None:
        """An event that is not published."""
        self._errors.write(f"{_lines(line, last_line)}: left out: {why}", DETAIL.sub("", why))

    def log_filtered(self, line: int, last_line: int, reason: Reason) -> None:
        """An event that is published and would not be sent to Meta: a warning, counted by its reason."""
        if not self.is_quiet:
            self.would_be_filtered[reason] += 1
        self.warn(line, last_line, FileWarning(WHOLE_EVENT, f"would be filtered: {reason}"))

    def warn(self, line: int, last_line: int, remark: FileWarning) -> None:
        """Something odd about an event that is published all the same."""
        if not self.is_quiet:
            text = f"{remark.field}: {remark.says}"
            self._warnings.write(f"{_lines(line, last_line)}: warning: {text}", PLACE.sub("*", text))

    def log_failed(self, line: int, error: str) -> None:
        """An event that the brokers did not confirm."""
        self._failures.write(f"line {line}: not delivered ({error})", error)

    def truncated(self, error: Exception) -> None:
        """The file could not be read to its end."""
        err.print(f"capi-consumer: {error}", markup=False)

    def close(self) -> None:
        """The counts of what was not said one by one."""
        self._errors.summarise("events left out")
        self._warnings.summarise("warnings")
        self._failures.summarise("events not delivered")


def _lines(line: int, last_line: int) -> str:
    return f"line {line}" if line == last_line else f"lines {line} to {last_line}"


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
