"""
A file of events in pieces: chunks as they come, lines with their numbers, and what readers make of them.

    file → chunks → lines → entries

Nothing here holds more than one line. A line that is longer than any event can
be is skipped, not held; its number stays its own.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import NamedTuple

BOM = b"\xef\xbb\xbf"
CHUNK_BYTES = 64 * 1024
# Far above what a topic takes (1 MiB by default), far below what hurts.
LINE_BYTES_MAX = 16 * 1024 * 1024


class Line(NamedTuple):
    """A line with its end (LF or CRLF), the first being 1. `raw` is None where it is too long to be held."""

    number: int
    raw: bytes | None

    @property
    def content(self) -> bytes:
        """The line without its end."""
        return (self.raw or b"").removesuffix(b"\n").removesuffix(b"\r")


class FileWarning(NamedTuple):
    """Something odd that a reader saw: a field of the file, by its name, and what is odd."""

    field: str
    says: str


class FoundEvent(NamedTuple):
    """The bytes of one event, and the lines it stood on."""

    line: int
    last_line: int
    value: bytes
    remarks: tuple[FileWarning, ...] = ()


class Unreadable(NamedTuple):
    """Lines from which no event can be read, and why; never what stands there."""

    line: int
    last_line: int
    says: str


Entry = FoundEvent | Unreadable

TOO_LONG = f"longer than {LINE_BYTES_MAX // 1024**2} MiB"


def chunks(file: io.BufferedIOBase) -> Iterator[bytes]:
    """What is there, as soon as it is there."""
    while chunk := file.read1(CHUNK_BYTES):
        yield chunk


def numbered_lines(pieces: Iterator[bytes]) -> Iterator[Line]:
    """The lines of a file. What follows the last line end is a line only when it holds something."""
    number, rest, is_skipping = 0, b"", False
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        for raw in whole:
            number += 1
            yield Line(number, None if is_skipping or len(raw) > LINE_BYTES_MAX else raw + b"\n")
            is_skipping = False
        if len(rest) > LINE_BYTES_MAX:
            rest, is_skipping = b"", True
    if rest or is_skipping:
        yield Line(number + 1, None if is_skipping else rest)
