"""
What a person wishes of Meta: to be left out of advertising, or to have a privacy law heeded.

    opt_out                             Meta may not use the event for delivering ads
    data_processing_options             limited data use (LDU): one group,
    data_processing_options_country     the event's own when it has options,
    data_processing_options_state       else the setting's, never a mixture

What cannot be read means the safe side: opted out, and `["LDU"], 0, 0`, limited
use with the place left to Meta. An empty list and 0 say something, and are sent.
"""

from __future__ import annotations

from consumer.domain.decision import WarningCode
from consumer.mapping import tables
from consumer.mapping.event import Event
from consumer.mapping.lookup import Object
from consumer.mapping.redaction import contains_email
from consumer.mapping.rules import DataProcessing
from consumer.mapping.trail import MappingTrace
from consumer.mapping.values import integer_of

OPT_OUT = "opt_out"
OPTIONS = "data_processing_options"
COUNTRY = "data_processing_options_country"
STATE = "data_processing_options_state"

OPT_OUT_WORDS = {"true": True, "1": True, "false": False, "0": False}

# 0 leaves the place to Meta (its documentation of data processing options, read in November 2026).
COUNTRIES = frozenset({0, 1})
STATES = frozenset({0, *range(1000, 1014)})

LIMITED = DataProcessing(("LDU",), 0, 0)
SAFE_SIDE = "the safe side"  # where a key of it came from, that the event did not give


def data_processing_fields(
    event: Event, setting: DataProcessing | None, trail: MappingTrace
) -> dict[str, object]:
    """The keys to send. `setting` is the group of the events that bring none."""
    overrides = event.facebook
    if not overrides:
        return data_processing_keys(setting)
    sent: dict[str, object] = {}
    if (value := overrides.get(OPT_OUT)) is not None:
        trail.record_source(OPT_OUT, tables.WISHES[OPT_OUT][0].path)
        sent[OPT_OUT] = _opts_out(value, trail)
    sent.update(data_processing_keys(setting if overrides.get(OPTIONS) is None else _group(overrides, trail)))
    return sent


def _opts_out(value: object, trail: MappingTrace) -> bool:
    if isinstance(value, bool):
        return value
    word = value.strip() if isinstance(value, str) else str(integer_of(value))
    if word not in OPT_OUT_WORDS:
        trail.record_warning(
            OPT_OUT, WarningCode.MALFORMED if isinstance(value, str) else WarningCode.WRONG_TYPE
        )
    return OPT_OUT_WORDS.get(word, True)


def data_processing_keys(group: DataProcessing | None) -> dict[str, object]:
    """The keys that a group is sent as."""
    if group is None:
        return {}
    keys: dict[str, object] = {OPTIONS: list(group.options)}
    if group.country is not None:
        keys[COUNTRY] = group.country
    if group.state is not None:
        keys[STATE] = group.state
    return keys


def _group(overrides: Object, trail: MappingTrace) -> DataProcessing:
    """The event's own group; limited use when any of it cannot be read."""
    read = _read(overrides)
    for key in (OPTIONS, COUNTRY, STATE):
        if overrides.get(key) is not None:
            trail.record_source(key, tables.WISHES[key][0].path)
        elif isinstance(read, WarningCode):
            trail.record_source(key, SAFE_SIDE)
    if isinstance(read, WarningCode):
        trail.record_warning(OPTIONS, read)
        return LIMITED
    return read


def _read(overrides: Object) -> DataProcessing | WarningCode:
    options = overrides[OPTIONS]
    listed = options if isinstance(options, list) else [options]
    texts = [option.strip() for option in listed if isinstance(option, str)]
    if len(texts) < len(listed):
        return WarningCode.WRONG_TYPE
    if not all(texts):
        return WarningCode.MALFORMED
    if any(map(contains_email, texts)):
        return WarningCode.PERSONAL_DATA
    country, state = overrides.get(COUNTRY), overrides.get(STATE)
    if not (_is_one_of(COUNTRIES, country) and _is_one_of(STATES, state)):
        return WarningCode.MALFORMED
    return DataProcessing(tuple(texts), integer_of(country), integer_of(state))


def _is_one_of(numbers: frozenset[int], value: object) -> bool:
    return value is None or integer_of(value) in numbers
