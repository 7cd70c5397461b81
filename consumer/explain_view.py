"""
A decision for a person: one block an event.

    line 1  deliverable  Purchase
      event_id      1763900000-42      integrations.facebook.event_id
      user_data
        em          71d4f55f72fa…      user.email
      ! fbc         malformed          not in the form that Meta takes

Digests are shortened: they are there to be recognised, not copied. Text of an
event is never markup, and never moves the cursor of a terminal.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import orjson
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from consumer.core.decision import Decision, Deliverable, Filtered, Invalid, NoteWord, Reason
from consumer.core.qualify import IDENTIFIERS, OTHERS
from consumer.core.rules import MatchRule
from consumer.core.trail import Sources

DIGEST = re.compile(r"([0-9a-f]{12})[0-9a-f]{52}")
NESTED = ("user_data", "custom_data")

REASONS = {
    Reason.TOMBSTONE: "the record has no value",
    Reason.NO_CONSENT: "the event does not carry the consent category of the settings",
    Reason.EVENT_TOO_OLD: "Meta takes events of the last 7 days, of a shop's the last 62",
    Reason.PURCHASE_WITHOUT_PERSONAL_INFORMATION: "a purchase needs an e-mail address or a phone number",
    Reason.NOT_ENOUGH_TO_MATCH: "too little is known of the person (CAPI_MATCH_RULE)",
    Reason.NOT_JSON: "the line is no JSON",
    Reason.NOT_AN_OBJECT: "the line is JSON, but no object",
    Reason.NO_EVENT_NAME: "event_name is missing, blank, no text, or holds an e-mail address",
    Reason.EVENT_TIME_IN_FUTURE: "event and record are more than 5 minutes ahead",
    Reason.PURCHASE_WITHOUT_VALUE: "Meta refuses a Purchase without value",
    Reason.PURCHASE_WITHOUT_CURRENCY: "Meta refuses a Purchase without currency",
    Reason.EVENT_TOO_LARGE: "the payload is larger than CAPI_EVENT_BYTES_MAX",
}
NOTES = {
    NoteWord.MALFORMED: "not in a form that can be used",
    NoteWord.WRONG_TYPE: "not of the type that is expected",
    NoteWord.UNKNOWN_KEY: "a key that Meta does not know was left out",
    NoteWord.PLACEHOLDER: "a placeholder, not a value",
    NoteWord.EXPIRED: "older than 90 days",
    NoteWord.FUTURE: "ahead of now; the record's time counts",
    NoteWord.AMBIGUOUS: "can be read in two ways",
    NoteWord.PERSONAL_DATA: "personal data was taken out",
    NoteWord.NO_COUNTRY: "a national number without a country (CAPI_DEFAULT_COUNTRY)",
    NoteWord.MISSING: "nothing in the event can be used for it",
    NoteWord.TOO_DEEP: "nested more than 32 levels deep",
}
# What it means that one of these has no value.
WITHOUT = {
    "event_time": "the time of the record is sent",
    "client_user_agent": "Meta asks it of a website's event",
    "event_source_url": "Meta asks it of a website's event",
}
RULES = {
    MatchRule.ALL: "1 identifier and 3 others",
    MatchRule.ANY_OTHER: "1 identifier and 3 more, identifiers or others",
    MatchRule.ANY: "1 identifier or 3 others",
}


class Tally:
    """How many events there were, by what is decided about them."""

    def __init__(self) -> None:
        self._ends: Counter[str] = Counter()

    def add(self, decision: Decision) -> None:
        """Count one."""
        self._ends["deliverable" if isinstance(decision, Deliverable) else decision.reason] += 1

    @property
    def total(self) -> int:
        """All of them."""
        return self._ends.total()

    def line(self) -> str:
        """`12 events: 9 deliverable, 3 no_consent`."""
        ends = ", ".join(f"{count} {end}" for end, count in self._ends.most_common())
        return f"{self.total} event{'' if self.total == 1 else 's'}: {ends}"


def block(line: int, decision: Decision, sources: Sources, rule: MatchRule) -> RenderableType:
    """
    One event: its decision, each Meta key with what is sent and where it came from, and the notes.

    `rule` is the one that was decided by: what is missing of it is said.
    """
    table = Table.grid(padding=(0, 2))
    for _ in range(3):
        table.add_column(overflow="fold")
    for cells in _rows(decision, sources):
        table.add_row(*cells)
    return Group(_heading(line, decision, sources, rule), Padding(table, (0, 0, 1, 2)))


def _heading(line: int, decision: Decision, sources: Sources, rule: MatchRule) -> Text:
    if isinstance(decision, Deliverable):
        return Text.assemble(f"line {line}  ", ("deliverable", "green"), f"  {decision.event_label}")
    word, style = ("filtered", "yellow") if isinstance(decision, Filtered) else ("invalid", "red")
    why = REASONS.get(decision.reason, "")
    if decision.reason is Reason.NOT_JSON and isinstance(decision, Invalid) and decision.detail:
        why = decision.detail  # what the reader of the file says: the line may be CSV
    if decision.reason is Reason.NOT_ENOUGH_TO_MATCH:
        why = what_is_known(sources, rule)
    return Text.assemble(f"line {line}  ", (word, style), f"  {decision.reason}: {why}")


def what_is_known(keys: Collection[str], rule: MatchRule) -> str:
    """What there is of a person among Meta's `keys`, and how much the rule asks for."""
    identifiers = [key for key in keys if key in IDENTIFIERS]
    others = [key for key in keys if key in OTHERS]
    has = f"{_named(identifiers, 'identifier')} and {_named(others, 'other')}"
    says = f"has {has}; CAPI_MATCH_RULE={rule} needs {RULES[rule]}"
    if _is_metas_refusal(identifiers, others, rule):
        return f"{says}, and Meta refuses {', '.join(others)} with nothing beside"
    return says


