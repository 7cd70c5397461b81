"""
`capi-consumer explain`: what would become of these events, without Kafka and without Meta.

    {"event_name": "purchase", ...}        one event a line
    → {"decision": "deliverable", "reason": null, "payload": {...}, "notes": [...]}

It decides with the settings of its environment, as `run` does, so a line here
is what `run` would send, or why it would not. Every line has its answer, a
blank one too; only a file that is named as CSV or JSON, or said to be, is read
as `publish` reads it, event by event. A line of `dead-letters export` is
answered for the event in it.

With `--json` an answer is one line, for programs. For a person it is a table,
key by key: where the value came from, what was hashed, what is sent.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import orjson
import typer

from consumer.clock import now_ms
from consumer.core.rules import MatchRule
from consumer.explaining.explained import explained, row
from consumer.explaining.hints import Hints
from consumer.explaining.letter_lines import with_letters
from consumer.explaining.rows import Explained
from consumer.explaining.table import Tally, block, lines
from consumer.files.csv_events import CsvEncoding, purchase_names
from consumer.files.csv_rows import Encoding
from consumer.files.event_files import STANDARD_INPUT, EventFile, FileFormat
from consumer.load_settings import load_settings
from consumer.progress import progress, reading
from consumer.publish_report import Report
from consumer.terminal import AsJson, SettingsFile, err, out, width

NO_CATEGORY = "CAPI_USER_CONSENT_CATEGORY is not set"
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
    """
    Show what Meta would get for each event, or why it would not get it.

    Needs neither Kafka nor Meta. It decides with the settings of the
    environment (CAPI_...) and of --settings, as `run` does. An event is a
    line; a file named .json or .csv is read as such. What `dead-letters
    export` has written is explained as well, with each event's first place
    and time.

    Personal values are shown as their shape, digests by their first digits.
    With --json each answer is a line with decision, reason, payload (exactly
    what would be sent, so keep it private) and notes. Reasons and notes are
    explained in docs/reasons.md. The exit code is 0 whatever is decided.
    """
    at_ms = now_ms() if now is None else _unix_ms(now)
    settings = load_settings(file=settings_file)
    rules = settings.rules
    report = Report()  # of what is odd about the file, on standard error: the answers are for a pipe
    hints = Hints(rules, report)
    if not rules.user_consent_category:
        err.print(f"{NO_CATEGORY}: every event passes", markup=False)
    if file == STANDARD_INPUT and sys.stdin.isatty():
        err.print("reading from the terminal, one event a line; Ctrl-D ends it", markup=False)
    with EventFile(file) as opened, progress("KiB", is_shown=_is_into_a_file()) as bar:
        is_by_line = form is FileFormat.JSONL or (form is FileFormat.AUTO and not _is_named_otherwise(file))
        names = purchase_names(settings.event_names)
        entries = opened.raw() if is_by_line else opened.events(form, encoding, names, hints.header)
        each = _shown(
            hints.heard(explained(hints.read(with_letters(entries)), rules, at_ms)), reading(bar, opened)
        )
        if as_json:
            _print_json(each)
        else:
            _print_tables(each, rules.match_rule, show_values)
    report.close()
    for hint in hints.at_the_end(is_by_line=is_by_line):
        err.print(hint, markup=False)


def _is_named_otherwise(file: str) -> bool:
    return Path(file).suffix.lower() in NO_LINES


def _is_into_a_file() -> bool:
    """Whether the answers go into a file: on a screen or in a pager a bar would be in their way."""
    try:
        return stat.S_ISREG(os.fstat(sys.stdout.fileno()).st_mode)
    except OSError:  # no file at all
        return False


def _shown(each: Iterable[Explained], show: Callable[[int], None]) -> Iterator[Explained]:
    for read, one in enumerate(each, start=1):
        show(read)
        yield one


def _print_json(each: Iterable[Explained]) -> None:
    for one in each:
        sys.stdout.buffer.write(orjson.dumps(row(one.decision), option=orjson.OPT_APPEND_NEWLINE))
        sys.stdout.buffer.flush()  # somebody may be typing events


def _print_tables(each: Iterable[Explained], rule: MatchRule, show_values: bool) -> None:
    tally, columns = Tally(), width()
    for one in each:
        tally.add(one)
        if columns is None:
            sys.stdout.write(lines(one, rule, show_values=show_values))
        else:
            out.print(block(one, rule, columns, show_values=show_values), soft_wrap=False)
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
    if aware.timestamp() < 0:
        raise typer.BadParameter("a time after 1970", param_hint="--now")
    return int(aware.timestamp() * 1000)
