"""
What became of each Meta key: where its value came from, what was hashed, what is sent, what is to be noted.

    user_data.em   user.email   xxx@xxxxxxx.xxx   71d4f5…
    user_data.ph                                            no_country: a national number without …

What is personal stands there as its shape, unless values are asked for. In
`user_data` everything is personal; in `custom_data` what a path of the user's own
reads of the person, and what the cleaning of the mapping would take out, which
is only there where a setting allows it. Digests are cut wherever they stand.

Personal values without what is personal in them: what is left is their shape.

    ann@example.com    ->    xxx@xxxxxxx.xxx
    33612345678        ->    99999999999
    71d4f55f72fa128…   ->    71d4f5…

A shape shows whether normalising did what was meant. Of a digest the first
digits are left, enough to compare with another by eye, too few to find the
person by trying all telephone numbers.

What was hashed, for a person to read.

A digest cannot be read, and most questions about one are about the text behind
it. So the hasher of `explain` does what that of a batch does, and keeps the
normalised texts as well. Nothing but `explain` may use it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple
from unicodedata import category

import orjson

from consumer.domain.decision import Decision, Deliverable
from consumer.explain.words import NO_ID, what_happened
from consumer.mapping import tables
from consumer.mapping.lookup import Provenance
from consumer.mapping.normalize.fields import NormalizationContext, NormalizedValue, normalize
from consumer.mapping.normalize.hashing import BatchHasher, FieldDigests
from consumer.mapping.redaction import clean_entry, contains_email, is_personal_name

DIGEST_DIGITS = 6
SHAPE_LENGTH_MAX = 40

_DIGEST = re.compile(rf"\b([0-9a-f]{{{DIGEST_DIGITS}}})[0-9a-f]{{{64 - DIGEST_DIGITS}}}\b")


def mask(text: str) -> str:
    """Letters as `x`, digits as `9`, the rest as it is; cut when it is long."""
    cut = text if len(text) <= SHAPE_LENGTH_MAX else text[: SHAPE_LENGTH_MAX - 1]
    shown = "".join(filter(None, map(_shape_of, cut)))
    return shown if cut is text else shown + "…"


def short_digests(text: str) -> str:
    """The text with each digest cut to its first digits."""
    return _DIGEST.sub(r"\1…", text)


def _shape_of(character: str) -> str:
    if character.isdecimal():
        return "9"
    kind = category(character)[0]
    if kind == "L":
        return "x"
    return "" if kind == "M" else character  # a mark belongs to the letter before it


ALREADY_HASHED = "(already hashed)"


class RecordingHasher(BatchHasher):
    """A hasher for one event. `texts` is key of `user_data` -> what was hashed for it."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: dict[str, tuple[str, ...]] = {}

    def hashed(
        self, key: str, value: object, circumstances: NormalizationContext, *, digests_only: bool = False
    ) -> FieldDigests:
        """As in a batch. The last source of a key that gives something is the one that is sent."""
        found = super().hashed(key, value, circumstances, digests_only=digests_only)
        if found.sent is not None:
            each = value if isinstance(value, list) else [value]
            self.texts[key] = tuple(dict.fromkeys(_texts(key, each, circumstances, digests_only)))
        return found


def _texts(
    key: str, values: list[object], circumstances: NormalizationContext, digests_only: bool
) -> Iterator[str]:
    for value in values:
        read = normalize(key, value, circumstances, digests_only=digests_only)
        if isinstance(read, NormalizedValue):
            yield ALREADY_HASHED if read.is_digest else read.text


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
