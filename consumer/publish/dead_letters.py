"""
Mended dead letters, from a file back to the topics they came from.

    line → letter → where does it go → is it still invalid → send

A letter goes as a replay would send it: with its origin, so that its event id
stays what it was, and with its replay count raised. One that would become a
dead letter again as it stands is left out, so a whole export may be given back
with only some of its lines mended. What Meta alone refuses is not known here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from consumer.dead_letters.jsonl import Mistake, as_letter
from consumer.dead_letters.replay.runner import LETTERS_AT_ONCE
from consumer.dead_letters.replay.sending import TOO_LARGE, Sending
from consumer.dead_letters.replay.validity import Validity
from consumer.dead_letters.replay.way_back import Back, Held, LeftOut, WayBack
from consumer.domain.decision import Filtered, Invalid
from consumer.event_files.lines import FoundEvent
from consumer.publish.report import Report
from consumer.publish.runner import Judge, Sent

WHY = {
    LeftOut.NO_ORIGIN: "no origin headers: it cannot go back",
    LeftOut.NO_VALUE: "no value: it would delete at its origin",
    LeftOut.ORIGINAL_GONE: "no value, and its origin has it no more",
    LeftOut.TOO_LARGE: "too large for the topic it would go to",
    LeftOut.TOO_OLD: "Meta takes it no more",
}


class ReadyLetter(NamedTuple):
    """A letter that goes back, and its line."""

    line: int
    back: Back


def letter_judge(way_back: WayBack, validity: Validity | None, report: Report) -> Judge[ReadyLetter]:
    """
    Leaves out what cannot go back, and what is still invalid.

    `validity` is None for `--raw`: then whatever a letter holds goes.
    """

    def judge(line: FoundEvent) -> ReadyLetter | str:
        letter = as_letter(line.value)
        if isinstance(letter, Mistake):
            return letter.text
        match way_back.of(letter):
            case Held(topic):
                return f"it comes from {topic}, which is not one of CAPI_TOPICS or does not exist"
            case LeftOut() as why:
                return WHY[why]
            case Back() as back:
                return judged(line, back)

    def judged(line: FoundEvent, back: Back) -> ReadyLetter | str:
        decision = validity.decision(back) if validity else None
        if isinstance(decision, Invalid):
            return f"it would be a dead letter again: {decision.reason}"
        if isinstance(decision, Filtered):
            report.filtered(line.line, line.last_line, decision.reason)
        return ReadyLetter(line.line, back)

    return judge


def send_letters(letters: Iterator[ReadyLetter], sending: Sending, report: Report) -> Sent:
    """Send a handful at a time, each waited for."""
    published = failed = left_out = 0
    while handful := list(islice(letters, LETTERS_AT_ONCE)):
        errors = sending.send([letter.back for letter in handful])
        too_large = _say(handful, errors, report)
        published += len(handful) - len(errors)
        failed += len(errors) - too_large
        left_out += too_large
    return Sent(published, failed, left_out)


def _say(handful: Sequence[ReadyLetter], errors: dict[int, str], report: Report) -> int:
    """Say what did not arrive; how many of these are too large, which never go, by a replay neither."""
    too_large = 0
    for place, error in sorted(errors.items()):
        line = handful[place].line
        if error in TOO_LARGE:
            too_large += 1
            report.left_out(line, line, WHY[LeftOut.TOO_LARGE])
        else:
            report.failed(line, error)
    return too_large
