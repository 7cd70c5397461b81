"""
What becomes of a record: deliverable, filtered or invalid.

    deliverable   goes to Meta
    filtered      a success that is not sent: counted and committed
    invalid       goes to the dead-letter topic

The reason words are public. The same word stands in code, in the metric
attribute, in the dead-letter header, on the command line and in the docs, so
renaming one is a breaking change.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Reason(StrEnum):
    """Why a record is not sent."""

    # filtered
    TOMBSTONE = "tombstone"
    NO_CONSENT = "no_consent"
    EVENT_TOO_OLD = "event_too_old"
    PURCHASE_WITHOUT_PERSONAL_INFORMATION = "purchase_without_personal_information"
    NOT_ENOUGH_TO_MATCH = "not_enough_to_match"
    # invalid
    NOT_JSON = "not_json"
    NOT_AN_OBJECT = "not_an_object"
    NO_EVENT_NAME = "no_event_name"
    EVENT_TIME_IN_FUTURE = "event_time_in_future"
    PURCHASE_WITHOUT_VALUE = "purchase_without_value"
    PURCHASE_WITHOUT_CURRENCY = "purchase_without_currency"
    EVENT_TOO_LARGE = "event_too_large"
    # invalid, by Meta's answer
    REJECTED = "rejected"
    POISON_EVENT = "poison_event"


FILTERED_REASONS = frozenset(
    {
        Reason.TOMBSTONE,
        Reason.NO_CONSENT,
        Reason.EVENT_TOO_OLD,
        Reason.PURCHASE_WITHOUT_PERSONAL_INFORMATION,
        Reason.NOT_ENOUGH_TO_MATCH,
    }
)
INVALID_REASONS = frozenset(Reason) - FILTERED_REASONS
# Old words, which dead letters of earlier versions still have in their headers.
RENAMED_REASONS = {"refused": Reason.REJECTED, "unacceptable": Reason.POISON_EVENT}


class WarningCode(StrEnum):
    """What happened to one value that could not be used as it stood."""

    MALFORMED = "malformed"
    WRONG_TYPE = "wrong_type"
    UNKNOWN_KEY = "unknown_key"
    PLACEHOLDER = "placeholder"
    EXPIRED = "expired"
    FUTURE = "future"
    AMBIGUOUS = "ambiguous"
    PERSONAL_DATA = "personal_data"
    NO_COUNTRY = "no_country"
    MISSING = "missing"
    TOO_DEEP = "too_deep"


class WarningScope(StrEnum):
    """What a lost value was part of, where no one Meta key is meant."""

    USER = "user"
    ITEMS = "items"
    FACEBOOK = "integrations.facebook"
    USER_DATA = "user_data.*"
    CUSTOM_DATA = "custom_data.*"
    CONTENTS = "contents[]"


class MappingWarning(NamedTuple):
    """
    One value lost, never the event.

    `field` is a Meta key or a `WarningScope`: a closed set (`mapping.NOTE_FIELDS`), so
    both words can be metric attributes. No note holds a customer's key or value.
    """

    field: str
    code: WarningCode


MappingWarnings = tuple[MappingWarning, ...]

# The label of an event whose name is not one of Meta's standard events, and
# of a record that has no name.
CUSTOM = "custom"
NO_NAME = "none"


class Deliverable(NamedTuple):
    """
    An event as Meta will get it.

    `payload` is the JSON of one element of `data`. `event_label` is the mapped
    name when it is standard, else `custom`. `event_time_s` is when it happened and
    `expires_at_s` when Meta stops taking it, unix seconds. `match_keys` are the
    keys of `user_data`.
    """

    payload: bytes
    event_label: str
    event_time_s: int
    expires_at_s: int
    match_keys: tuple[str, ...]
    warnings: MappingWarnings = ()

    def __repr__(self) -> str:
        """Without the payload, which is somebody's."""
        return (
            f"Deliverable({len(self.payload)} bytes, {self.event_label!r}, {self.event_time_s},"
            f" {self.expires_at_s}, {self.match_keys}, {self.warnings})"
        )


@dataclass(frozen=True, slots=True)
class Filtered:
    """A success that is not sent."""

    reason: Reason
    event_label: str = NO_NAME
    warnings: MappingWarnings = ()


@dataclass(frozen=True, slots=True)
class Invalid:
    """
    A record for the dead-letter topic.

    `detail` holds field names and codes, never values.
    """

    reason: Reason
    event_label: str = NO_NAME
    detail: str = ""
    warnings: MappingWarnings = ()


Decision = Deliverable | Filtered | Invalid
