"""
Mended dead letters, from a file back to the topics they came from.

    line → letter → where does it go → is it still invalid → send

A letter goes as a replay would send it: with its origin, so that its event id
stays what it was, and with its replay count raised. One that would become a
dead letter again as it stands is left out, so a whole export may be given back
with only some of its lines mended. What Meta alone refuses is not known here.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from consumer.core.decide import decide
from consumer.core.decision import Decision, Filtered, Invalid
from consumer.core.hashing import BatchHasher
from consumer.core.record import Partition, Record
from consumer.core.rules import Rules
from consumer.dead_letter_files import Mistake, as_letter
from consumer.event_checks import WHOLE_EVENT
from consumer.event_files import Stopped
from consumer.file_lines import Entry, FoundEvent, Remark
from consumer.publish_report import Report
from consumer.publishing import Entries, Sum
from consumer.replaying import LETTERS_AT_ONCE, Sending
from consumer.way_back import Back, Held, LeftOut, WayBack

WHY = {
    LeftOut.NO_ORIGIN: "no origin headers: it cannot go back",
    LeftOut.NO_VALUE: "no value: it would delete at its origin",
    LeftOut.ORIGINAL_GONE: "no value, and its origin has it no more",
}


class Judge(NamedTuple):
    """What tells whether a letter is still invalid. `now_ms` is the clock."""

    rules: Rules
    now_ms: Callable[[], int]

    def decision(self, back: Back) -> Decision:
        """What becomes of it when it is consumed: at the place where it first stood, as its headers say."""
        now_ms = self.now_ms()
        timestamp_ms = now_ms if back.timestamp_ms is None else back.timestamp_ms
        record = Record(Partition(back.topic, 0), 0, timestamp_ms, back.value, back.key, back.headers)
        return decide(record, self.rules, BatchHasher(), now_ms)


class Ready(NamedTuple):
    """A letter that goes back, and its line."""

    line: int
    back: Back


class LetterPublishing:
    """One file of letters on its way. `judge` is None for `--raw`: whatever they hold is sent."""

    def __init__(
        self, way_back: WayBack, judge: Judge | None, report: Report, stop: threading.Event | None = None
    ) -> None:
        self._way_back = way_back
        self._judge = judge
        self._report = report
        self._stop = stop or threading.Event()
        self.sum = Sum()

    def check_all(self, entries: Entries) -> bool:
        """Only read and judge; whether every letter may go. If so, the sum starts anew."""
        for _ in self._ready(entries()):
            pass
        is_good = not (self.sum.left_out or self.sum.is_interrupted)
        if is_good:
            self.sum = Sum()
            self._report.is_quiet = True
        else:
            self.sum.left_out = self.sum.read
        self.sum.warnings = self._report.warnings
        return is_good

    def send_all(self, entries: Entries, sending: Sending) -> None:
        """Read, judge and send, a handful at a time, each waited for; the rest is in the sum."""
        letters = self._ready(entries())
        while handful := list(islice(letters, LETTERS_AT_ONCE)):
            errors = sending.send([ready.back for ready in handful])
            self._count(handful, errors)
        self.sum.warnings = self._report.warnings

    def _count(self, handful: Sequence[Ready], errors: dict[int, str]) -> None:
        self.sum.published += len(handful) - len(errors)
        self.sum.failed += len(errors)
        for place, error in sorted(errors.items()):
            self._report.failed(handful[place].line, error)

    def _ready(self, entries: Iterable[Entry]) -> Iterator[Ready]:
        """The letters that go back, up to the end or to the wish to stop."""
        try:
            for entry in entries:
                if self._stop.is_set():
                    raise Stopped
                if isinstance(entry, FoundEvent) and not entry.value.strip():
                    continue
                self.sum.read += 1
                found = self._back(entry)
                if isinstance(found, Back):
                    yield Ready(entry.line, found)
                else:
                    self.sum.left_out += 1
                    self._report.left_out(entry.line, entry.last_line, found)
        except Stopped:
            self.sum.is_interrupted = True

    def _back(self, entry: Entry) -> Back | str:
        """Where the letter on this line goes, or why it stays."""
        if not isinstance(entry, FoundEvent):
            return entry.says
        letter = as_letter(entry.value)
        if isinstance(letter, Mistake):
            return letter.text
        match self._way_back.of(letter):
            case Held(topic):
                return f"it comes from {topic}, which is not one of CAPI_TOPICS or does not exist"
            case LeftOut() as why:
                return WHY[why]
            case Back() as back:
                return self._judged(entry, back)

    def _judged(self, entry: FoundEvent, back: Back) -> Back | str:
        decision = self._judge.decision(back) if self._judge else None
        if isinstance(decision, Invalid):
            return f"it would be a dead letter again: {decision.reason}"
        if isinstance(decision, Filtered):
            says = f"would be filtered: {decision.reason}"
            self._report.warn(entry.line, entry.last_line, Remark(WHOLE_EVENT, says))
        return back
