"""
`capi-consumer publish`: events from a file into the events topic.

What would only become a dead letter is left out and said; what is merely odd
is said and published. With `--strict` a file is published whole or not at all:
it is read twice, and what comes through a pipe is kept on disk meanwhile. With
`--raw` nothing is looked at: whatever stands on a line is published.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Annotated, NoReturn

import orjson
import typer
from rich.progress import Progress

from consumer import exits, kafka, resources
from consumer.asked_to_stop import asked_to_stop
from consumer.clock import now_ms
from consumer.cluster import list_cluster
from consumer.csv_events import PURCHASES
from consumer.csv_rows import Encoding
from consumer.event_checks import EventCheck
from consumer.event_files import STANDARD_INPUT, EventFile, FileFormat
from consumer.exits import CannotGoOn
from consumer.file_lines import Entry
from consumer.load_settings import load_settings
from consumer.producing import open_publisher
from consumer.publish_replay import publish_letters_of
from consumer.publish_report import Report
from consumer.publishing import Publishing, Sum
from consumer.settings import Settings
from consumer.terminal import AsJson, SettingsFile, err, out, progress

File = Annotated[
    str,
    typer.Argument(help="JSON lines, a JSON array, or CSV. `-`: standard input.", metavar="FILE|-"),
]
Topic = Annotated[
    str | None,
    typer.Option(help="Where to. Default: the first of CAPI_TOPICS.", metavar="TOPIC", show_default=False),
]
Strict = Annotated[
    bool, typer.Option("--strict", help="If one event must be left out, publish none of them.")
]
Raw = Annotated[bool, typer.Option("--raw", help="Publish every line as it stands, without any check.")]
Replay = Annotated[
    bool,
    typer.Option(
        "--replay",
        help="FILE holds exported dead letters, mended: each goes back to the topic it came from.",
    ),
]
Form = Annotated[FileFormat, typer.Option("--format", help="What the file holds.")]
CsvEncoding = Annotated[Encoding, typer.Option("--encoding", help="How a CSV file is encoded.")]

# Events between two looks at the progress bar.
STRIDE = 64


def publish(
    file: File = STANDARD_INPUT,
    topic: Topic = None,
    strict: Strict = False,
    raw: Raw = False,
    replay: Replay = False,
    form: Form = FileFormat.AUTO,
    encoding: CsvEncoding = Encoding.UTF_8,
    as_json: AsJson = False,
    settings_file: SettingsFile = None,
) -> None:
    """
    Publish events from a file to the events topic, keyed by user id.

    With --replay: dead letters that were exported and mended, to the topics
    they came from. Those that are still invalid are left out.

    Exit code 0 when every event was published, 1 when one was left out or
    not delivered.
    """
    if raw and (strict or form not in (FileFormat.AUTO, FileFormat.JSONL)):
        raise typer.BadParameter(
            "--raw takes lines as they stand: it goes with neither --strict nor --format"
        )
    if replay and form is not FileFormat.AUTO:
        raise typer.BadParameter(
            "--replay reads what `dead-letters export` wrote: it does not go with --format"
        )
    settings = load_settings(file=settings_file)
    report = Report()
    if replay:
        done = publish_letters_of(file, settings, report, to=topic, strict=strict, raw=raw)
        _end(done, topic or "the topics they came from", strict=strict, as_json=as_json)
    to = topic or settings.topics[0]
    check = None if raw else EventCheck(settings.rules, resources.schema(resources.EVENT), now_ms)
    with asked_to_stop() as stop, EventFile(file, stop) as opened, progress("KiB") as bar:

        def entries() -> Iterable[Entry]:
            if strict:
                opened.go_to_start()
            return opened.raw() if raw else opened.events(form, encoding, purchase_names(settings))

        refuse_unknown(settings, to)
        _say_what_is_waited_for(file)
        publishing = Publishing(check, report, stop, _shown_in(bar, opened))
        if not strict or publishing.check_all(entries):
            publishing.send_all(entries, open_publisher(settings, report.failed, stop.is_set), to)
    report.close()
    _end(publishing.sum, to, strict=strict, as_json=as_json)


def purchase_names(settings: Settings) -> frozenset[str]:
    """The event names that are sent as a Purchase, whose lines in a CSV file are joined."""
    return PURCHASES | {name for name, mapped in settings.event_names.items() if mapped == "Purchase"}


def refuse_unknown(settings: Settings, topic: str) -> None:
    """Raise CannotGoOn for a topic that is not there: writing to it might create it, or wait for it."""
    if topic not in list_cluster(kafka.admin_client(settings), settings).topics:
        raise CannotGoOn(
            f"topic {topic} does not exist, or may not be seen: "
            "`capi-consumer topics create` makes the topics of the settings, and --topic names another"
        )


def _shown_in(bar: Progress, opened: EventFile) -> Callable[[int], None]:
    size = opened.size_bytes
    task = bar.add_task("reading", total=None if size is None else size // 1024)

    def show(read: int) -> None:
        if read % STRIDE == 0:
            bar.update(task, completed=opened.read_bytes // 1024, description=f"{read:,} events")

    return show


def _say_what_is_waited_for(file: str) -> None:
    if file == STANDARD_INPUT and sys.stdin.isatty():
        err.print("reading events from the terminal; Ctrl-D ends them", markup=False)


def _end(done: Sum, topic: str, *, strict: bool, as_json: bool) -> NoReturn:
    _say(done, topic, strict=strict, as_json=as_json)
    raise typer.Exit(exits.OK if done.is_all else exits.NOT_ALL)


def _say(done: Sum, topic: str, *, strict: bool, as_json: bool) -> None:
    if done.is_interrupted:
        err.print(f"interrupted after {done.read:,} events: the rest was not read", markup=False)
    elif strict and done.read and done.left_out == done.read:
        err.print("nothing was published, as --strict asks", markup=False)
    err.print(
        f"{done.read:,} events read: {done.published:,} published to {topic}, {done.left_out:,} left out, "
        f"{done.failed:,} failed; {done.warnings:,} warnings",
        markup=False,
    )
    if as_json:
        out.print(orjson.dumps(done.as_json()).decode(), markup=False)
