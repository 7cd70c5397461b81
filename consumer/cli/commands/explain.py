"""How `capi-consumer explain` is called."""

from __future__ import annotations

from typing import Annotated

import typer

from consumer.cli.options import AsJson, CsvEncoding, SettingsFile
from consumer.event_files.formats import STANDARD_INPUT, Encoding, FileFormat


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
