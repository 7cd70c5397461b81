"""
May this event be used at all?

Asked before anything else is done with an event. Category ids are opaque and
compared as trimmed text: 3, 3.0 and "3" are one category. The first of two
places that says anything decides alone:

    consent_categories at the root  →  user.consent_categories

While an app waits for its user's consent, `user` may be a text. Then there is
no user, and no consent wherever else categories stand.

What a person wishes of Meta: to be left out of advertising, or to have a privacy law heeded.

    opt_out                             Meta may not use the event for delivering ads
    data_processing_options             limited data use (LDU): one group,
    data_processing_options_country     the event's own when it has options,
    data_processing_options_state       else the setting's, never a mixture

What cannot be read means the safe side: opted out, and `["LDU"], 0, 0`, limited
use with the place left to Meta. An empty list and 0 say something, and are sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from consumer.domain.decision import WarningCode
from consumer.mapping import tables
from consumer.mapping.event import Event
from consumer.mapping.lookup import MappingTrace, Object
from consumer.mapping.redaction import contains_email
from consumer.mapping.rules import DataProcessing
from consumer.mapping.values import integer_of


def has_consent(event: Mapping[str, object], category: str | None) -> bool:
    """Whether the event carries the category. Without a category configured every event passes."""
    if not category:
        return True
    granted = _granted(event)
    # Most events carry a list of ids as they are configured.
    if type(granted) is list and category in granted:
        return True
    return category in _ids(granted)


def consent_categories(event: Mapping[str, object]) -> tuple[str, ...] | None:
    """The ids that the event carries, for a person to read; None where nothing is said at all."""
    granted = _granted(event)
    return None if granted is None else tuple(dict.fromkeys(_ids(granted)))


def is_consent_pending(event: Mapping[str, object]) -> bool:
    """Whether an app still waits for its user's consent."""
    return isinstance(event.get("user"), str)


def _granted(event: Mapping[str, object]) -> object:
    """What the first place says that says anything; None while consent is waited for."""
    user = event.get("user")
    if isinstance(user, str):
        return None
    granted = event.get("consent_categories")
    if granted is None and isinstance(user, dict):
        return user.get("consent_categories")
    return granted


def _ids(granted: object) -> Iterator[str]:
    """`["1, 2", 3.0]` gives `1`, `2`, `3`. Booleans, null and anything nested give none."""
    for element in granted if isinstance(granted, list) else (granted,):
        if isinstance(element, str):
            yield from map(str.strip, element.replace("|", ",").split(","))
        elif isinstance(element, bool):
            continue
        elif isinstance(element, int):
            yield str(element)
        elif isinstance(element, float):
            yield str(int(element)) if element.is_integer() else str(element)


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
