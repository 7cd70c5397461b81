"""
The options that several commands have.

What a command is to typer, and a group of them: as it has them, but for flags in the help.

typer shows a type beside each option, `<bool>` beside a flag too, as if it
took a value.

What the shell completes without asking anybody: reasons of dead letters, and topics of the settings.

Names of commands, options, and words of a closed set are typer's business, and
where nothing is known the shell takes names of files. A completion that fails
completes nothing: it may write no word between what somebody is typing.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption

from consumer.domain.decision import INVALID_REASONS
from consumer.errors import SettingsError
from consumer.event_files.formats import Encoding

SettingsFile = Annotated[
    Path | None,
    typer.Option(
        "--settings",
        help="A TOML file of settings; the environment (CAPI_...) wins over it.",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable output on standard output.")]
CsvEncoding = Annotated[
    Encoding,
    typer.Option(
        "--encoding",
        help="How a CSV file is encoded: utf-8, windows-1252 (also called cp1252, latin1, iso-8859-1) "
        "or iso-8859-15.",
        metavar="NAME",
    ),
]


class Command(TyperCommand):
    """One command."""

    def get_params(self, ctx: Any) -> list[Any]:  # noqa: ANN401 - typer keeps the type to itself
        """Its options and arguments."""
        return list(_without_type(super().get_params(ctx)))


class CommandGroup(TyperGroup):
    """A command with commands below it."""

    def get_params(self, ctx: Any) -> list[Any]:  # noqa: ANN401 - as above
        """Its options."""
        return list(_without_type(super().get_params(ctx)))


def _without_type(parameters: Iterable[Any]) -> Iterable[Any]:
    for parameter in parameters:
        if isinstance(parameter, TyperOption) and parameter.is_flag:
            parameter.metavar = ""
        yield parameter


def reasons(incomplete: str) -> list[str]:
    """Of dead letters; the last of several between commas."""
    before, comma, word = incomplete.rpartition(",")
    return [f"{before}{comma}{reason}" for reason in sorted(INVALID_REASONS) if reason.startswith(word)]


def event_topics(ctx: typer.Context, incomplete: str) -> list[str]:
    """Of the settings in the environment, and in the file of `--settings` where one is named."""
    from consumer.config.loading import load_settings  # for this word alone: it takes most of the time

    try:
        settings = load_settings(file=_settings_file(ctx))
    except SettingsError:
        return []
    return [topic for topic in settings.topics if topic.startswith(incomplete)]


def _settings_file(ctx: typer.Context) -> Path | None:
    named = ctx.params.get("settings_file")
    return Path(named) if named else None
