"""
How `capi-consumer publish` is called.

How `capi-consumer explain` is called.
"""

from __future__ import annotations

from typing import Annotated

import typer

from consumer.cli.options import AsJson, CsvEncoding, SettingsFile, event_topics
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


def explain(
    file: Annotated[
        str,
        typer.Argument(
            help="Events, one JSON object a line; or CSV or a JSON array. Standard input without it.",
            metavar="FILE",
            show_default=False,
        ),
    ] = STANDARD_INPUT,
    as_json: AsJson = False,
    now: Annotated[
        str | None,
        typer.Option(
            "--now",
            help="Decide as if it were this time, such as 2026-01-31T12:00:00Z.",
            metavar="ISO8601",
            show_default=False,
        ),
    ] = None,
    form: Annotated[
        FileFormat,
        typer.Option(
            "--format",
            help="What the file holds. auto: as its name says (.csv, .tsv, .json), else an event a line.",
        ),
    ] = FileFormat.AUTO,
    encoding: CsvEncoding = Encoding.UTF_8,
    show_values: Annotated[
        bool,
        typer.Option("--show-values", help="Show personal values and whole digests, not only their shape."),
    ] = False,
    settings_file: SettingsFile = None,
) -> None:
    """
    Show what Meta would get for each event, or why it would not get it.

    Needs neither Kafka nor Meta. It decides with the settings of the
    environment (CAPI_...) and of --settings, as `run` does. An event is a
    line; a file named .json or .csv is read as such. What `dead-letters
    export` has written is explained as well, with each event's first place
    and time.

    Personal values are shown as their shape, digests by their first digits.
    With --json each answer is a line with decision, reason, payload (exactly
    what would be sent, so keep it private) and notes. Reasons and notes are
    explained in docs/reasons.md. The exit code is 0 whatever is decided.
    """
    from consumer.explain.command import explain as do  # not before it is called

    do(
        file,
        settings_file,
        now=now,
        form=form,
        encoding=encoding,
        show_values=show_values,
        as_json=as_json,
    )
