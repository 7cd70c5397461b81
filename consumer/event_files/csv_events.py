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

Which columns of a CSV file nothing reads, and what was probably meant.

    email           did you mean user.email?
    usr.firstname   did you mean user.firstname?
    value           read
    loyalty.tier    read, when one of the user's own paths (a setting) leads there

An unknown property is no mistake in an event, which may have other readers. A
column is typed by hand for this file, so one that nothing reads is worth a word.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher, get_close_matches
from typing import Any

from consumer.errors import CommandError
from consumer.event_files.csv_assembly import PurchaseRows
from consumer.event_files.csv_columns import (
    NEW,
    BadHeader,
    CsvRow,
    Header,
    not_encoded,
    read_header,
    rows,
    separator,
)
from consumer.event_files.formats import Encoding
from consumer.event_files.lines import BOM, Entry, FileWarning, Line, Unreadable
from consumer.mapping.rules import Path, parse_path
from consumer.mapping.tables import EVENT_NAMES, EVENT_OBJECTS, KEY_OF_PATH, PURCHASE

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


FACEBOOK = "integrations.facebook."
# Below these anything may stand, or a list.
OPEN = tuple(f"{FACEBOOK}{key}." for key in ("custom_data", "data_processing_options", *EVENT_OBJECTS))
HARMLESS = re.compile(r"[A-Za-z0-9_.*-]{1,100}")
LIKENESS = 0.75


def column_check(
    schema: Mapping[str, Any],
    custom_data_paths: Mapping[str, Collection[Path]],
    warn: Callable[[int, int, FileWarning], None],
) -> OnHeader:
    """What a reader of CSV tells the header to: `warn` hears of each column that nothing reads."""

    def check(line: int, names: Collection[str]) -> None:
        for remark in find_unknown_columns(names, schema, custom_data_paths):
            warn(line, line, remark)

    return check


def find_unknown_columns(
    names: Iterable[str], schema: Mapping[str, Any], custom_data_paths: Mapping[str, Collection[Path]]
) -> Iterator[FileWarning]:
    """One remark for each column by whose name nothing is read, with the likeliest path when there is one."""
    for name, meant in unknown_columns(names, schema, custom_data_paths):
        shown = name if HARMLESS.fullmatch(name) else "with a name of other signs"
        hint = f"; did you mean {meant}?" if meant else ""
        yield FileWarning(f"column {shown}", f"nothing reads it{hint}")


def unknown_columns(
    names: Iterable[str], schema: Mapping[str, Any], custom_data_paths: Mapping[str, Collection[Path]]
) -> Iterator[tuple[str, str | None]]:
    """The names, as dotted paths, that nothing reads, each with the likeliest path that is read."""
    known = {*KEY_OF_PATH, *_paths(schema, ())}
    own = [_dotted(path) for paths in custom_data_paths.values() for path in paths]
    typed = [path for path in _paths(schema, ()) if not path.startswith(FACEBOOK)]
    for name in names:
        path = _dotted(parse_path(name))
        if path.removesuffix(f".{NEW}") in known or path.startswith(OPEN) or _is_below(path, own):
            continue
        yield name, nearest(path, typed)


def nearest(path: str, known: Sequence[str]) -> str | None:
    """The known path most alike: of those with the same last step, else as a whole or by the last step."""
    whole, step = _plain(path), _plain(_last(path))
    same = [one for one in known if _plain(_last(one)) == step]
    if same:
        return max(same, key=lambda one: SequenceMatcher(None, whole, _plain(one)).ratio())
    for word, part in ((whole, str), (step, _last)):
        among = {_plain(part(one)): one for one in reversed(known)}  # the first of two wins
        if close := get_close_matches(word, among, 1, LIKENESS):
            return among[close[0]]
    return None


def _paths(schema: Mapping[str, Any], before: Path) -> Iterator[str]:
    for name, inner in schema.get("properties", {}).items():
        yield _dotted((*before, name))
        yield from _paths(inner, (*before, name))
    if isinstance(items := schema.get("items"), dict):
        yield from _paths(items, (*before, NEW))


def _dotted(path: Path) -> str:
    """A path with every place of a list as `*`."""
    return ".".join(NEW if isinstance(step, int) else step for step in path)


def _is_below(path: str, own: Iterable[str]) -> bool:
    return any(path == one or path.startswith(f"{one}.") for one in own)


def _last(path: str) -> str:
    return path.rpartition(".")[2]


def _plain(name: str) -> str:
    return re.sub(r"[_-]", "", name.lower())
