"""
Meta's data processing options: how the event of a person under a privacy law is treated.

Options, country and state are one group: the event's own when it has options,
else the setting's, never a mixture. A group that cannot be read becomes
`["LDU"], 0, 0`, limited use with the place left to Meta: the safe side. An
empty list and 0 say something, and are sent.
"""

from __future__ import annotations

from consumer.core.cleaning import holds_address
from consumer.core.decision import NoteWord
from consumer.core.event import Event
from consumer.core.rules import DataProcessing
from consumer.core.trail import Trail
from consumer.core.values import integer_of

OPTIONS = "data_processing_options"
COUNTRY = "data_processing_options_country"
STATE = "data_processing_options_state"

COUNTRIES = frozenset({0, 1})
STATES = frozenset({0, *range(1000, 1014)})

LIMITED = DataProcessing(("LDU",), 0, 0)


def of_event(event: Event, setting: DataProcessing | None, trail: Trail) -> dict[str, object]:
    """The keys to send: none, `data_processing_options`, or it with country and state."""
    if event.facebook.get(OPTIONS) is None:
        return _keys(setting) if setting is not None else {}
    for key in (OPTIONS, COUNTRY, STATE):
        trail.came(key, f"integrations.facebook.{key}")
    read = _read(event)
    if isinstance(read, NoteWord):
        trail.note(OPTIONS, read)
        return _keys(LIMITED)
    return _keys(read)


def _keys(group: DataProcessing) -> dict[str, object]:
    keys: dict[str, object] = {OPTIONS: list(group.options)}
    if group.country is not None:
        keys[COUNTRY] = group.country
    if group.state is not None:
        keys[STATE] = group.state
    return keys


def _read(event: Event) -> DataProcessing | NoteWord:
    options = event.facebook[OPTIONS]
    listed = options if isinstance(options, list) else [options]
    texts = [option.strip() for option in listed if isinstance(option, str)]
    if len(texts) < len(listed):
        return NoteWord.WRONG_TYPE
    if not all(texts):
        return NoteWord.MALFORMED
    if any(map(holds_address, texts)):
        return NoteWord.PERSONAL_DATA
    country, state = event.facebook.get(COUNTRY), event.facebook.get(STATE)
    if not (_is_one_of(COUNTRIES, country) and _is_one_of(STATES, state)):
        return NoteWord.MALFORMED
    return DataProcessing(tuple(texts), integer_of(country), integer_of(state))


def _is_one_of(numbers: frozenset[int], value: object) -> bool:
    return value is None or integer_of(value) in numbers
