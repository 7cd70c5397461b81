"""
What the shell completes without asking anybody: reasons of dead letters, and topics of the settings.

Names of commands, options, and words of a closed set are typer's business, and
where nothing is known the shell takes names of files. A completion that fails
completes nothing: it may write no word between what somebody is typing.
"""

from __future__ import annotations

from pathlib import Path

import typer

from consumer.domain.decision import INVALID_REASONS
from consumer.errors import SettingsError


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
