"""
Events in JSON: one on each line, or a JSON array, or objects one after another over many lines.

The bytes of an event are handed on as they stand; nothing is parsed and
written again, so no number is rounded and no key is lost. An array is cut at
the commas between its elements by counting brackets outside strings:

    [ {"a": "]"} , {"b": [1, 2]} ]
    1 2       1    2     3    2  1 0      depth

so that a file of any size is read in the memory of one event, and a broken
event costs itself only, as far as its brackets allow.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from consumer.event_files.lines import BOM, LINE_BYTES_MAX, TOO_LONG, Entry, FoundEvent, Line, Unreadable

# A whole string, or a mark. A quote alone is a string that goes on in the next chunk.
TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+"|["\[\]{},]', re.DOTALL)


def json_lines(lines: Iterator[Line]) -> Iterator[Entry]:
    """One event on each line. Blank lines are no events; a byte order mark is taken off."""
    for line in lines:
        content = line.content.removeprefix(BOM) if line.number == 1 else line.content
        if line.raw is None:
            yield Unreadable(line.number, line.number, TOO_LONG)
        elif content.strip():
            yield FoundEvent(line.number, line.number, content)


def raw_lines(lines: Iterator[Line]) -> Iterator[Entry]:
    """Every line as it stands, blank ones too, without its end."""
    for line in lines:
        if line.raw is None:
            yield Unreadable(line.number, line.number, TOO_LONG)
        else:
            yield FoundEvent(line.number, line.number, line.content)


def json_values(pieces: Iterator[bytes]) -> Iterator[Entry]:
    """The elements of one JSON array, or the JSON objects of a file that begins with none."""
    cutter = _Cutter()
    for piece in pieces:
        yield from cutter.feed(piece)
        if cutter.is_lost:
            return
    yield from cutter.close()


class _Cutter:
    """Cuts JSON text into values. `begin` is where the next value's text starts in what is held."""

    def __init__(self) -> None:
        self.is_lost = False
        self._held = b""
        self._begin = 0
        self._seen = 0
        self._line = 1
        self._depth = 0
        self._in_array: bool | None = None
        self._is_over = False

    def feed(self, piece: bytes) -> Iterator[Entry]:
        self._held = self._held[self._begin :] + piece
        self._seen -= self._begin
        self._begin = 0
        if self._in_array is None and not self._decide_kind():
            return
        yield from self._cut()
        if len(self._held) - self._begin > LINE_BYTES_MAX:
            self.is_lost = True
            yield Unreadable(self._line, self._line, f"{TOO_LONG}; what follows is not read")

    def close(self) -> Iterator[Entry]:
        rest = self._held[self._begin :]
        line = self._line + _leading_lines(rest)
        if self._in_array and not self._is_over:
            yield Unreadable(line, line + rest.strip().count(b"\n"), "the array does not end")
        elif rest.strip():
            says = "text after the end of the array" if self._is_over else "a JSON value that does not end"
            yield Unreadable(line, line + rest.strip().count(b"\n"), says)

    def _decide_kind(self) -> bool:
        """Whether it is an array shows at the first byte that is no space."""
        text = self._held.removeprefix(BOM)
        if BOM.startswith(self._held) or not text.strip():
            return False
        self._held = text
        self._in_array = text.lstrip().startswith(b"[")
        return True

    def _cut(self) -> Iterator[Entry]:
        for token in TOKEN.finditer(self._held, self._seen):
            mark = token[0]
            if mark == b'"':
                self._seen = token.start()
                return
            if self._is_over:
                break
            if mark in b"[{":
                self._depth += 1
                if self._in_array and self._depth == 1:
                    self._take(token.end())
            elif mark == b"}" and self._in_array and self._depth == 1:
                continue  # one brace too many: the array's own bracket is another
            elif mark in b"]}":
                self._depth = max(self._depth - 1, 0)
                yield from self._close_bracket(token.start(), token.end())
            elif mark == b"," and self._in_array and self._depth == 1:
                yield self._value(token.start(), token.end())
        self._seen = len(self._held)

    def _close_bracket(self, start: int, end: int) -> Iterator[Entry]:
        if self._depth:
            return
        if not self._in_array:
            yield self._value(end, end)
            return
        self._is_over = True
        if self._held[self._begin : start].strip():
            yield self._value(start, end)
        else:
            self._take(end)

    def _value(self, end: int, next_begin: int) -> Entry:
        """The value up to `end`; the next one begins at `next_begin`."""
        text = self._held[self._begin : end]
        line = self._line + _leading_lines(text)
        self._take(next_begin)
        value = text.strip()
        if not value:
            return Unreadable(line, line, "nothing between two commas")
        return FoundEvent(line, line + value.count(b"\n"), value)

    def _take(self, end: int) -> None:
        self._line += self._held.count(b"\n", self._begin, end)
        self._begin = end


def _leading_lines(text: bytes) -> int:
    return text[: len(text) - len(text.lstrip())].count(b"\n")
