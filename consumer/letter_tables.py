"""
Dead letters as tables at a terminal.

Cells are text and never markup: an event's name may hold brackets.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from consumer.letter_view import LetterTally, LetterView

wide = Console(highlight=False, soft_wrap=True, width=500)


def tally_table(tally: LetterTally) -> Table:
    """Letters by reason and event name, most letters first."""
    table = _table("reason", "event name")
    table.add_column("letters", justify="right")
    for reason, name, count in tally.rows():
        table.add_row(Text(reason), Text(name), str(count))
    return table


def letters_table(letters: Sequence[LetterView]) -> Table:
    """One row a letter."""
    table = _table(
        "partition", "offset", "reason", "Meta code", "failed at (UTC)", "event name", "origin", "replays"
    )
    for letter in letters:
        cells = (
            str(letter.partition),
            str(letter.offset),
            letter.reason,
            letter.meta_code,
            _without_fractions(letter.failed_at),
            letter.event_name,
            letter.origin,
            str(letter.replay_count or ""),
        )
        table.add_row(*map(Text, cells))
    return table


def print_table(table: Table) -> None:
    """The table on standard output, as wide as it is: a terminal wraps it, a pipe takes it whole."""
    wide.print(table)


def _without_fractions(time: str) -> str:
    return time.partition(".")[0] if time.endswith("+00:00") else time


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, no_wrap=True, overflow="fold")
    return table
