"""How `capi-consumer run` is called."""

from __future__ import annotations

from typing import Annotated

import typer

from consumer.cli.options import SettingsFile

ReleaseBrake = Annotated[
    bool,
    typer.Option(
        "--resume",
        help="Start with the flood brake released: dead letters are written, however many, "
        "until 1,000 records in a row are no flood. SIGUSR1 does the same to a running one.",
    ),
]


def run(settings_file: SettingsFile = None, resume: ReleaseBrake = False) -> None:
    """
    Read the events topics and send to Meta until Ctrl-C or SIGTERM, which drain; a second one does not.

    When half of the last 1,000 records would be dead letters, it pauses
    (state `paused`) until SIGUSR1 or a restart releases it.
    """
    from consumer.runtime.app import run as do  # not before it is called

    do(settings_file, resume=resume)
