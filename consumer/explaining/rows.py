"""
What became of each Meta key: where its value came from, what was hashed, what is sent, what was lost.

    user_data.em   user.email   xxx@xxxxxxx.xxx   71d4f5…
    user_data.ph                                            no_country: a national number without …

What is personal stands there as its shape, unless values are asked for. In
`user_data` everything is personal; in `custom_data` what the cleaning of the
mapping would take out, which is only there where a setting allows it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import orjson

from consumer.core import mapping
from consumer.core.cleaning import clean_entry
from consumer.core.decision import Decision, Deliverable
from consumer.core.trail import Sources
from consumer.explaining.masks import shape, short_digests
from consumer.explaining.reading import ALREADY_HASHED
from consumer.explaining.words import what_happened

Texts = Mapping[str, tuple[str, ...]]

USER_DATA = "user_data."
CUSTOM_DATA = "custom_data."
NO_SOURCE = "setting"  # what an event does not say
HASHED = frozenset(row.key for row in mapping.HASHED)


class Explained(NamedTuple):
    """
    One entry of a file: the line it begins on and what is decided about it.

    `sources` is Meta key -> path the value came from; `texts`, of the hashed
    keys, the normalised texts. Both are personal only in `texts`.
    """

    line: int
    decision: Decision
    sources: Sources
    texts: Texts


class Row(NamedTuple):
    """One Meta key, written out in full. Empty text where there is nothing to say."""

    key: str
    source: str = ""
    normalised: str = ""
    sent: str = ""
    notes: str = ""


def rows(one: Explained, *, show_values: bool = False) -> list[Row]:
    """A row for each key that is sent or would have been, and for each that lost all it had."""
    found = {row.key: row for row in _found(one, show_values)}
    for field, notes in _notes(one.decision).items():
        key = full_key(field)
        found[key] = found.get(key, Row(key))._replace(notes=notes)
    return sorted(found.values(), key=_section)


def _section(row: Row) -> int:
    """The event itself, `user_data`, `custom_data`: as they stand in a payload."""
    if row.key.startswith(USER_DATA):
        return 1
    return 2 if row.key.startswith(CUSTOM_DATA) else 0


def full_key(field: str) -> str:
    """The Meta key of a note's or source's field, as it stands in the payload: `em` -> `user_data.em`."""
    if field in mapping.USER_DATA_KEYS:
        return USER_DATA + field
    return CUSTOM_DATA + field if field in mapping.CUSTOM_DATA or field == "contents[]" else field


def _found(one: Explained, show_values: bool) -> Iterator[Row]:
    if not isinstance(one.decision, Deliverable):
        for field, path in one.sources.items():
            yield Row(full_key(field), path, _normalised(field, one.texts, show_values))
        return
    payload = orjson.loads(one.decision.payload)
    person, details = payload.pop("user_data"), payload.pop("custom_data")
    for key, value in payload.items():
        yield Row(key, one.sources.get(key, NO_SOURCE), sent=_text(value))
    for key, value in person.items():
        normalised = _normalised(key, one.texts, show_values)
        yield Row(USER_DATA + key, one.sources[key], normalised, _personal(key, value, show_values))
    for key, value in details.items():
        yield _detail(key, value, one.sources, show_values)


def _normalised(key: str, texts: Texts, show_values: bool) -> str:
    shown = (text if show_values or text == ALREADY_HASHED else shape(text) for text in texts.get(key, ()))
    return ", ".join(shown)


def _personal(key: str, value: object, show_values: bool) -> str:
    if show_values:
        return _text(value)
    return short_digests(_text(value)) if key in HASHED else shape(_text(value))


def _detail(key: str, value: object, sources: Sources, show_values: bool) -> Row:
    # A key of the user's own may be named like one of Meta's elsewhere.
    field = key if key in mapping.CUSTOM_DATA else CUSTOM_DATA + key
    is_hidden = not show_values and clean_entry(key, value, frozenset()) is not value
    text = shape(_text(value)) if is_hidden else _text(value)
    return Row(CUSTOM_DATA + key, sources.get(field, NO_SOURCE), sent=text)


def _notes(decision: Decision) -> dict[str, str]:
    """Field -> `expired: older than 90 days; malformed: …`, each note once."""
    said: dict[str, list[str]] = {}
    for note in dict.fromkeys(decision.notes):
        said.setdefault(note.field, []).append(f"{note.word}: {what_happened(note)}")
    return {field: "; ".join(sentences) for field, sentences in said.items()}


def _text(value: object) -> str:
    """A value on one line."""
    return value if isinstance(value, str) else orjson.dumps(value).decode()