def _is_metas_refusal(identifiers: Sequence[str], others: Sequence[str], rule: MatchRule) -> bool:
    """Whether it is Meta and not the rule: without an identifier no rule but `any` is content."""
    return rule is MatchRule.ANY and not identifiers and len(others) >= 3


def _named(keys: Sequence[str], what: str) -> str:
    """`em and ph (2 identifiers)`."""
    if not keys:
        return f"no {what}"
    *before, last = keys
    names = f"{', '.join(before)} and {last}" if before else last
    return f"{names} ({len(keys)} {what}{'s' if before else ''})"


def _rows(decision: Decision, sources: Sources) -> Iterator[tuple[Text, Text, Text]]:
    if isinstance(decision, Deliverable):
        yield from _sent(orjson.loads(decision.payload), sources)
    else:
        for key, path in sources.items():
            yield _plain(key), _dim(path), _plain("")
    for note in dict.fromkeys(decision.notes):
        means = NOTES[note.note]
        if note.note is NoteWord.MISSING:
            means = WITHOUT.get(note.field, means)
        yield Text(f"! {note.field}", "yellow"), Text(note.note, "yellow"), _dim(means)


def _sent(payload: Mapping[str, Any], sources: Sources) -> Iterator[tuple[Text, Text, Text]]:
    for key, value in payload.items():
        if key not in NESTED:
            yield _plain(key), _plain(_shown(value)), _dim(sources.get(key, "setting"))
            continue
        yield Text(key, "bold"), _plain(""), _plain("")
        for inner, sent in value.items():
            path = sources.get(inner) or sources.get(f"{key}.{inner}", "setting")
            yield _plain(f"  {inner}"), _plain(_shown(sent)), _dim(path)


def _shown(value: object) -> str:
    """A value on one line, digests shortened."""
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return DIGEST.sub(r"\1…", text)


def _plain(text: str) -> Text:
    """Text as it is when it is harmless, else as JSON in ASCII."""
    return Text(text if text.isprintable() else json.dumps(text))


def _dim(text: str) -> Text:
    shown = _plain(text)
    shown.stylize("dim")
    return shown
