"""
Dead letters as tables at a terminal.

Cells are text and never markup: an event's name may hold brackets. Nothing is
ever clipped, for a part of an offset is another offset. A letter has one line
where that fits, and always in a pipe; else its cells stand in two lines and
fold.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from consumer.console import out, print_whole, wide, width
from consumer.dead_letters.summary import DeadLetterTally, DeadLetterView
from consumer.domain.decision import INVALID_REASONS, Reason
from consumer.messages import REASONS, in_plain_text

KEPT = "The topic keeps its letters, replayed or not, until its retention ends."

# Left out where no row has anything in them.
DROPPED_WHEN_EMPTY = frozenset({"detail", "Meta code", "replays"})

# As the consumer writes it; a stranger's header may say anything.
FAILED_AT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00")


def tally_table(tally: DeadLetterTally) -> Table:
    """Letters by reason and event name, most letters first."""
    table = _table("reason", "event name")
    table.add_column("letters", justify="right", overflow="fold")
    for reason, name, count in tally.rows():
        table.add_row(Text(reason), Text(name), str(count))
    return table


def dead_letters_table(letters: Sequence[DeadLetterView], columns: int | None = None) -> Table:
    """The letters, for a terminal of so many `columns`; None: a pipe, with the year in the times."""
    if columns is None:
        return _in_one_line(letters, _without_fractions)
    table = _in_one_line(letters, _short)
    fits = wide.measure(table).maximum <= columns
    return table if fits else _in_two_lines(letters)


def print_tally(tally: DeadLetterTally) -> None:
    """The counts on standard output."""
    print_whole(tally_table(tally))


def what_to_do(tally: DeadLetterTally) -> dict[str, str]:
    """By reason, in the order of the tally; nothing for a word that is none of ours."""
    return {why: in_plain_text(REASONS[Reason(why)].do) for why in tally.reasons() if why in INVALID_REASONS}


def print_what_to_do(tally: DeadLetterTally) -> None:
    """One line for each reason, on standard output."""
    for why, do in what_to_do(tally).items():
        out.print(Text.assemble((why, "bold"), f": {do}"))


def print_dead_letters(letters: Sequence[DeadLetterView]) -> None:
    """The letters on standard output, as wide as that is."""
    print_whole(dead_letters_table(letters, width()))


def _in_one_line(letters: Sequence[DeadLetterView], time: Callable[[str], str]) -> Table:
    columns = {
        "partition": [str(letter.partition) for letter in letters],
        "offset": [str(letter.offset) for letter in letters],
        "reason": [letter.reason for letter in letters],
        "detail": [letter.detail for letter in letters],
        "Meta code": [letter.meta_code for letter in letters],
        "failed at (UTC)": [time(letter.failed_at) for letter in letters],
        "event name": [letter.event_name for letter in letters],
        "origin": [letter.origin for letter in letters],
        "replays": [str(letter.replay_count or "") for letter in letters],
    }
    shown = {name: cells for name, cells in columns.items() if any(cells) or name not in DROPPED_WHEN_EMPTY}
    table = _table(*shown)
    for cells in zip(*shown.values(), strict=True):
        table.add_row(*map(Text, cells))
    return table


def _in_two_lines(letters: Sequence[DeadLetterView]) -> Table:
    table = _table("letter", "failed at\n(UTC)", "reason\nevent name", "detail\norigin")
    for letter in letters:
        meta = f"Meta {letter.meta_code}" if letter.meta_code else ""
        replays = f"replays: {letter.replay_count}" if letter.replay_count else ""
        cells = (
            f"{letter.partition}/{letter.offset}",
            _short(letter.failed_at),
            f"{letter.reason}\n{letter.event_name}",
            "\n".join(filter(None, (letter.detail, meta, letter.origin, replays))),
        )
        table.add_row(*map(Text, cells))
    return table


def _without_fractions(time: str) -> str:
    return time.partition(".")[0] if time.endswith("+00:00") else time


def _short(time: str) -> str:
    """`2026-11-23T20:41:25.123+00:00` as `11-23 20:41:25`; what is no such time stays as it is."""
    return f"{time[5:10]} {time[11:19]}" if FAILED_AT.fullmatch(time) else time


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
