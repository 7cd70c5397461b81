"""
What a command is to typer, and a group of them: as it has them, but for flags in the help.

typer shows a type beside each option, `<bool>` beside a flag too, as if it
took a value.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from typer.core import TyperCommand, TyperGroup, TyperOption


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
