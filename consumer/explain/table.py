"""
A decision as a table, for a terminal or a pipe.

    line 1  deliverable  Purchase

    Meta key       from         normalised        sent      note
    ─────────────────────────────────────────────────────────────
    user_data.em   user.email   xxx@xxxxxxx.xxx   71d4f5…

One line a key where that fits, and always in a pipe; on a narrower terminal a
key stands over its source and a normalised text over what is sent. Text of an
event is never markup, and never moves the cursor.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from rich import box
from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from consumer.console import pluralize, wide
from consumer.domain.decision import Deliverable, Filtered
from consumer.explain.rows import Explained, Row, full_key, rows
from consumer.explain.words import why_not
from consumer.mapping.rules import MatchRule

KEY, SOURCE, SENT, NOTE = "Meta key", "from", "sent", "note"
NORMALISED, MASKED = "normalised", "normalised, masked"
STYLES = {SOURCE: "dim", NOTE: "yellow"}


class DecisionTally:
    """How many events there were, by what is decided about them, and which values they lost."""

    def __init__(self) -> None:
        self._ends: Counter[str] = Counter()
        self._lost: Counter[tuple[str, str]] = Counter()

    def count(self, one: Explained) -> None:
        """Count one."""
        decision = one.decision
        self._ends["deliverable" if isinstance(decision, Deliverable) else decision.reason] += 1
        self._lost.update((full_key(note.field), note.code) for note in dict.fromkeys(decision.warnings))

    @property
    def total(self) -> int:
        """All of them."""
        return self._ends.total()

    def lines(self) -> list[str]:
        """`12 events: 9 deliverable, 3 no_consent`, and what was lost in how many of them."""
        said = [f"{pluralize(self.total, 'event')}: {_listed(self._ends.most_common())}"]
        if self._lost:
            lost = [(f"{field} {word}", count) for (field, word), count in self._lost.most_common()]
            said.append(f"notes: {_listed(lost)}")
        return said


def lines(one: Explained, rule: MatchRule, *, show_values: bool = False) -> str:
    """
    One event for a pipe: its decision, then a line for each Meta key, as wide as it is.

    `rule` is the one that was decided by: what is missing of it is said. Not made
    by rich, which takes some ten times as long for a table, and a file may
    hold a hundred thousand.
    """
    heading = _heading(one, rule).plain
    columns = _columns(rows(one, show_values=show_values), show_values)
    if not columns:
        return f"{heading}\n\n"
    widths = [max(map(cell_len, (name, *cells))) for name, cells in columns.items()]
    table = ["  ".join("─" * width for width in widths)]
    for cells in (tuple(columns), *zip(*columns.values(), strict=True)):
        padded = (cell + " " * (width - cell_len(cell)) for cell, width in zip(cells, widths, strict=True))
        table.append("  ".join(padded).rstrip())
    table[:2] = table[1::-1]  # the names of the columns stand over the rule
    return "\n".join([heading, "", *(f" {line}" for line in table), ""]) + "\n"


def block(one: Explained, rule: MatchRule, width: int, *, show_values: bool = False) -> RenderableType:
    """The same for a terminal of `width` columns."""
    heading = _heading(one, rule)
    found = rows(one, show_values=show_values)
    if not found:
        return Group(heading, Text())
    table = _table(_styled(_columns(found, show_values)))
    if wide.measure(table).maximum > width:
        table = _table(_in_two_lines(found, show_values))
    return Group(heading, table)


def _heading(one: Explained, rule: MatchRule) -> Text:
    decision = one.decision
    if isinstance(decision, Deliverable):
        event = f"{decision.event_label}; {one.says}" if one.says else decision.event_label
        return Text.assemble(f"line {one.line}  ", ("deliverable", "green"), f"  {event}")
    word, style = ("filtered", "yellow") if isinstance(decision, Filtered) else ("invalid", "red")
    why = one.says or why_not(decision, one.sources, rule)
    return Text.assemble(f"line {one.line}  ", (word, style), f"  {decision.reason}: {why}")


def _columns(found: Sequence[Row], show_values: bool) -> dict[str, list[str]]:
    """Title -> cells, harmless on any terminal. Without the columns that say nothing."""
    columns = {
        KEY: [_harmless(row.key) for row in found],
        SOURCE: [_harmless(row.source) for row in found],
        _title(show_values): [_harmless(row.normalised) for row in found],
        SENT: [_harmless(row.sent) for row in found],
        NOTE: [_harmless(row.notes) for row in found],
    }
    return {name: cells for name, cells in columns.items() if any(cells)}


def _styled(columns: Mapping[str, Sequence[str]]) -> dict[str, list[Text]]:
    return {name: [Text(cell, STYLES.get(name, "")) for cell in cells] for name, cells in columns.items()}


def _in_two_lines(found: Sequence[Row], show_values: bool) -> dict[str, list[Text]]:
    """A key over its source, a normalised text over what is sent."""
    columns = _styled(_columns(found, show_values))
    nothing = [Text()] * len(found)
    pairs = ((KEY, SOURCE), (_title(show_values), SENT))
    stacked = {
        "\n".join(name for name in pair if name in columns): [
            Text("\n").join(filter(None, cells))
            for cells in zip(*(columns.get(name, nothing) for name in pair), strict=True)
        ]
        for pair in pairs
    }
    notes = {NOTE: columns[NOTE]} if NOTE in columns else {}
    return {name: cells for name, cells in {**stacked, **notes}.items() if name}


def _title(show_values: bool) -> str:
    return NORMALISED if show_values else MASKED


def _table(columns: Mapping[str, Sequence[Text]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in columns:
        table.add_column(name, overflow="fold")
    for cells in zip(*columns.values(), strict=True):
        table.add_row(*cells)
    return table


def _harmless(text: str) -> str:
    """Text as it is when it moves no cursor, else as JSON in ASCII."""
    return text if text.isprintable() else json.dumps(text)


def _listed(counts: Iterable[tuple[str, int]]) -> str:
    return ", ".join(f"{count} {what}" for what, count in counts)
