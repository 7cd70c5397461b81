"""
Events on their way into the events topic: which of them go, and how they are sent.

    event → check ─ an error, a dead letter → left out
                └ odd or good → keyed by user → sent, its report awaited at the end
"""

from __future__ import annotations

from collections.abc import Iterator

from consumer.dead_letters.jsonl import is_dead_letter
from consumer.event_files.lines import FoundEvent
from consumer.kafka.producer import RecordProducer
from consumer.publish.checks import EventCheck
from consumer.publish.record_key import record_key
from consumer.publish.report import PublishReport
from consumer.publish.runner import SendResult, Validator

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
