"""
A file of events, whatever its form: JSON lines, JSON, CSV; from a path or standard input.

The name decides where it ends in `.csv`, `.tsv`, `.jsonl` or `.ndjson`; else
the beginning does:

    [ ... that is not all of the first of several lines     JSON, an array
    { ... that goes on in the next line                     JSON, objects over several lines
    a header with event_name                                CSV
    anything else                                           JSON lines

How far a long work is, how fast it goes, and how long it still takes: a bar on standard error.

    1,024 read ━━━━━━━━━━╺━━━━━━━━━ 512/1024 KiB 2,043 events/s 0:00:01

Only where standard error is a terminal. It goes when the work is done: what
stays on the screen is the result.
"""

from __future__ import annotations

import io
import os
import select
import stat
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path

import orjson
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Column
from rich.text import Text

from consumer import errors
from consumer.console import err
from consumer.errors import CommandError, UsageError
from consumer.event_files.csv_columns import has_header, separator
from consumer.event_files.csv_events import PURCHASES, OnHeader, csv_events, unheard
from consumer.event_files.formats import STANDARD_INPUT, Encoding, FileFormat
from consumer.event_files.json_events import json_lines, json_values, raw_lines
from consumer.event_files.lines import BOM, CHUNK_BYTES, Entry, chunks, numbered_lines

# What is kept on disk of an input that cannot be read twice.
SPOOL_BYTES_MAX = 8 * 1024**3

# How soon a wish to stop is heard while an input says nothing.
WAIT_S = 0.2

BEGINNING_BYTES = 512  # a NUL among them: text in another encoding, an archive, a picture
UTF_16 = (b"\xff\xfe", b"\xfe\xff")
SPREADSHEET = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # of today (a ZIP archive), and of before 2007


SUFFIXES = {
    ".csv": FileFormat.CSV,
    ".tsv": FileFormat.CSV,
    ".jsonl": FileFormat.JSONL,
    ".ndjson": FileFormat.JSONL,
}


class Cancelled(Exception):
    """Somebody wants to stop while the file is being read: what was read last may be half a line."""


class TruncatedInput(CommandError):
    """A file that could be opened, and not be read to its end."""


class NoSuchFile(CommandError):
    """A file that cannot be opened."""

    exit_code = errors.EXIT_USAGE


class EventFile:
    """
    An open file of events. Use as a context manager.

    Its iterators raise Stopped once `stop` is set, also while they wait for
    an input that says nothing, and BrokenOff when it cannot be read further.
    """

    def __init__(self, name: str, stop: threading.Event | None = None) -> None:
        """`name` is a path, or `-` for standard input. Raises NoSuchFile."""
        self.name = name
        self.read_bytes = 0
        self._stop = stop or threading.Event()
        self._file = _opened(name)
        self._start = self._file.tell() if self._file.seekable() else 0

    def __enter__(self) -> EventFile:
        return self

    def __exit__(self, *_: object) -> None:
        if sys.stdin is None or self._file is not sys.stdin.buffer:
            self._file.close()

    @property
    def size_bytes(self) -> int | None:
        """How much there is to read; None for what has no end yet."""
        if not self._file.seekable():
            return None
        here = self._file.tell()
        try:
            end = self._file.seek(0, io.SEEK_END)
        except OSError:  # seekable, but not to an end: a device
            return None
        self._file.seek(here)
        return end - self._start

    def go_to_start(self) -> None:
        """
        Begin again, as often as wanted. What cannot be read twice is first kept in an unnamed file.

        Raises CannotGoOn when there is no room for it.
        """
        if not self._file.seekable():
            self._file = self._kept()
            self._start = 0
        self._file.seek(self._start)
        self.read_bytes = 0

    def _kept(self) -> io.BufferedIOBase:
        kept = tempfile.TemporaryFile()  # noqa: SIM115 - closed with this object
        for piece in self._counted():
            if self.read_bytes > SPOOL_BYTES_MAX:
                raise CommandError(
                    f"more than {SPOOL_BYTES_MAX // 1024**3} GiB from a pipe; give a file instead"
                )
            try:
                kept.write(piece)
            except OSError as error:
                raise CommandError(
                    f"the input cannot be kept on disk, to read it twice: {error.strerror}"
                ) from None
        return kept

    def raw(self) -> Iterator[Entry]:
        """Every line as it stands."""
        return raw_lines(numbered_lines(self._counted()))

    def events(
        self,
        form: FileFormat,
        encoding: Encoding = Encoding.UTF_8,
        purchases: frozenset[str] = PURCHASES,
        on_header: OnHeader = unheard,
    ) -> Iterator[Entry]:
        """
        The events, in order. The other arguments are for CSV: see `csv_events`.

        Raises CannotGoOn for a file that is nothing of the kind, BadCall for a spreadsheet.
        """
        pieces = self._counted()
        head = _head(pieces)
        if head.startswith(SPREADSHEET):
            raise UsageError(f"{self.name}: a spreadsheet file", "save it as CSV UTF-8")
        if head.startswith(UTF_16):
            raise CommandError(f"{self.name}: UTF-16; save the file as UTF-8")
        if b"\0" in head[:BEGINNING_BYTES]:
            raise CommandError(
                f"{self.name}: no text; a packed file is unpacked first, another saved as UTF-8"
            )
        if form is FileFormat.AUTO:
            form = SUFFIXES.get(Path(self.name).suffix.lower()) or detected(head)
        whole = chain((head,), pieces)
        if form is FileFormat.JSON:
            return json_values(whole)
        lines = numbered_lines(whole)
        if form is FileFormat.CSV:
            return csv_events(lines, encoding, purchases, on_header)
        return json_lines(lines)

    def _counted(self) -> Iterator[bytes]:
        pieces = chunks(self._file)
        while True:
            self._wait()
            try:
                piece = next(pieces, b"")
            except OSError as error:
                raise TruncatedInput(f"{self.name} cannot be read further: {error.strerror}") from None
            if not piece:
                return
            self.read_bytes += len(piece)
            yield piece

    def _wait(self) -> None:
        """Until something can be read."""
        is_ready = not _may_be_silent(self._file)
        while not is_ready and not self._stop.is_set():
            is_ready = bool(select.select([self._file], [], [], WAIT_S)[0])
        if self._stop.is_set():
            raise Cancelled


