"""
Mended dead letters, from a file back to the topics they came from.

    line → letter → where does it go → is it still invalid → send

A letter goes as a replay would send it: with its origin, so that its event id
stays what it was, and with its replay count raised. One that would become a
dead letter again as it stands is left out, so a whole export may be given back
with only some of its lines mended. What Meta alone refuses is not known here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from consumer.core.decide import decide
from consumer.core.decision import Decision, Filtered, Invalid
from consumer.core.hashing import BatchHasher
from consumer.core.record import Partition, Record
from consumer.core.rules import Rules
from consumer.dead_letter_files import Mistake, as_letter
from consumer.file_lines import TOO_LONG, Line
from consumer.replaying import LETTERS_AT_ONCE, Sending
from consumer.way_back import Back, Held, LeftOut, WayBack

# Told of each line that is left out or odd: its number, what is the matter, and whether it is left out.
Say = Callable[[int, str, bool], None]

WHY = {
    LeftOut.NO_ORIGIN: "it has no origin headers",
    LeftOut.NO_VALUE: "it has no value",
    LeftOut.ORIGINAL_GONE: "it has no value, and its origin has it no more",
}


class Ready(NamedTuple):
    """A letter that goes back."""

    line: int
    back: Back


class LetterLines:
    """The letters in the lines of a file, judged one by one; `is_checked` leaves out the invalid."""

    def __init__(
        self, way_back: WayBack, rules: Rules, now_ms: Callable[[], int], *, is_checked: bool
    ) -> None:
        self._way_back = way_back
        self._rules = rules
        self._now_ms = now_ms
        self._is_checked = is_checked

    def ready(self, lines: Iterable[Line], say: Say) -> Iterator[Ready]:
        """Those that go back; `say` is told of the others."""
        for line in lines:
            if line.raw is not None and not line.content.strip():
                continue
            back = self._back_or_why(line)
            if isinstance(back, str):
                say(line.number, back, True)
                continue
            decision = self._decision(back) if self._is_checked else None
            if isinstance(decision, Invalid):
                say(line.number, f"it would be a dead letter again: {decision.reason}", True)
                continue
            if isinstance(decision, Filtered):
                say(line.number, f"it will be filtered: {decision.reason}", False)
            yield Ready(line.number, back)

    def _back_or_why(self, line: Line) -> Back | str:
        letter = as_letter(line.content) if line.raw is not None else Mistake(TOO_LONG)
        if isinstance(letter, Mistake):
            return letter.text
        match self._way_back.of(letter):
            case Held(topic):
                return f"it comes from {topic}, which is not one of CAPI_TOPICS or does not exist"
            case LeftOut() as why:
                return WHY[why]
            case Back() as back:
                return back

    def _decision(self, back: Back) -> Decision:
        now_ms = self._now_ms()
        timestamp_ms = now_ms if back.timestamp_ms is None else back.timestamp_ms
        # Its headers name the place it first stood; the place it gets now does not matter.
        record = Record(Partition(back.topic, 0), 0, timestamp_ms, back.value, back.key, back.headers)
        return decide(record, self._rules, BatchHasher(), now_ms)


def publish_letters(letters: Iterator[Ready], sending: Sending, say: Say) -> int:
    """How many the brokers took; `say` is told of those that they did not take."""
    published = 0
    while handful := list(islice(letters, LETTERS_AT_ONCE)):
        errors = sending.send([ready.back for ready in handful])
        _tell(handful, errors, say)
        published += len(handful) - len(errors)
    return published


def _tell(handful: Sequence[Ready], errors: dict[int, str], say: Say) -> None:
    for place, error in sorted(errors.items()):
        say(handful[place].line, f"{handful[place].back.topic} did not take it ({error})", True)
