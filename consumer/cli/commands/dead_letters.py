"""
How `capi-consumer dead-letters list` and `export` are called.

How `capi-consumer replay` is called.
"""

from __future__ import annotations

from typing import Annotated

import typer

from consumer.cli.filter_options import takes_filter
from consumer.cli.help_examples import epilog
from consumer.cli.options import AsJson, Command, CommandGroup, SettingsFile, event_topics
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
    bool,
    typer.Option("--parking-topic", help="Read CAPI_PARKING_TOPIC: events that were replayed too often."),
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


MAX_REPLAYS = 5

DryRun = Annotated[bool, typer.Option("--dry-run", help="Count what would go back; write nothing.")]
To = Annotated[
    str | None,
    typer.Option(
        help="Send everything to this topic instead of each letter's origin. It must exist.",
        metavar="TOPIC",
        show_default=False,
        autocompletion=event_topics,
    ),
]
Rate = Annotated[
    float | None, typer.Option(help="Letters a second, at most.", min=0.001, metavar="N", show_default=False)
]
ReplayLimit = Annotated[
    int | None,
    typer.Option(help="Stop after this many letters that match.", min=1, metavar="N", show_default=False),
]
MaxReplays = Annotated[
    int,
    typer.Option(
        help="Letters that have come back so often go to CAPI_PARKING_TOPIC instead.", min=0, metavar="N"
    ),
]
IncludeOld = Annotated[
    bool, typer.Option("--include-old", help="Send events too that are too old for Meta by now.")
]
Group = Annotated[
    str | None,
    typer.Option(
        help="The group whose committed offsets are the progress. Default: CAPI_GROUP_ID, `.replay`, "
        "and what the filters, --include-old and --to add.",
        metavar="G",
        show_default=False,
    ),
]


@takes_filter
def replay(
    chosen: Filter,
    dry_run: DryRun = False,
    to: To = None,
    rate: Rate = None,
    limit: ReplayLimit = None,
    max_replays: MaxReplays = MAX_REPLAYS,
    include_old: IncludeOld = False,
    group: Group = None,
    as_json: AsJson = False,
    settings_file: SettingsFile = None,
) -> None:
    """
    Send dead letters back to the topics they came from.

    Each letter once for each filter: the progress is the committed offset of
    a group that only this filter has, so a replay can be stopped, even
    killed, and run again, and letters that one filter leaves out are there
    for the next. It goes up to the end of the dead-letter topic as it is at
    start. Filters can be given more than once or with commas; a letter has
    to match one of each kind.

    --to another topic is another replay, of all that match. --include-old is
    one too, of those that were left out as too old and those that are left.

    Letters go back unchanged, and fail again unless the cause was mended
    elsewhere: in the settings, at Meta, in this program. To mend the letters
    themselves, use `dead-letters export` and `publish --replay`.

    A letter from a topic that is not in CAPI_TOPICS stops it, unless --to
    says where everything goes. What can never go back is left out and
    counted, and so is what Meta takes no more: which that is, the settings
    of `run` say, so give the same ones.
    """
    from consumer.cli.replay import replay as do  # not before it is called

    do(
        chosen,
        settings_file,
        dry_run=dry_run,
        to=to,
        rate=rate,
        limit=limit,
        max_replays=max_replays,
        include_old=include_old,
        group=group,
        as_json=as_json,
    )
