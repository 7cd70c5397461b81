"""
What `publish` tells the person: lines that are left out, lines that are odd, and the sum.

The first lines are told one by one, so that a small file is mended at once; a
big one is summed up by what is wrong, so that a mistake in a column is one line
and not a million.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

from consumer.console import err
from consumer.domain.decision import Reason
from consumer.event_files.lines import FileWarning
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
