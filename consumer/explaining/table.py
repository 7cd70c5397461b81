"""
A decision as a table, for a terminal or a pipe.

    line 1  deliverable  Purchase

    Meta key       from         normalised        sent      lost
    ─────────────────────────────────────────────────────────────
    user_data.em   user.email   xxx@xxxxxxx.xxx   71d4f5…

One line a key where that fits, and always in a pipe; on a narrower terminal a
key stands over its source and a normalised text over what is sent. Text of an
event is never markup, and never moves the cursor.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from consumer.core.decision import Deliverable, Filtered
from consumer.core.rules import MatchRule
from consumer.explaining.rows import Explained, Row, full_key, rows
from consumer.explaining.words import why_not
from consumer.terminal import wide

NORMALISED, MASKED = "normalised", "normalised, masked"
LOST = "lost"


class Tally:
    """How many events there were, by what is decided about them, and which values they lost."""

    def __init__(self) -> None:
        self._ends: Counter[str] = Counter()
        self._lost: Counter[tuple[str, str]] = Counter()

    def add(self, one: Explained) -> None:
        """Count one."""
        decision = one.decision
        self._ends["deliverable" if isinstance(decision, Deliverable) else decision.reason] += 1
        self._lost.update((full_key(note.field), note.word) for note in dict.fromkeys(decision.notes))

    @property
    def total(self) -> int:
        """All of them."""
        return self._ends.total()

    def lines(self) -> list[str]:
        """`12 events: 9 deliverable, 3 no_consent`, and what was lost in how many of them."""
        said = [f"{self.total} event{'' if self.total == 1 else 's'}: {_listed(self._ends.most_common())}"]
        if self._lost:
            lost = [(f"{field} {word}", count) for (field, word), count in self._lost.most_common()]
            said.append(f"{LOST}: {_listed(lost)}")
        return said


def block(
    one: Explained, rule: MatchRule, *, show_values: bool = False, width: int | None = None
) -> RenderableType:
    """
    One event: its decision, then a row for each Meta key.

    `rule` is the one that was decided by: what is missing of it is said.
    `width` is the terminal's, None for a pipe.
    """
    heading = _heading(one, rule)
    found = rows(one, show_values=show_values)
    if not found:
        return Group(heading, Text())
    table = _in_one_line(found, show_values)
    if width is not None and wide.measure(table).maximum > width:
        table = _in_two_lines(found, show_values)
    return Group(heading, table)


def _heading(one: Explained, rule: MatchRule) -> Text:
    decision = one.decision
    if isinstance(decision, Deliverable):
        return Text.assemble(f"line {one.line}  ", ("deliverable", "green"), f"  {decision.event_label}")
    word, style = ("filtered", "yellow") if isinstance(decision, Filtered) else ("invalid", "red")
    why = why_not(decision, one.sources, rule)
    return Text.assemble(f"line {one.line}  ", (word, style), f"  {decision.reason}: {why}")


def _in_one_line(found: Sequence[Row], show_values: bool) -> Table:
    columns = {
        "Meta key": [_plain(row.key) for row in found],
        "from": [_plain(row.source, "dim") for row in found],
        _title(show_values): [_plain(row.normalised) for row in found],
        "sent": [_plain(row.sent) for row in found],
        LOST: [_plain(row.notes, "yellow") for row in found],
    }
    return _table({name: cells for name, cells in columns.items() if any(cells)})


def _in_two_lines(found: Sequence[Row], show_values: bool) -> Table:
    columns = {
        "Meta key\nfrom": [_stacked(_plain(row.key), _plain(row.source, "dim")) for row in found],
        f"{_title(show_values)}\nsent": [_stacked(_plain(row.normalised), _plain(row.sent)) for row in found],
        LOST: [_plain(row.notes, "yellow") for row in found],
    }
    return _table({name: cells for name, cells in columns.items() if any(cells)})


def _title(show_values: bool) -> str:
    return NORMALISED if show_values else MASKED


def _table(columns: dict[str, list[Text]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in columns:
        table.add_column(name, overflow="fold")
    for cells in zip(*columns.values(), strict=True):
        table.add_row(*cells)
    return table


def _stacked(*texts: Text) -> Text:
    return Text("\n").join(text for text in texts if text)


def _plain(text: str, style: str = "") -> Text:
    """Text as it is when it is harmless, else as JSON in ASCII."""
    return Text(text if text.isprintable() else json.dumps(text), style)


def _listed(counted: Iterable[tuple[str, int]]) -> str:
    return ", ".join(f"{count} {what}" for what, count in counted)
