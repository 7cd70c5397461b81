"""
`capi-consumer explain`: what would become of these events, without Kafka and without Meta.

    {"event_name": "purchase", ...}        one event a line
    → {"decision": "deliverable", "reason": null, "payload": {...}, "notes": [...]}

It decides with the settings of its environment, as `run` does, so a line here
is what `run` would send, or why it would not. Each line counts as a record:
topic `stdin`, partition 0, offset = line from 0, timestamp = now.
"""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, NamedTuple, cast

import orjson
import typer

from consumer.core.decide import decide
from consumer.core.decision import Decision, Deliverable, Filtered
from consumer.core.hashing import BatchHasher
from consumer.core.record import Partition, Record
from consumer.core.rules import Rules
from consumer.core.trail import Sources
from consumer.explain_view import Tally, block
from consumer.file_lines import BOM, chunks, numbered_lines
from consumer.load_settings import load_settings
from consumer.terminal import AsJson, SettingsFile, out

STANDARD_INPUT = "-"
STDIN = Partition("stdin", 0)
LINES_A_HASHER = 500  # as many as a batch of `run`; what it remembers is personal, and forgotten with it


class Explained(NamedTuple):
    """One line: what is decided about it, and where each Meta key's value came from."""

    offset: int
    decision: Decision
    sources: Sources


def explain(
    file: Annotated[
        str,
        typer.Argument(
            help="Events, one JSON object a line; standard input without it.",
            metavar="FILE",
            show_default=False,
        ),
    ] = STANDARD_INPUT,
    as_json: AsJson = False,
    now: Annotated[
        str | None,
        typer.Option(
            "--now",
            help="Decide as if it were this time, such as 2026-01-31T12:00:00Z.",
            metavar="ISO8601",
            show_default=False,
        ),
    ] = None,
    settings_file: SettingsFile = None,
) -> None:
    """Show what Meta would get for each event, or why it would not get it."""
    now_ms = time.time_ns() // 1_000_000 if now is None else _unix_ms(now)
    rules = load_settings(file=settings_file).rules
    with _opened(file) as opened:
        lines = (line.content for line in numbered_lines(chunks(opened)))
        if as_json:
            _print_json(explain_lines(lines, rules, now_ms))
        else:
            _print_blocks(explained(lines, rules, now_ms))


def explain_lines(lines: Iterable[bytes], rules: Rules, now_ms: int) -> Iterator[dict[str, Any]]:
    """One row a line, in order: decision, reason, payload (None unless deliverable) and notes."""
    return (_row(one.decision) for one in explained(lines, rules, now_ms))


def explained(lines: Iterable[bytes], rules: Rules, now_ms: int) -> Iterator[Explained]:
    """
    The decision about each line, without a byte order mark before the first.

    A line may bring its end, LF or CRLF: white space to JSON.
    """
    hasher = BatchHasher()
    for offset, line in enumerate(lines):
        if offset % LINES_A_HASHER == 0:
            hasher = BatchHasher()
        value = line.removeprefix(BOM) if offset == 0 else line
        sources: Sources = {}
        decision = decide(Record(STDIN, offset, now_ms, value), rules, hasher, now_ms, sources)
        yield Explained(offset, decision, sources)


def _row(decision: Decision) -> dict[str, Any]:
    notes = [{"field": note.field, "note": note.note} for note in decision.notes]
    if isinstance(decision, Deliverable):
        payload = orjson.loads(decision.payload)
        return {"decision": "deliverable", "reason": None, "payload": payload, "notes": notes}
    word = "filtered" if isinstance(decision, Filtered) else "invalid"
    return {"decision": word, "reason": decision.reason, "payload": None, "notes": notes}


def _print_json(rows: Iterable[dict[str, Any]]) -> None:
    for row in rows:
        sys.stdout.buffer.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
        sys.stdout.buffer.flush()  # somebody may be typing events


def _print_blocks(each: Iterable[Explained]) -> None:
    tally = Tally()
    for one in each:
        tally.add(one.decision)
        out.print(block(one.offset + 1, one.decision, one.sources))
    if tally.total > 1:
        out.print(tally.line(), markup=False)


def _unix_ms(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise typer.BadParameter("a date and time such as 2026-01-31T12:00:00Z", param_hint="--now") from None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int(aware.timestamp() * 1000)


def _opened(file: str) -> AbstractContextManager[io.BufferedIOBase]:
    if file == STANDARD_INPUT:
        return nullcontext(cast(io.BufferedIOBase, sys.stdin.buffer))
    try:
        return Path(file).open("rb")
    except OSError as error:
        raise typer.BadParameter(f"cannot be read: {error.strerror}", param_hint="FILE") from None
