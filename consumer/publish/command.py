"""
`capi-consumer publish`: events from a file into the events topic.

What would only become a dead letter is left out and said; what is merely odd
is said and published. With `--strict` a file is published whole or not at all:
it is read twice, and what comes through a pipe is kept on disk meanwhile. With
`--raw` nothing is looked at: whatever stands on a line is published. With
`--replay` the lines are dead letters, and the same holds for them.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import orjson
import typer

from consumer import errors, schemas_loader
from consumer.clock import now_ms
from consumer.config.loading import load_settings
from consumer.config.settings import Settings
from consumer.console import err, out, pluralize
from consumer.dead_letters.replay.plan import Recheck, open_replay_target
from consumer.dead_letters.replay.runner import ReplaySender
from consumer.errors import CommandError, UsageError
from consumer.event_files.csv_events import column_check, purchase_names
from consumer.event_files.event_files import EventFile, progress, reading
from consumer.event_files.formats import STANDARD_INPUT, Encoding, FileFormat
from consumer.event_files.lines import Entry, FoundEvent
from consumer.kafka import clients
from consumer.kafka.admin import list_cluster
from consumer.kafka.producer import open_producer
from consumer.publish.checks import EventCheck
from consumer.publish.events import (
    ReadyDeadLetter,
    accept_all,
    dead_letter_validator,
    event_validator,
    send_dead_letters,
    send_events,
)
from consumer.publish.runner import PublishReport, PublishRunner, PublishSummary, SendResult, count_only
from consumer.signals import stop_on_signal


class PublishRequest(NamedTuple):
    """What the command was called with, for events and letters alike. `topic` None: where they belong."""

    file: str
    topic: str | None
    strict: bool
    raw: bool
    dry_run: bool


def publish(
    asked: PublishRequest,
    settings_file: Path | None,
    *,
    replay: bool,
    form: FileFormat,
    encoding: Encoding,
    as_json: bool,
) -> None:
    """Publish a file, and say what became of it. Exits with 1 where something was left out."""
    _refuse_contradictions(strict=asked.strict, raw=asked.raw, replay=replay, form=form)
    settings = load_settings(file=settings_file)
    of_letters = {settings.dead_letter_topic: "dead-letter", settings.parking_topic: "parking"}
    if asked.topic in of_letters:
        raise UsageError(
            f"--topic {asked.topic}: that is the {of_letters[asked.topic]} topic itself",
            "name an events topic, or leave --topic out",
        )
    report = PublishReport()
    if replay:
        done = _publish_letters(asked, settings, report)
        where = asked.topic or "the topics they came from"
    else:
        done = _publish_events(asked, settings, report, form, encoding)
        where = asked.topic or settings.topics[0]
    report.close()
    _say(done, where, asked, as_json=as_json)
    raise typer.Exit(errors.exit_code(is_all=done.is_all, is_interrupted=done.is_interrupted))


def _refuse_contradictions(*, strict: bool, raw: bool, replay: bool, form: FileFormat) -> None:
    if raw and (strict or form not in (FileFormat.AUTO, FileFormat.JSONL)):
        raise typer.BadParameter(
            "--raw takes lines as they stand: it goes with neither --strict nor --format"
        )
    if replay and form is not FileFormat.AUTO:
        raise typer.BadParameter(
            "--replay reads what `dead-letters export` wrote: it does not go with --format"
        )


def _publish_events(
    asked: PublishRequest, settings: Settings, report: PublishReport, form: FileFormat, encoding: Encoding
) -> PublishSummary:
    topic = asked.topic or settings.topics[0]
    judge = accept_all if asked.raw else event_validator(_event_check(settings), report)
    stop = threading.Event()
    with EventFile(asked.file, stop) as opened:
        refuse_unknown(settings, topic)
        _say_what_is_waited_for(asked.file)

        def entries() -> Iterable[Entry]:
            if asked.strict:
                opened.go_to_start()
            if asked.raw:
                return opened.raw()
            purchases = purchase_names(settings.event_names)
            return opened.events(
                form,
                encoding,
                purchases,
                column_check(
                    schemas_loader.schema(schemas_loader.EVENT),
                    settings.mapping_options.custom_data_paths,
                    report.warn,
                ),
            )

        def send(events: Iterator[FoundEvent]) -> SendResult:
            if asked.dry_run:
                return count_only(events)
            return send_events(events, open_producer(settings, report.log_failed, stop.is_set), topic)

        with stop_on_signal(stop), progress("KiB") as bar:
            publishing = PublishRunner(judge, report, stop, reading(bar, opened))
            return publishing.publish(entries, send, strict=asked.strict)


def _publish_letters(asked: PublishRequest, settings: Settings, report: PublishReport) -> PublishSummary:
    validity = None if asked.raw else Recheck(settings.mapping_options, now_ms)
    stop = threading.Event()
    with (
        EventFile(asked.file, stop) as opened,
        open_replay_target(settings, asked.topic, "--topic") as way_back,
    ):
        _say_what_is_waited_for(asked.file)

        def entries() -> Iterable[Entry]:
            if asked.strict:
                opened.go_to_start()
            return opened.events(FileFormat.JSONL)

        def send(letters: Iterator[ReadyDeadLetter]) -> SendResult:
            if asked.dry_run:
                return count_only(letters)
            sending = ReplaySender(lambda on_failure: open_producer(settings, on_failure, stop.is_set))
            return send_dead_letters(letters, sending, report)

        judge = dead_letter_validator(way_back, validity, report)
        with stop_on_signal(stop), progress("KiB") as bar:
            publishing = PublishRunner(judge, report, stop, reading(bar, opened))
            return publishing.publish(entries, send, strict=asked.strict)


def _event_check(settings: Settings) -> EventCheck:
    return EventCheck(settings.mapping_options, schemas_loader.schema(schemas_loader.EVENT), now_ms)


def refuse_unknown(settings: Settings, topic: str) -> None:
    """Raise CannotGoOn for a topic that is not there: writing to it might create it, or wait for it."""
    if topic not in list_cluster(clients.admin_client(settings), settings).topics:
        raise CommandError(
            f"topic {topic} does not exist, or may not be seen: "
            "`capi-consumer topics create` makes the topics of the settings, and --topic names another"
        )


def _say_what_is_waited_for(file: str) -> None:
    if file == STANDARD_INPUT and sys.stdin.isatty():
        err.print("reading from the terminal; Ctrl-D ends it", markup=False)


def _say(done: PublishSummary, topic: str, asked: PublishRequest, *, as_json: bool) -> None:
    if done.is_interrupted or done.is_truncated:
        err.print(f"interrupted after {pluralize(done.read, 'event')}: the rest was not read", markup=False)
    elif asked.strict and done.read and done.invalid == done.read:
        err.print("nothing was published, as --strict asks", markup=False)
    becomes = "would be published" if asked.dry_run else "published"
    err.print(
        f"{pluralize(done.read, 'event')} read: {done.published:,} {becomes} to {topic}{_not_sent(done)}, "
        f"{done.invalid:,} left out, {done.failed:,} failed; {pluralize(done.warnings, 'warning')}",
        markup=False,
    )
    if as_json:
        out.print(orjson.dumps({**done.as_json(), "dry_run": asked.dry_run}).decode(), markup=False)


def _not_sent(done: PublishSummary) -> str:
    """` (of which 3 would be filtered: no_consent 3)`."""
    if not done.would_be_filtered:
        return ""
    reasons = ", ".join(f"{reason} {count:,}" for reason, count in done.would_be_filtered.most_common())
    return f" (of which {done.would_be_filtered.total():,} would be filtered: {reasons})"
