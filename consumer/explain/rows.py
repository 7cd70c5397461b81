"""
What became of each Meta key: where its value came from, what was hashed, what is sent, what is to be noted.

    user_data.em   user.email   xxx@xxxxxxx.xxx   71d4f5…
    user_data.ph                                            no_country: a national number without …

What is personal stands there as its shape, unless values are asked for. In
`user_data` everything is personal; in `custom_data` what a path of the user's own
reads of the person, and what the cleaning of the mapping would take out, which
is only there where a setting allows it. Digests are cut wherever they stand.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

import orjson

from consumer.domain.decision import Decision, Deliverable
from consumer.explain.hash_recorder import ALREADY_HASHED
from consumer.explain.masking import mask, short_digests
from consumer.explain.words import NO_ID, what_happened
from consumer.mapping import tables
from consumer.mapping.redaction import clean_entry, contains_email, is_personal_name
from consumer.mapping.trail import Provenance

Texts = Mapping[str, tuple[str, ...]]

USER_DATA = "user_data."
CUSTOM_DATA = "custom_data."
PLACE_OF_RECORD = "place of the record"
NO_SOURCE = "setting"  # what an event does not say
# Where a path of the user's own reads a person, or the browser.
OF_A_PERSON = re.compile(r"(user|browser|context\.device)(\.|$)")
CLICK = re.compile(r"(?<=[?&]fbclid=)[^&#\"]+")
HASHED = frozenset(row.key for row in tables.HASHED)


class Explained(NamedTuple):
    """
    One entry of a file: the line it begins on and what is decided about it.

    `says` is why it is not sent, where more is known than the reason tells, or
    what Meta has answered to it before.
    `sources` is Meta key -> path the value came from; `texts`, of the hashed
    keys, the normalised texts; `lost`, of keys that have no value, what could
    not be used. `texts` and `lost` are personal; a path in `sources` may hold a
    key of the user's own.
    """

    line: int
    decision: Decision
    sources: Provenance
    texts: Texts
    lost: Texts = MappingProxyType({})
    says: str = ""


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
    for field, notes in _notes(one).items():
        key = full_key(field)
        lost = ", ".join(dict.fromkeys(one.sources.invalid_paths.get(field, ())))
        if key in found and lost:
            notes += f" ({lost})"
        as_it_came = Row(key, lost, _normalised(field, one.lost, show_values))
        found[key] = found.get(key, as_it_came)._replace(notes=notes)
    return sorted(found.values(), key=_section)


def _section(row: Row) -> int:
    """The event itself, `user_data`, `custom_data`: as they stand in a payload."""
    if row.key.startswith(USER_DATA):
        return 1
    return 2 if row.key.startswith(CUSTOM_DATA) else 0


def full_key(field: str) -> str:
    """The Meta key of a note's or source's field, as it stands in the payload: `em` -> `user_data.em`."""
    if field in tables.USER_DATA_KEYS:
        return USER_DATA + field
    return CUSTOM_DATA + field if field in tables.CUSTOM_DATA or field == "contents[]" else field


def _found(one: Explained, show_values: bool) -> Iterator[Row]:
    if not isinstance(one.decision, Deliverable):
        for field, path in one.sources.items():
            if not _is_hidden_key(field):
                yield Row(full_key(field), path, _normalised(field, one.texts, show_values))
        return
    payload = orjson.loads(one.decision.payload)
    person, details = payload.pop("user_data"), payload.pop("custom_data")
    for key, value in payload.items():
        yield Row(key, one.sources.get(key, NO_SOURCE), sent=_shown(text_of_json(value), show_values))
    for key, value in person.items():
        normalised = _normalised(key, one.texts, show_values)
        yield Row(USER_DATA + key, one.sources[key], normalised, _personal(key, value, show_values))
    for key, value in details.items():
        yield _detail(key, value, one.sources, show_values)


def _is_hidden_key(field: str) -> bool:
    """A key of the user's own that is personal by its name. What is not sent was not cleaned."""
    key = field.removeprefix(CUSTOM_DATA)
    return key != field and (contains_email(key) or is_personal_name(key))


def _normalised(key: str, texts: Texts, show_values: bool) -> str:
    shown = (text if show_values or text == ALREADY_HASHED else mask(text) for text in texts.get(key, ()))
    return ", ".join(shown)


def _personal(key: str, value: object, show_values: bool) -> str:
    if show_values:
        return text_of_json(value)
    return short_digests(text_of_json(value)) if key in HASHED else mask(text_of_json(value))


def _detail(key: str, value: object, sources: Provenance, show_values: bool) -> Row:
    # A key of the user's own may be named like one of Meta's elsewhere.
    field = key if key in tables.CUSTOM_DATA else CUSTOM_DATA + key
    source = sources.get(field, NO_SOURCE)
    is_personal = clean_entry(key, value, frozenset()) is not value or OF_A_PERSON.match(source)
    text = (
        mask(text_of_json(value))
        if is_personal and not show_values
        else _shown(text_of_json(value), show_values)
    )
    return Row(CUSTOM_DATA + key, source, sent=text)


def _shown(text: str, show_values: bool) -> str:
    """Without digests, nor the click id in an address, which `fbc` is made of."""
    return text if show_values else CLICK.sub(lambda click: mask(click[0]), short_digests(text))


def _notes(one: Explained) -> dict[str, str]:
    """Field -> `expired: older than 90 days; malformed: …`, each note once."""
    said: dict[str, list[str]] = {}
    for note in dict.fromkeys(one.decision.warnings):
        said.setdefault(note.field, []).append(f"{note.code}: {what_happened(note)}")
    if one.sources.get("event_id") == PLACE_OF_RECORD:
        said.setdefault("event_id", []).append(NO_ID)
    return {field: "; ".join(sentences) for field, sentences in said.items()}


def text_of_json(value: object) -> str:
    """A JSON value on one line."""
    return value if isinstance(value, str) else orjson.dumps(value).decode()