def detected(head: bytes) -> FileFormat:
    """The form of a file from its beginning, which holds its first line that is not blank."""
    text = head.removeprefix(BOM).lstrip()
    first, _, rest = text.partition(b"\n")
    first = first.strip()
    if first.startswith(b"["):
        return FileFormat.JSONL if _is_whole(first) and rest.lstrip() else FileFormat.JSON
    if first.startswith(b"{"):
        goes_on = not _is_whole(first) and first.endswith((b"{", b"[", b","))
        return FileFormat.JSON if goes_on else FileFormat.JSONL
    line = first.decode("utf-8", "replace")
    return FileFormat.CSV if separator(line) or has_header(line) else FileFormat.JSONL


def _is_whole(line: bytes) -> bool:
    try:
        orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    return True


def _head(pieces: Iterator[bytes]) -> bytes:
    """The first pieces, until they hold a whole line that is not blank."""
    head = b""
    for piece in pieces:
        head += piece
        if b"\n" in head.lstrip() or len(head) >= CHUNK_BYTES:
            break
    return head


def _may_be_silent(file: io.BufferedIOBase) -> bool:
    """A pipe or a terminal. A read from it would not hear of a signal until something comes."""
    try:
        kind = os.fstat(file.fileno()).st_mode
    except (OSError, ValueError):
        return False
    return not stat.S_ISREG(kind)


def _opened(name: str) -> io.BufferedIOBase:
    if name == STANDARD_INPUT:
        if sys.stdin is None:  # the shell's `<&-`
            raise NoSuchFile("standard input is closed")
        return sys.stdin.buffer  # type: ignore[return-value] # typeshed knows less than there is
    try:
        return Path(name).open("rb")
    except OSError as error:
        raise NoSuchFile(f"{name} cannot be read: {error.strerror}") from None


BAR_COLUMNS = 20
# Events between two looks at the progress bar.
STRIDE = 64


class Rate(ProgressColumn):
    """How many a second: of what the bar counts, or of `events` where it counts bytes of a file."""

    def __init__(self, unit: str) -> None:
        super().__init__(Column(no_wrap=True))
        self._unit = unit

    def render(self, task: Task) -> Text:
        """As rich asks for it; nothing before it is known."""
        events, elapsed_s = task.fields.get("events"), task.elapsed
        if events is not None:
            return Text(f"{events / elapsed_s:,.0f} events/s" if events and elapsed_s else "")
        speed = task.finished_speed or task.speed
        return Text(f"{speed:,.0f} {self._unit}/s" if speed else "")


def progress(unit: str, *, is_shown: bool = True) -> Progress:
    """A bar with count, rate and time left; nothing where standard error is no terminal."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(BAR_COLUMNS),
        MofNCompleteColumn(),
        TextColumn(unit),
        Rate(unit),
        TimeRemainingColumn(),
        console=err,
        transient=True,
        disable=not (is_shown and err.is_terminal),
    )


def reading(bar: Progress, opened: EventFile) -> Callable[[int], None]:
    """Shows a file in a bar of KiB as it is read; to be called with the number of events so far."""
    size = opened.size_bytes
    task = bar.add_task("reading", total=None if size is None else size // 1024, events=0)

    def show(read: int) -> None:
        if read % STRIDE == 0:
            bar.update(task, completed=opened.read_bytes // 1024, description=f"{read:,} read", events=read)

    return show
