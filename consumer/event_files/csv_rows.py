"""
The rows of a CSV file, with the lines they stand on.

A row is one line, or several where a quoted cell holds line ends. A row that
cannot be read is a row all the same, with what is wrong, so that whoever joins
rows to events knows that something stood there.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import NamedTuple

from consumer.event_files.formats import Encoding
from consumer.event_files.lines import TOO_LONG, Line


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
