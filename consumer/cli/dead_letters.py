"""
`capi-consumer dead-letters list` and `export` at work: looking at dead letters without touching them.

The list shows why, when and from where, and nobody's data. The export is the
opposite: the records to the byte, personal data and all, for a person to mend
and to publish again (`publish --replay`).
"""

from __future__ import annotations

import heapq
import os
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import orjson
import typer
from confluent_kafka import KafkaException

from consumer import errors
from consumer.config.loading import load_settings
from consumer.config.settings import Settings
from consumer.console import err, out, pluralize
from consumer.dead_letters.filters import Filter
from consumer.dead_letters.jsonl import to_line
from consumer.dead_letters.reader import DeadLetterReader, open_dead_letters
from consumer.dead_letters.summary import DeadLetterTally, DeadLetterView, view
from consumer.dead_letters.tables import KEPT, print_dead_letters, print_tally, print_what_to_do, what_to_do
from consumer.domain.record import Record
from consumer.errors import CommandError, UsageError
from consumer.event_files.event_files import progress
from consumer.kafka import clients

STANDARD_OUTPUT = "-"
WARNING = (
    "warning: this holds personal data in clear: "
    "keep it where only you can read it, and delete it when you are done"
)


def list_letters(
    chosen: Filter, settings_file: Path | None, *, parked: bool, limit: int, as_json: bool
) -> None:
    """Count the letters that are meant, and show the latest of them."""
    settings = load_settings(file=settings_file)
    tally = DeadLetterTally()
    with open_dead_letters(settings, is_parked=parked) as letters:
        meant = Meant(chosen, _with_a_bar(letters, settings, "reading"))
        views = _viewed(meant, tally)
        latest = sorted(heapq.nlargest(limit, views, key=_age), key=_age)
        deque(views, maxlen=0)  # with no row to show, the letters are still to be counted
    if as_json:
        out.print(orjson.dumps(_listed(letters.topic, meant, tally, latest)).decode(), markup=False)
        return
    if tally.total:
        print_tally(tally)
    if latest:
        print_dead_letters(latest)
    rows = f"; the latest {len(latest)} are shown (--limit)" if len(latest) < tally.total else ""
    out.print(f"{pluralize(tally.total, 'letter')} in {letters.topic}{meant.beside()}{rows}", markup=False)
    if tally.total:
        out.print(KEPT, markup=False)
        print_what_to_do(tally)


def export_letters(
    chosen: Filter, settings_file: Path | None, *, parked: bool, file: str | None, as_json: bool
) -> None:
    """Write the letters that are meant, to the byte."""
    if as_json and file in (None, STANDARD_OUTPUT):
        raise UsageError("--json tells on standard output what is in a file", "name the file with --out")
    if file is None and sys.stdout.isatty():
        raise UsageError(
            "this would show personal data on the screen: name a file with --out, or say --out -"
        )
    settings = load_settings(file=settings_file)
    count = 0
    try:
        with (
            open_dead_letters(settings, is_parked=parked) as letters,
            _written_to(file or STANDARD_OUTPUT) as target,
        ):
            err.print(WARNING, markup=False)
            on_screen = target is sys.stdout.buffer and sys.stdout.isatty()
            meant = Meant(chosen, _with_a_bar(letters, settings, "exporting", is_shown=not on_screen))
            for record in meant:
                target.write(to_line(record))
                count += 1
    except KeyboardInterrupt:
        err.print(f"interrupted after {pluralize(count, 'letter')}: the rest is missing", markup=False)
        raise typer.Exit(errors.EXIT_INTERRUPTED) from None
    err.print(f"{pluralize(count, 'letter')} of {letters.topic} exported{meant.beside()}", markup=False)
    if as_json:
        told = {
            "topic": letters.topic,
            "file": file,
            "filters": chosen.as_json(),
            "letters": count,
            "not_matched": meant.not_matched,
        }
        out.print(orjson.dumps(told).decode(), markup=False)


class Meant:
    """Of some letters those that a filter means, and how many it does not."""

    def __init__(self, chosen: Filter, letters: Iterable[Record]) -> None:
        self.filter = chosen
        self.not_matched = 0
        self._letters = letters

    def __iter__(self) -> Iterator[Record]:
        """Those that match."""
        for record in self._letters:
            if self.filter.matches(record):
                yield record
            else:
                self.not_matched += 1

    def beside(self) -> str:
        """What to add to a count; nothing where there is no filter."""
        return "" if self.filter.is_empty else f"; {self.not_matched} not matched"


def _viewed(letters: Iterable[Record], tally: DeadLetterTally) -> Iterator[DeadLetterView]:
    for record in letters:
        tally.count(record)
        yield view(record)


def _age(letter: DeadLetterView) -> tuple[str, int, int]:
    """By time of failure, which is text that sorts as time."""
    return letter.failed_at, letter.partition, letter.offset


def _listed(
    topic: str, meant: Meant, tally: DeadLetterTally, latest: list[DeadLetterView]
) -> dict[str, object]:
    return {
        "topic": topic,
        "filters": meant.filter.as_json(),
        "letters": tally.total,
        "not_matched": meant.not_matched,
        "counts": tally.as_json(),
        "what_to_do": what_to_do(tally),
        "rows": [row._asdict() for row in latest],
    }


def _with_a_bar(
    letters: DeadLetterReader, settings: Settings, doing: str, *, is_shown: bool = True
) -> Iterator[Record]:
    """Every letter, with a progress bar."""
    with progress("offsets", is_shown=is_shown) as bar:
        task = bar.add_task(doing, total=letters.offsets_total)
        try:
            for record in letters:
                yield record
                bar.update(task, completed=letters.offsets_passed)
        except KafkaException as error:
            raise clients.cannot_reach(settings, error) from None


@contextmanager
def _written_to(file: str) -> Iterator[BinaryIO]:
    """The file, new and for its owner's eyes, or standard output."""
    if file == STANDARD_OUTPUT:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise CommandError(f"{file} exists: name another file, or delete it first") from None
    except OSError as error:
        raise CommandError(f"{file} cannot be written ({error.strerror})") from None
    with os.fdopen(descriptor, "wb") as target:
        yield target
