"""
Events on their way into the events topic: which of them go, and how they are sent.

    event → check ─ an error, a dead letter → left out
                └ odd or good → keyed by user → sent, its report awaited at the end

Which partition an event goes to: the key of its record.

The events of a user stay in order when they share a key. Nobody's events have
none and are spread: one key for all of them would gather them on one partition.

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

from consumer.dead_letters.jsonl import ParseError, is_dead_letter, parse_dead_letter
from consumer.dead_letters.replay.plan import Blocked, Recheck, ReplayRecord, ReplayTarget, SkipReason
from consumer.dead_letters.replay.runner import RECORDS_PER_CHUNK, TOO_LARGE, ReplaySender
from consumer.domain.decision import Filtered, Invalid
from consumer.event_files.lines import FoundEvent
from consumer.kafka.producer import RecordProducer
from consumer.mapping import values
from consumer.mapping.event import parse
from consumer.publish.checks import EventCheck
from consumer.publish.runner import PublishReport, SendResult, Validator


def record_key(value: bytes) -> bytes | None:
    """The user's id in an event; None without one, and for the words that stand for nobody."""
    root = parse(value)
    user = root.get("user") if isinstance(root, dict) else None
    text = values.text_of(user.get("id")) if isinstance(user, dict) else ""
    if (
        not isinstance(text, str)
        or not text.strip()
        or text.strip() in values.NO_IDS
        or values.is_placeholder(text)
    ):
        return None
    return text.encode("utf-8")


# How long the brokers have for the last reports: librdkafka's own time for a
# record, and a little more.
FINISH_S = 310.0
A_LETTER = "an exported dead letter; `publish --replay` sends it back"


def event_validator(check: EventCheck, report: PublishReport) -> Validator[FoundEvent]:
    """Leaves out what is wrong; what is merely odd is said and goes."""

    def judge(event: FoundEvent) -> FoundEvent | str:
        if is_dead_letter(event.value):
            return A_LETTER
        checked = check.check(event)
        if checked.error is not None:
            return checked.error
        if checked.filtered is not None:
            report.log_filtered(event.line, event.last_line, checked.filtered)
        for remark in checked.warnings:
            report.warn(event.line, event.last_line, remark)
        return event

    return judge


def accept_all(event: FoundEvent) -> FoundEvent | str:
    """The judge of `--raw`: everything goes."""
    return event


def send_events(events: Iterator[FoundEvent], publisher: RecordProducer, topic: str) -> SendResult:
    """Send each as it comes, and wait for all the reports."""
    for event in events:
        publisher.send(topic, record_key(event.value), event.value, place=event.line)
    counts = publisher.finish(FINISH_S)
    return SendResult(counts.delivered, counts.failed)


WHY = {
    SkipReason.NO_ORIGIN: "no origin headers: it cannot go back",
    SkipReason.NO_VALUE: "no value: it would delete at its origin",
    SkipReason.ORIGINAL_GONE: "no value, and its origin has it no more",
    SkipReason.TOO_LARGE: "too large for the topic it would go to",
    SkipReason.TOO_OLD: "Meta takes it no more",
}


class ReadyDeadLetter(NamedTuple):
    """A letter that goes back, and its line."""

    line: int
    back: ReplayRecord


def dead_letter_validator(
    way_back: ReplayTarget, validity: Recheck | None, report: PublishReport
) -> Validator[ReadyDeadLetter]:
    """
    Leaves out what cannot go back, and what is still invalid.

    `validity` is None for `--raw`: then whatever a letter holds goes.
    """

    def judge(line: FoundEvent) -> ReadyDeadLetter | str:
        letter = parse_dead_letter(line.value)
        if isinstance(letter, ParseError):
            return letter.text
        match way_back.target_of(letter):
            case Blocked(topic):
                return f"it comes from {topic}, which is not one of CAPI_TOPICS or does not exist"
            case SkipReason() as why:
                return WHY[why]
            case ReplayRecord() as back:
                return judged(line, back)

    def judged(line: FoundEvent, back: ReplayRecord) -> ReadyDeadLetter | str:
        decision = validity.decision(back) if validity else None
        if isinstance(decision, Invalid):
            return f"it would be a dead letter again: {decision.reason}"
        if isinstance(decision, Filtered):
            report.log_filtered(line.line, line.last_line, decision.reason)
        return ReadyDeadLetter(line.line, back)

    return judge


def send_dead_letters(
    letters: Iterator[ReadyDeadLetter], sending: ReplaySender, report: PublishReport
) -> SendResult:
    """Send a handful at a time, each waited for."""
    published = failed = left_out = 0
    while handful := list(islice(letters, RECORDS_PER_CHUNK)):
        errors = sending.send([letter.back for letter in handful])
        too_large = _say(handful, errors, report)
        published += len(handful) - len(errors)
        failed += len(errors) - too_large
        left_out += too_large
    return SendResult(published, failed, left_out)


def _say(handful: Sequence[ReadyDeadLetter], errors: dict[int, str], report: PublishReport) -> int:
    """Say what did not arrive; how many of these are too large, which never go, by a replay neither."""
    too_large = 0
    for place, error in sorted(errors.items()):
        line = handful[place].line
        if error in TOO_LARGE:
            too_large += 1
            report.log_invalid(line, line, WHY[SkipReason.TOO_LARGE])
        else:
            report.log_failed(line, error)
    return too_large
