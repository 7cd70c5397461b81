"""
What the header of a CSV file says: which cell of a line goes where in the event.

    event_name;id;user.email;consent_categories;items.*.product.id;items.0.name
    └ a path from the root of the event, its steps separated by dots
      a number is a place in a list; `*` is a new place for each line

The header is trusted to hold names only when `event_name` is one of them: else
the first line may be an event, and nothing of it is shown to anybody.

The rows of a CSV file, with the lines they stand on.

A row is one line, or several where a quoted cell holds line ends. A row that
cannot be read is a row all the same, with what is wrong, so that whoever joins
rows to events knows that something stood there.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from consumer.event_files.formats import Encoding
from consumer.event_files.lines import TOO_LONG, Line
from consumer.mapping.rules import Path, parse_path

DELIMITERS = (",", ";", "\t")
EVENT_NAME = "event_name"
ID = "id"
CONSENT = "consent_categories"
NEW = "*"
PLACE_MAX = 999

# Some spreadsheets write their delimiter into a line of its own.
SEPARATOR_LINE = re.compile(r'"?sep=([,;\t])"?\s*')


class BadHeader(Exception):
    """A first line that cannot be used as a header; the message shows no cell that may be a value."""


class Column(NamedTuple):
    """
    One column: its name and its path.

    `within` is the path inside one element for a column with `*`; `path` is
    then the path of the list.
    """

    name: str
    path: Path
    within: Path | None = None

    @property
    def is_consent(self) -> bool:
        """Whether the cells hold consent categories."""
        return self.within is None and self.path[-1] == CONSENT


class Header(NamedTuple):
    """The columns that have a name, by their place in the line; their places by name; all cells there are."""

    columns: Mapping[int, Column]
    places: Mapping[str, int]
    cells: int
    delimiter: str


def separator(line: str) -> str | None:
    """The delimiter that a line names, as in `sep=;`; None for any other line."""
    found = SEPARATOR_LINE.fullmatch(line)
    return found[1] if found else None


def read_header(line: str, delimiter: str | None = None) -> Header:
    """
    The header in a line. Raises BadHeader.

    Unless it is given, the delimiter is the one that makes `event_name` a
    column, and of several the one that makes the most columns.
    """
    read = {mark: _cells(line, mark) for mark in ((delimiter,) if delimiter else DELIMITERS)}
    fitting = [mark for mark, cells in read.items() if EVENT_NAME in cells]
    if not fitting:
        raise BadHeader(
            "no column event_name; the first line must name the columns, separated by comma, semicolon or tab"
        )
    best = max(fitting, key=lambda mark: len(read[mark]))
    columns = _columns(read[best])
    places = {column.name: place for place, column in columns.items()}
    return Header(columns, places, len(read[best]), best)


def _cells(line: str, delimiter: str) -> list[str]:
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter))]
    except csv.Error:
        raise BadHeader(
            "no header; if the line ends are of an old kind (CR alone), save the file anew"
        ) from None


def has_header(line: str) -> bool:
    """Whether a line looks like the header of a CSV file of events."""
    return any(EVENT_NAME in [cell.strip(' "') for cell in line.strip().split(mark)] for mark in DELIMITERS)


def _columns(cells: Sequence[str]) -> dict[int, Column]:
    twice = [name for name, count in Counter(cells).items() if name and count > 1]
    if twice:
        raise BadHeader(f"two columns have the name {twice[0]}")
    columns = {place: _column(name) for place, name in enumerate(cells) if name}
    _refuse_conflicts(columns.values())
    return columns


def _column(name: str) -> Column:
    try:
        path = parse_path(name)
    except ValueError:
        raise BadHeader(f"column {name}: a name is words separated by single dots") from None
    if not isinstance(path[0], str) or path[0] == NEW:
        raise BadHeader(f"column {name}: a name begins with a word")
    if any(isinstance(step, int) and step > PLACE_MAX for step in path):
        raise BadHeader(f"column {name}: a place in a list is at most {PLACE_MAX}")
    if path.count(NEW) > 1:
        raise BadHeader(f"column {name}: one * is enough")
    if NEW not in path:
        return Column(name, path)
    cut = path.index(NEW)
    return Column(name, path[:cut], path[cut + 1 :])


def _refuse_conflicts(columns: Iterable[Column]) -> None:
    """No path may be both a value and a place for others, nor both a list and an object."""
    leaves: dict[Path, str] = {}
    kinds: dict[Path, bool] = {}
    for column in columns:
        path = (*column.path, *(() if column.within is None else (NEW, *column.within)))
        leaves[path] = column.name
        for depth in range(1, len(path)):
            is_list = isinstance(path[depth], int) or path[depth] == NEW
            if kinds.setdefault(path[:depth], is_list) != is_list:
                raise BadHeader(
                    f"column {column.name}: another column makes a list an object, or an object a list"
                )
    for path, name in leaves.items():
        if path in kinds:
            raise BadHeader(f"column {name}: another column lies inside it")


class CsvRow(NamedTuple):
    """The cells of one row, None where they cannot be told apart; `trouble` is empty for a good row."""

    line: int
    last_line: int
    cells: list[str] | None
    trouble: str = ""


# What the csv module says, and what a person does about it.
OPEN_QUOTE = "a quote is opened and not closed"
LONG_CELL = f"a cell of more than {csv.field_size_limit() // 1024} KiB, or {OPEN_QUOTE}"
STRAY_QUOTE = "a quote inside a quoted cell must be doubled"


def rows(lines: Iterator[Line], delimiter: str, encoding: Encoding, header_line: int) -> Iterator[CsvRow]:
    """The rows below the header, blank lines left out."""
    texts = _Texts(lines, encoding)
    reader = csv.reader(texts, delimiter=delimiter, strict=True)
    before = 0
    while True:
        cells, trouble = None, ""
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            trouble = _explained(error)
        line, last_line = header_line + before + 1, header_line + reader.line_num
        before = reader.line_num
        trouble = texts.take_trouble() or trouble
        if trouble or (cells and any(cell.strip() for cell in cells)):
            yield CsvRow(line, last_line, cells or None, trouble)


class _Texts:
    """Lines as text for the csv module. What is wrong with a line is kept until its row is there."""

    def __init__(self, lines: Iterator[Line], encoding: Encoding) -> None:
        self._lines = lines
        self._encoding = encoding
        self._trouble = ""

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            if line.raw is None:
                self._trouble = self._trouble or TOO_LONG
            yield self._text(line.raw or b"\n")

    def _text(self, raw: bytes) -> str:
        try:
            return raw.decode(self._encoding.codec)
        except UnicodeDecodeError:
            self._trouble = self._trouble or not_encoded(self._encoding)
            return raw.decode(self._encoding.codec, "replace")

    def take_trouble(self) -> str:
        trouble, self._trouble = self._trouble, ""
        return trouble


def not_encoded(encoding: Encoding) -> str:
    """What to say of bytes that are no text, and what to do."""
    if encoding is Encoding.UTF_8:
        return "not UTF-8; save the file as UTF-8, or say --encoding windows-1252 if it is that"
    return f"not {encoding}"


def _explained(error: csv.Error) -> str:
    says = str(error)
    if "field limit" in says:
        return LONG_CELL
    if "unexpected end" in says:
        return OPEN_QUOTE
    return STRAY_QUOTE if "expected after" in says else "a line end of an old kind (CR alone)"
