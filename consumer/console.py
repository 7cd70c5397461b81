"""
Where output goes: results to standard output, all that is said to the person to standard error.

So results can be piped, and progress, warnings and mistakes are seen. Colour only
on a terminal; `NO_COLOR` is obeyed by rich.

A number of things, as a person reads it.
"""

from __future__ import annotations

from rich.console import Console, RenderableType
from rich.text import Text

out = Console(highlight=False, soft_wrap=True)
wide = Console(highlight=False, soft_wrap=True, width=1000)  # for a pipe, where a row is a line
err = Console(stderr=True, highlight=False, soft_wrap=True)


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


def pluralize(number: int, noun: str) -> str:
    """`1 event`, `2,000 events`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
