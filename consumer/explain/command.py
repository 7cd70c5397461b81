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

What a person probably meant, said beside the answers.

    line 3: warning: user.mail: nothing reads it; did you mean user.email?
    an event must stand on one line ...

An unknown property is no mistake in an event, which may have other readers; so
only one that looks like a slip is spoken of, once in a file.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import orjson
import typer

from consumer import errors
from consumer.clock import now_ms
from consumer.config.loading import load_settings
from consumer.console import err, out, pluralize, width
from consumer.domain.decision import Invalid, Reason
from consumer.event_files.csv_events import column_check, purchase_names, unknown_columns
from consumer.event_files.event_files import EventFile, progress, reading
from consumer.event_files.formats import STANDARD_INPUT, Encoding, FileFormat
from consumer.event_files.lines import Entry, FileWarning, Unreadable
from consumer.explain.decisions import FoundDeadLetter, explain_events, row, with_dead_letters
from consumer.explain.rows import Explained
from consumer.explain.table import DecisionTally, block, lines
from consumer.mapping.event import parse
from consumer.mapping.rules import MappingOptions, MatchRule
from consumer.publish.checks import PLAIN_NAME
from consumer.publish.runner import PublishReport
from consumer.schemas_loader import EVENT, schema

NAMES_KEPT_MAX = 1_000
OBJECTS = ("user", "browser")  # whose keys are typed by hand most
MANY_LINES = (
    "an event must stand on one line here; name the file .json, or say --format json, "
    "where events take several lines"
)


class Hints:
    """The slips of one file. `report` hears of them as they are met."""

    def __init__(self, rules: MappingOptions, report: PublishReport) -> None:
        self._rules = rules
        self._report = report
        self._seen: set[str] = set()
        self._entries = 0
        self._has_header = False
        self._opens_an_object = False
        self._is_no_json = False

    def header(self, line: int, names: Collection[str]) -> None:
        """The columns of a CSV file: each that nothing reads is told, and no event of it again."""
        self._has_header = True
        column_check(schema(EVENT), self._rules.custom_data_paths, self._report.warn)(line, names)

    def read(self, entries: Iterable[Entry | FoundDeadLetter]) -> Iterator[Entry | FoundDeadLetter]:
        """The entries as they come. What their reader saw, and names that nothing reads, are told."""
        for entry in entries:
            self._entries += 1
            if not isinstance(entry, Unreadable):
                self._opens_an_object |= entry.value.strip()[:1] in (b"{", b"[") and self._entries == 1
                for remark in (*entry.remarks, *self._slips(entry.value)):
                    self._report.warn(entry.line, entry.last_line, remark)
            yield entry

    def note_warnings(self, each: Iterable[Explained]) -> Iterator[Explained]:
        """The answers as they come."""
        for one in each:
            decision = one.decision
            self._is_no_json |= isinstance(decision, Invalid) and decision.reason is Reason.NOT_JSON
            yield one

    def at_the_end(self, *, is_by_line: bool) -> list[str]:
        """What is to be said of the file as a whole."""
        if not self._entries:
            return ["no events"]
        return [MANY_LINES] if is_by_line and self._opens_an_object and self._is_no_json else []

    def _slips(self, value: bytes) -> Iterator[FileWarning]:
        event = parse(value)
        if self._has_header or not isinstance(event, dict):
            return
        new = [name for name in _names(event) if name not in self._seen]
        if len(self._seen) < NAMES_KEPT_MAX:
            self._seen.update(new)
            for name, meant in unknown_columns(new, schema(EVENT), self._rules.custom_data_paths):
                if meant is not None:
                    yield FileWarning(name, f"nothing reads it; did you mean {meant}?")


def _names(event: dict[str, object]) -> Iterator[str]:
    """Paths of what was typed by hand, as far as they look like names: a key may be personal too."""
    yield from filter(PLAIN_NAME.fullmatch, event)
    for place in OBJECTS:
        inner = event.get(place)
        if isinstance(inner, dict):
            yield from (f"{place}.{key}" for key in inner if PLAIN_NAME.fullmatch(key))


NO_CATEGORY = "CAPI_USER_CONSENT_CATEGORY is not set"
# Names of files that `publish` does not read line by line.
NO_LINES = frozenset({".csv", ".tsv", ".json", ".xlsx", ".xls", ".ods"})


def explain(
    file: str,
    settings_file: Path | None,
    *,
    now: str | None,
    form: FileFormat,
    encoding: Encoding,
    show_values: bool,
    as_json: bool,
) -> None:
    """Explain each entry of a file on standard output."""
    at_ms = now_ms() if now is None else _unix_ms(now)
    settings = load_settings(file=settings_file)
    rules = settings.mapping_options
    report = PublishReport()  # of what is odd about the file, on standard error: the answers are for a pipe
    hints = Hints(rules, report)
    with EventFile(file) as opened, progress("KiB", is_shown=_is_into_a_file()) as bar:
        _say_what_begins(file, rules)
        is_by_line = form is FileFormat.JSONL or (form is FileFormat.AUTO and not _is_named_otherwise(file))
        names = purchase_names(settings.event_names)
        entries = opened.raw() if is_by_line else opened.events(form, encoding, names, hints.header)
        read = hints.read(with_dead_letters(entries))
        each = Shown(hints.note_warnings(explain_events(read, rules, at_ms)), reading(bar, opened))
        try:
            if as_json:
                _print_json(each)
            else:
                _print_tables(each, rules.match_rule, show_values)
        except KeyboardInterrupt:
            err.print(
                f"interrupted after {pluralize(each.count, 'event')}: the rest was not read", markup=False
            )
            raise typer.Exit(errors.EXIT_INTERRUPTED) from None
    report.close()
    for hint in hints.at_the_end(is_by_line=is_by_line):
        err.print(hint, markup=False)


def _say_what_begins(file: str, rules: MappingOptions) -> None:
    if not rules.user_consent_category:
        err.print(f"{NO_CATEGORY}: every event passes", markup=False)
    if file == STANDARD_INPUT and sys.stdin.isatty():
        err.print("reading from the terminal, one event a line; Ctrl-D ends it", markup=False)


def _is_named_otherwise(file: str) -> bool:
    return Path(file).suffix.lower() in NO_LINES


def _is_into_a_file() -> bool:
    """Whether the answers go into a file: on a screen or in a pager a bar would be in their way."""
    try:
        return stat.S_ISREG(os.fstat(sys.stdout.fileno()).st_mode)
    except OSError:  # no file at all
        return False


class Shown:
    """The events as they are explained, counted for the bar, and for who breaks it off."""

    def __init__(self, each: Iterable[Explained], show: Callable[[int], None]) -> None:
        self.count = 0
        self._each = each
        self._show = show

    def __iter__(self) -> Iterator[Explained]:
        """Each of them, once."""
        for one in self._each:
            self.count += 1
            self._show(self.count)
            yield one


def _print_json(each: Iterable[Explained]) -> None:
    for one in each:
        sys.stdout.buffer.write(orjson.dumps(row(one.decision), option=orjson.OPT_APPEND_NEWLINE))
        sys.stdout.buffer.flush()  # somebody may be typing events


def _print_tables(each: Iterable[Explained], rule: MatchRule, show_values: bool) -> None:
    tally, columns = DecisionTally(), width()
    for one in each:
        tally.count(one)
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
