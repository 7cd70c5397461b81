"""How `capi-consumer publish` is called."""

from __future__ import annotations

from typing import Annotated

import typer

from consumer.cli.completion import event_topics
from consumer.cli.options import AsJson, CsvEncoding, SettingsFile
from consumer.event_files.formats import STANDARD_INPUT, Encoding, FileFormat

File = Annotated[
    str,
    typer.Argument(help="JSON lines, a JSON array, or CSV. `-`: standard input.", metavar="FILE|-"),
]
Topic = Annotated[
    str | None,
    typer.Option(
        help="Where to. Default: the first of CAPI_TOPICS.",
        metavar="TOPIC",
        show_default=False,
        autocompletion=event_topics,
    ),
]
Strict = Annotated[
    bool, typer.Option("--strict", help="If one event must be left out, publish none of them.")
]
Raw = Annotated[
    bool,
    typer.Option(
        "--raw",
        help="Publish every line as it stands, unchecked; with --replay, every letter that can go back.",
    ),
]
Replay = Annotated[
    bool,
    typer.Option(
        "--replay",
        help="FILE holds exported dead letters, mended: each goes back to the topic it came from.",
    ),
]
Form = Annotated[FileFormat, typer.Option("--format", help="What the file holds.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Look at everything, publish nothing.")]


def publish(
    file: File = STANDARD_INPUT,
    topic: Topic = None,
    strict: Strict = False,
    raw: Raw = False,
    replay: Replay = False,
    dry_run: DryRun = False,
    form: Form = FileFormat.AUTO,
    encoding: CsvEncoding = Encoding.UTF_8,
    as_json: AsJson = False,
    settings_file: SettingsFile = None,
) -> None:
    """
    Publish events from a file to the events topic, keyed by user id.

    With --replay: dead letters that were exported and mended, to the topics
    they came from. Those that are still invalid are left out.
    """
    from consumer.publish.command import PublishRequest  # not before it is called
    from consumer.publish.command import publish as do

    asked = PublishRequest(file, topic, strict, raw, dry_run)
    do(asked, settings_file, replay=replay, form=form, encoding=encoding, as_json=as_json)
