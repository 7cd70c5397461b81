"""`capi-consumer publish --replay`: wires a file of mended letters to the brokers."""

from __future__ import annotations

from collections.abc import Iterable

from consumer.asked_to_stop import asked_to_stop
from consumer.clock import now_ms
from consumer.event_files import EventFile
from consumer.file_lines import Entry
from consumer.producing import open_publisher
from consumer.publish_letters import Judge, LetterPublishing
from consumer.publish_report import Report
from consumer.publishing import Sum
from consumer.replay import way_back
from consumer.replaying import Sending
from consumer.settings import Settings


def publish_letters_of(
    file: str, settings: Settings, report: Report, *, to: str | None, strict: bool, raw: bool
) -> Sum:
    """
    Publish the letters in a file (`-`: standard input), to their origins or to the topic `to`.

    Raises NoSuchFile, and CannotGoOn without brokers or topic.
    """
    judge = None if raw else Judge(settings.rules, now_ms)
    with asked_to_stop() as stop, EventFile(file, stop) as opened, way_back(settings, to, "--topic") as way:

        def entries() -> Iterable[Entry]:
            if strict:
                opened.go_to_start()
            return opened.raw()

        publishing = LetterPublishing(way, judge, report, stop)
        if not strict or publishing.check_all(entries):
            sending = Sending(lambda on_failure: open_publisher(settings, on_failure, stop.is_set))
            publishing.send_all(entries, sending)
    report.close()
    return publishing.sum
