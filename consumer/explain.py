"""
`capi-consumer explain`: what would become of these events, without Kafka and without Meta.

    {"event_name": "purchase", ...}        one event a line
    → {"decision": "deliverable", "reason": null, "payload": {...}, "notes": [...]}

It decides with the settings of its environment, as `run` does, so a line here
is what `run` would send, or why it would not. Every line has its answer, a
blank one too; only a file that is named as CSV or JSON, or said to be, is read
as `publish` reads it, event by event. Each entry counts as a record: topic
`stdin`, partition 0, offset = entry from 0, timestamp = now.

With `--json` an answer is one line, for programs. For a person it is a table,
key by key: where the value came from, what was hashed, what is sent.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from consumer.core.decide import decide
from consumer.core.decision import Decision, Deliverable, Filtered, Invalid, Reason
from consumer.core.record import Partition, Record
from consumer.core.rules import MatchRule, Rules
from consumer.core.trail import Sources
from consumer.explaining.reading import ReadingHasher
from consumer.explaining.rows import Explained
from consumer.explaining.table import Tally, block
from consumer.files.csv_events import CsvEncoding, purchase_names
from consumer.files.csv_rows import Encoding
from consumer.files.csv_unread import column_check
from consumer.files.event_files import STANDARD_INPUT, EventFile, FileFormat
from consumer.files.lines import BOM, Entry, FoundEvent, Unreadable
from consumer.load_settings import load_settings
from consumer.publish_report import Report
from consumer.resources import EVENT, schema
from consumer.terminal import AsJson, SettingsFile, err, out, print_whole, width

STDIN = Partition("stdin", 0)
# Names of files that `publish` does not read line by line.
NO_LINES = frozenset({".csv", ".tsv", ".json", ".xlsx", ".xls", ".ods"})


def explain(
    file: Annotated[
        str,
        typer.Argument(
            help="Events, one JSON object a line; or CSV or a JSON array. Standard input without it.",
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
    form: Annotated[
        FileFormat,
        typer.Option(
            "--format",
            help="What the file holds. auto: as its name says (.csv, .tsv, .json), else an event a line.",
        ),
    ] = FileFormat.AUTO,
    encoding: CsvEncoding = Encoding.UTF_8,
    show_values: Annotated[
        bool,
        typer.Option("--show-values", help="Show personal values and whole digests, not only their shape."),
    ] = False,
    settings_file: SettingsFile = None,
) -> None:
    """Show what Meta would get for each event, or why it would not get it."""
    now_ms = time.time_ns() // 1_000_000 if now is None else _unix_ms(now)
    settings = load_settings(file=settings_file)
    report = Report()  # of what is odd about the file, on standard error: the answers are for a pipe
    on_header = column_check(schema(EVENT), settings.rules.custom_data_paths, report.warn)
    with EventFile(file) as opened:
        is_by_line = form is FileFormat.JSONL or (form is FileFormat.AUTO and not _is_named_otherwise(file))
        names = purchase_names(settings.event_names)
        entries = opened.raw() if is_by_line else opened.events(form, encoding, names, on_header)
        each = explained(_with_remarks_told(entries, report), settings.rules, now_ms)
        if as_json:
            _print_json(each)
        else:
            _print_tables(each, settings.rules.match_rule, show_values)
    report.close()


def explained(entries: Iterable[Entry], rules: Rules, now_ms: int) -> Iterator[Explained]:
    """The decision about each entry, without a byte order mark before the first."""
    for offset, entry in enumerate(entries):
        if isinstance(entry, Unreadable):
            yield Explained(entry.line, Invalid(Reason.NOT_JSON, detail=entry.says), {}, {})
            continue
        value = entry.value.removeprefix(BOM) if offset == 0 else entry.value
        hasher = ReadingHasher()
        sources: Sources = {}
        decision = decide(Record(STDIN, offset, now_ms, value), rules, hasher, now_ms, sources)
        yield Explained(entry.line, decision, sources, hasher.texts)


def row(decision: Decision) -> dict[str, Any]:
    """Decision, reason, payload (None unless deliverable) and notes, as JSON has them."""
    notes = [{"field": note.field, "note": note.word} for note in decision.notes]
    if isinstance(decision, Deliverable):
        payload = orjson.loads(decision.payload)
        return {"decision": "deliverable", "reason": None, "payload": payload, "notes": notes}
    word = "filtered" if isinstance(decision, Filtered) else "invalid"
    return {"decision": word, "reason": decision.reason, "payload": None, "notes": notes}


def _is_named_otherwise(file: str) -> bool:
    return Path(file).suffix.lower() in NO_LINES


def _with_remarks_told(entries: Iterable[Entry], report: Report) -> Iterator[Entry]:
    for entry in entries:
        for remark in entry.remarks if isinstance(entry, FoundEvent) else ():
            report.warn(entry.line, entry.last_line, remark)
        yield entry


def _print_json(each: Iterable[Explained]) -> None:
    for one in each:
        sys.stdout.buffer.write(orjson.dumps(row(one.decision), option=orjson.OPT_APPEND_NEWLINE))
        sys.stdout.buffer.flush()  # somebody may be typing events


def _print_tables(each: Iterable[Explained], rule: MatchRule, show_values: bool) -> None:
    tally = Tally()
    for one in each:
        tally.add(one)
        print_whole(block(one, rule, show_values=show_values, width=width()))
    if tally.total > 1:
        for line in tally.lines():
            out.print(line, markup=False)
    if tally.total and not show_values and err.is_terminal:
        err.print("Personal values are shown as their shape; --show-values shows them.", style="dim")


def _unix_ms(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise typer.BadParameter("a date and time such as 2026-01-31T12:00:00Z", param_hint="--now") from None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int(aware.timestamp() * 1000)
