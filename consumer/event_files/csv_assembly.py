"""
One event out of the rows it stands on.

    column with `*`          one place in its list for each row
    consent_categories       what all rows that say something agree on
    any other column         the first cell that is not empty

A row without consent categories says nothing about them, as an empty cell says
nothing about anything: spreadsheets often fill what belongs to the order only
in its first line. Rows that agree on nothing give the empty list, which is no
consent.
"""

from __future__ import annotations

import re
from typing import Any

import orjson

from consumer.event_files.csv_columns import EVENT_NAME, ID, PLACE_MAX, Column, CsvRow, Header
from consumer.event_files.lines import Entry, FileWarning, FoundEvent, Unreadable
from consumer.mapping.rules import Path

ROWS_MAX = 10_000
DIFFERS = "differs between the lines of this purchase; the first one is taken"
NAMELESS = "a cell in a column without a name is left out"
TOO_MANY_CELLS = "more cells than the header has columns"
TOO_MANY_ROWS = f"more than {ROWS_MAX:,} lines with one id"


class PurchaseRows:
    """An event being put together. `purchases` are the event names whose rows are joined by `id`."""

    def __init__(self, header: Header, row: CsvRow, purchases: frozenset[str]) -> None:
        self._header = header
        self._name = _cell(header, row, EVENT_NAME)
        self._order = _cell(header, row, ID) if self._name in purchases else ""
        self._line = row.line
        self._rows = 0
        self._first: dict[Column, str] = {}
        self._places: list[tuple[Path, str]] = []
        self._consents: dict[Column, list[str]] = {}
        self._remarks: set[FileWarning] = set()
        self._trouble = ""
        self.append_row(row)

    @property
    def is_open(self) -> bool:
        """Whether more rows may follow."""
        return bool(self._order)

    def continues_in(self, row: CsvRow) -> bool:
        """Whether a row belongs to this event: the purchase's id, and its name or none."""
        return (
            self.is_open
            and _cell(self._header, row, ID) == self._order
            and _cell(self._header, row, EVENT_NAME) in ("", self._name)
        )

    def append_row(self, row: CsvRow) -> None:
        """Take in one row."""
        self._rows += 1
        self._last_line = row.last_line
        trouble = row.trouble or (TOO_MANY_ROWS if self._rows > ROWS_MAX else self._overflow(row))
        if trouble:
            self.reject(row, trouble)
        if self._trouble:
            return
        for place, text in enumerate(row.cells or ()):
            if text.strip():
                self._put(place, text)

    def reject(self, row: CsvRow, trouble: str) -> None:
        """Give the event up: one of its rows is not to be trusted."""
        self._trouble = self._trouble or (trouble if self._rows == 1 else f"line {row.line}: {trouble}")
        self._places.clear()

    def entry(self) -> Entry:
        """The event as it stands, or why there is none."""
        if self._trouble:
            return Unreadable(self._line, self._last_line, self._trouble)
        tree: dict[str | int, Any] = {}
        for column, value in [*self._first.items(), *self._consents.items()]:
            _put(tree, column.path, value)
        for path, text in self._places:
            _put(tree, path, text)
        event = orjson.dumps(_listed(tree))
        return FoundEvent(self._line, self._last_line, event, tuple(sorted(self._remarks)))

    def _overflow(self, row: CsvRow) -> str:
        return TOO_MANY_CELLS if any(cell.strip() for cell in (row.cells or [])[self._header.cells :]) else ""

    def _put(self, place: int, text: str) -> None:
        column = self._header.columns.get(place)
        if column is None:
            self._remarks.add(FileWarning(f"column {place + 1}", NAMELESS))
        elif column.within is not None:
            self._places.append(((*column.path, PLACE_MAX + self._rows, *column.within), text))
        elif column.is_consent:
            ids = [part.strip() for part in re.split(r"[|,]", text) if part.strip()]
            before = self._consents.setdefault(column, ids)
            self._consents[column] = [one for one in before if one in ids]
        elif self._first.setdefault(column, text) != text:
            self._remarks.add(FileWarning(column.name, DIFFERS))


def _cell(header: Header, row: CsvRow, name: str) -> str:
    place = header.places.get(name)
    if place is None or row.cells is None or place >= len(row.cells):
        return ""
    return row.cells[place].strip()


def _put(tree: dict[str | int, Any], path: Path, value: object) -> None:
    for step in path[:-1]:
        tree = tree.setdefault(step, {})
    tree[path[-1]] = value


def _listed(node: Any) -> Any:  # noqa: ANN401 - a tree of objects, lists and text
    """Objects whose keys are places become lists; a place that nothing was put in is no element."""
    if not isinstance(node, dict):
        return node
    if node and all(isinstance(step, int) for step in node):
        return [_listed(node[place]) for place in sorted(node)]
    return {step: _listed(value) for step, value in node.items()}
