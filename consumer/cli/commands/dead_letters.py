"""How `capi-consumer dead-letters list` and `export` are called."""

from __future__ import annotations

from typing import Annotated

import typer

from consumer.cli.filter_options import takes_filter
from consumer.cli.help_examples import epilog
from consumer.cli.options import AsJson, SettingsFile
from consumer.cli.typer_classes import Command, CommandGroup
from consumer.dead_letters.filters import Filter

ROWS = 20

app = typer.Typer(cls=CommandGroup, help="Look at the dead-letter topic.", no_args_is_help=True)

Limit = Annotated[int, typer.Option(help="Rows to show, the latest ones.", min=0, max=100_000, metavar="N")]
Out = Annotated[
    str | None,
    typer.Option(
        "--out",
        help="The file to write; it must not exist. `-`: standard output, as without it, "
        "but on a terminal too.",
        metavar="FILE",
        show_default=False,
    ),
]

Parked = Annotated[
    bool, typer.Option("--parked", help="Look into CAPI_PARKING_TOPIC: letters that came back too often.")
]


@app.command("list", cls=Command, epilog=epilog("dead-letters list"))
@takes_filter
def list_letters(
    chosen: Filter,
    parked: Parked = False,
    limit: Limit = ROWS,
    as_json: AsJson = False,
    settings_file: SettingsFile = None,
) -> None:
    """
    Count dead letters by reason and event name, show the latest ones, and say what to do for each reason.

    No personal value is shown.
    """
    from consumer.cli.dead_letters import list_letters as do  # not before it is called

    do(chosen, settings_file, parked=parked, limit=limit, as_json=as_json)


@app.command("export", cls=Command, epilog=epilog("dead-letters export"))
@takes_filter
def export_letters(
    chosen: Filter,
    parked: Parked = False,
    file: Out = None,
    as_json: AsJson = False,
    settings_file: SettingsFile = None,
) -> None:
    """
    Write dead letters as JSON lines, to the byte, for mending and `publish --replay`.

    The file holds personal data in clear; it is made readable for its owner only.
    With --json the count is told as JSON on standard output.
    """
    from consumer.cli.dead_letters import export_letters as do  # not before it is called

    do(chosen, settings_file, parked=parked, file=file, as_json=as_json)
