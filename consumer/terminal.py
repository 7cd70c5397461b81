"""
What every command shares at the terminal: where output goes, and the options all of them take.

Results go to standard output, so that they can be piped; everything said to
the person (progress, warnings, mistakes) goes to standard error. Colour only
on a terminal; `NO_COLOR` is obeyed by rich.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console, RenderableType
from rich.text import Text

out = Console(highlight=False, soft_wrap=True)
wide = Console(highlight=False, soft_wrap=True, width=1000)  # for a pipe, where a row is a line
err = Console(stderr=True, highlight=False, soft_wrap=True)

SettingsFile = Annotated[
    Path | None,
    typer.Option(
        "--settings",
        help="A TOML file of settings; the environment (CAPI_...) wins over it.",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable output on standard output.")]


def print_whole(shown: RenderableType) -> None:
    """On standard output: folded to a terminal's width, in a pipe a row a line, as wide as it is."""
    if out.is_terminal:
        out.print(shown, soft_wrap=False)
        return
    with wide.capture() as printed:
        wide.print(shown)
    for line in printed.get().splitlines():
        out.print(Text(line.rstrip()))


def width() -> int | None:
    """Columns of the terminal; None when standard output is none."""
    return out.width if out.is_terminal else None
