"""How `capi-consumer topics create` and `list` are called."""

from __future__ import annotations

from typing import Annotated

import typer

from consumer.cli.help_examples import epilog
from consumer.cli.options import AsJson, Command, CommandGroup, SettingsFile

PARTITIONS = 6
EVENT_HOURS = 7 * 24
LETTER_HOURS = 30 * 24

app = typer.Typer(cls=CommandGroup, help="Make and look at the topics of the settings.", no_args_is_help=True)

Partitions = Annotated[int, typer.Option(help="Partitions of each topic.", min=1, max=10_000, metavar="N")]
Replicas = Annotated[
    int | None,
    typer.Option(
        "--replication-factor",
        help="Copies of each partition. Default: 3, or as many as there are brokers.",
        min=1,
        max=100,
        metavar="N",
        show_default=False,
    ),
]
EventHours = Annotated[
    int, typer.Option("--retention-hours", help="How long events are kept.", min=1, metavar="H")
]
LetterHours = Annotated[
    int,
    typer.Option(
        "--dead-letter-retention-hours",
        help="How long dead letters are kept, parked or not.",
        min=1,
        metavar="H",
    ),
]


@app.command("create", cls=Command, epilog=epilog("topics create"))
def create(
    partitions: Partitions = PARTITIONS,
    replication_factor: Replicas = None,
    retention_hours: EventHours = EVENT_HOURS,
    dead_letter_retention_hours: LetterHours = LETTER_HOURS,
    as_json: AsJson = False,
    settings_file: SettingsFile = None,
) -> None:
    """
    Create the topics of CAPI_TOPICS, CAPI_DEAD_LETTER_TOPIC and CAPI_PARKING_TOPIC.

    Those that exist are left as they are.
    """
    from consumer.cli.topics import create as do  # not before it is called

    do(
        settings_file,
        partitions=partitions,
        replication_factor=replication_factor,
        event_hours=retention_hours,
        letter_hours=dead_letter_retention_hours,
        as_json=as_json,
    )


@app.command("list", cls=Command, epilog=epilog("topics list"))
def list_topics(as_json: AsJson = False, settings_file: SettingsFile = None) -> None:
    """
    Show the topics of the settings: partitions, replicas, how long and how much they keep.

    The parking topic is none of those that `run` needs.
    """
    from consumer.cli.topics import list_topics as do  # not before it is called

    do(settings_file, as_json=as_json)
