"""
Events in a CSV file: one a line, and a purchase over as many neighbouring lines as it has items.

    event_name;id;amount;consent_categories;items.*.product.id
    purchase  ;A7;12,50 ;1|3               ;sku-1               ┐ one event, with two items
              ;A7;      ;3|4               ;sku-2               ┘ and the consent of both: 3
    page_view ;  ;      ;3                 ;

Cells are text and stay text; an empty one is absent. Lines are counted as an
editor counts them, also where a quoted cell runs over several. A bad line costs
its own event, but all of it: half a purchase is never published, and a
purchase with a hole in its lines is one purchase, not two.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping

from consumer.errors import CommandError
from consumer.event_files.csv_assembly import PurchaseRows
from consumer.event_files.csv_columns import BadHeader, Header, read_header, separator
from consumer.event_files.csv_rows import CsvRow, not_encoded, rows
from consumer.event_files.formats import Encoding
from consumer.event_files.lines import BOM, Entry, Line, Unreadable
from consumer.mapping.tables import EVENT_NAMES, PURCHASE

PURCHASES = frozenset({PURCHASE, *(name for name, mapped in EVENT_NAMES.items() if mapped == PURCHASE)})
# Rows that cannot be read and may belong to the purchase before them.
HELD_ROWS_MAX = 100

# Hears of the header: its line, and the names of the columns.
OnHeader = Callable[[int, Collection[str]], None]


def purchase_names(event_names: Mapping[str, str]) -> frozenset[str]:
    """Which events are sent as a Purchase, by the setting's names too: their lines are joined."""
    return PURCHASES | {name for name, mapped in event_names.items() if mapped == PURCHASE}


def unheard(_line: int, _names: Collection[str]) -> None:
    """Nobody wants to know the columns."""


def csv_events(
    lines: Iterator[Line],
    encoding: Encoding = Encoding.UTF_8,
    purchases: frozenset[str] = PURCHASES,
    on_header: OnHeader = unheard,
) -> Iterator[Entry]:
    """
    The events of a CSV file. `purchases` are the event names whose lines are joined by `id`.

    Raises CannotGoOn for a header that cannot be used.
    """
    header, line = _header(lines, encoding)
    on_header(line, header.places.keys())
    current: PurchaseRows | None = None
    held: list[CsvRow] = []
    for row in rows(lines, header.delimiter, encoding, line):
        if current is not None and row.cells is None and current.is_open and len(held) < HELD_ROWS_MAX:
            held.append(row)
        elif current is not None and current.continues_in(row):
            current.append_row(row)
            for damaged in held:
                current.reject(damaged, damaged.trouble)
            held = []
        else:
            yield from _ended(current, held)
            current, held = PurchaseRows(header, row, purchases), []
    yield from _ended(current, held)


def _ended(current: PurchaseRows | None, held: list[CsvRow]) -> Iterator[Entry]:
    if current is not None:
        yield current.entry()
    for row in held:
        yield Unreadable(row.line, row.last_line, row.trouble)


def _header(lines: Iterator[Line], encoding: Encoding) -> tuple[Header, int]:
    """The header and its line: the first that is neither blank nor names a separator."""
    named: str | None = None
    for line in lines:
        text = _header_text(line, encoding)
        if not text.strip():
            continue
        if named is None and (named := separator(text)):
            continue
        try:
            return read_header(text, named), line.number
        except BadHeader as reason:
            raise CommandError(f"line {line.number}: {reason}") from None
    raise CommandError("the file has no header; its first line must name the columns, event_name among them")


def _header_text(line: Line, encoding: Encoding) -> str:
    raw = line.content.removeprefix(BOM) if line.number == 1 else line.content
    try:
        return raw.decode(encoding.codec)
    except UnicodeDecodeError:
        raise CommandError(f"line {line.number}: {not_encoded(encoding)}") from None
