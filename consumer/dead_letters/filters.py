"""
Which dead letters are meant.

    reasons        refused                       its reason's word
    meta codes     100 · 100/2804003 · none      a code alone takes every subcode; none: Meta named no code
    since, until   2026-11-23T18:00:00Z · 2h     when it last failed; `until` itself is outside
    origins        0 · capi.events:0             the partition it first stood in
    event names    purchase                      as the event itself gives it
    keys           u-17                          of its record

A letter matches when it has one of each kind that is named. What a letter does
not say matches nothing: no name in it, no event name; no origin, no partition.

A filter has a name for the group of its replay: what one filter leaves out is
then not passed for the next one. The name is a digest of the filter's text, and
from the digest of a short text the text can be guessed, so a filter that may
hold personal data has none: one with a key, or with an event's name that does
not look like one. A salt would not help: every replay must find the name, and
anyone who lists the groups sees it.

    looks like one   page_view · InitiateCheckout · newsletter-signup
    does not         for jane@example.com · 33639980001 · Jane Doe · step_2
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import orjson

from consumer.dead_letters import headers
from consumer.dead_letters.summary import MASKED, given_event_name
from consumer.domain.record import Record

NAME_LENGTH = 8  # hex: two of a thousand filters share a name once in ten thousand installations
# Words of letters as code has them: no telephone number, address, id or date of anybody.
PLAIN_NAME = re.compile(r"[A-Za-z]+(?:[_-][A-Za-z]+)*")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class MetaCode(NamedTuple):
    """Meta's code, and its subcode where one is meant. None: a letter that has no code of Meta's."""

    code: int | None
    subcode: int | None = None

    def __str__(self) -> str:
        if self.code is None:
            return "none"
        return f"{self.code}" if self.subcode is None else f"{self.code}/{self.subcode}"


NO_META_CODE = MetaCode(None)


class Origin(NamedTuple):
    """A partition, of every topic or of one."""

    number: int
    topic: str | None = None

    def __str__(self) -> str:
        return f"{self.number}" if self.topic is None else f"{self.topic}:{self.number}"


@dataclass(frozen=True, slots=True)
class Filter:
    """
    What a letter must have. Without anything, every letter matches.

    `since_ago_s` and `until_ago_s` are how the times were said that were said as
    so many seconds ago.
    """

    reasons: frozenset[str] = frozenset()
    meta_codes: frozenset[MetaCode] = frozenset()
    since_ms: int | None = None
    until_ms: int | None = None
    since_ago_s: int | None = None
    until_ago_s: int | None = None
    origins: frozenset[Origin] = frozenset()
    event_names: frozenset[str] = field(default=frozenset(), repr=False)
    keys: frozenset[bytes] = field(default=frozenset(), repr=False)

    def matches(self, record: Record) -> bool:
        """Whether this letter is meant."""
        return (
            (not self.reasons or headers.reason_of(record.headers) in self.reasons)
            and (not self.keys or record.key in self.keys)
            and (not self.meta_codes or not self.meta_codes.isdisjoint(_meta_codes(record)))
            and (not self.origins or not self.origins.isdisjoint(_origins(record)))
            and self._is_of_the_time(record)
            and (not self.event_names or given_event_name(record) in self.event_names)
        )

    def _is_of_the_time(self, record: Record) -> bool:
        if self.since_ms is None and self.until_ms is None:
            return True
        failed_ms = failed_at_ms(record)
        return (self.since_ms is None or failed_ms >= self.since_ms) and (
            self.until_ms is None or failed_ms < self.until_ms
        )

    @property
    def is_empty(self) -> bool:
        """Whether every letter matches."""
        return self == Filter()

    @property
    def is_personal(self) -> bool:
        """Whether it may name somebody: by a key, or by an event's name that is none."""
        return bool(self.keys) or not all(map(PLAIN_NAME.fullmatch, self.event_names))

    @property
    def lets_more_in_later(self) -> bool:
        """Whether what it does not mean now it may mean later: letters until an hour ago do."""
        return self.until_ago_s is not None

    def name(self) -> str:
        """
        A short name, the same for the same filter, however it was written.

        That of letters since an hour ago stays the same from hour to hour:
        what is too old for it now is so for ever.

        Raises ValueError for a filter that is personal.
        """
        if self.is_personal:
            raise ValueError("a filter that may name somebody has no name")
        return hashlib.sha256(self.canonical()).hexdigest()[:NAME_LENGTH]

    def canonical(self) -> bytes:
        """The filter as text, whatever the order in which it was written."""
        told = self._told(self.event_names)
        if self.since_ago_s is not None:
            told["since"] = f"{self.since_ago_s} s ago"
        return orjson.dumps(told)

    def as_json(self) -> dict[str, object]:
        """The filter as it may be shown: keys are counted, and a name that may be somebody's is masked."""
        told = self._told({name if PLAIN_NAME.fullmatch(name) else MASKED for name in self.event_names})
        return told | ({"keys": len(self.keys)} if self.keys else {})

    def _told(self, event_names: Collection[str]) -> dict[str, object]:
        """All but the keys. What is not asked for is not there, so a new kind of filter renames no group."""
        told: dict[str, object] = {
            "reasons": sorted(self.reasons),
            "meta_codes": sorted(map(str, self.meta_codes)),
            "since": _time(self.since_ms),
            "until": _time(self.until_ms),
            "origin_partitions": sorted(map(str, self.origins)),
            "event_names": sorted(event_names),
        }
        return {kind: value for kind, value in told.items() if value}


def failed_at_ms(record: Record) -> int:
    """When it last failed, in milliseconds since 1970; the record's own time where it does not say."""
    failed_ms = time_ms(headers.text(record.headers, headers.FAILED_AT))
    return record.timestamp_ms if failed_ms is None else failed_ms


def time_ms(text: str) -> int | None:
    """ISO 8601 as milliseconds since 1970, in UTC where it names no zone; None where it is none."""
    try:
        at = datetime.fromisoformat(text)
        in_utc = at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
    return (in_utc - EPOCH) // timedelta(milliseconds=1)


def _time(ms: int | None) -> str | None:
    return None if ms is None else (EPOCH + timedelta(milliseconds=ms)).isoformat(timespec="milliseconds")


def _meta_codes(record: Record) -> tuple[MetaCode, ...]:
    """What may stand in a filter for this letter's code."""
    code = _whole(headers.text(record.headers, headers.META_CODE))
    if code is None:
        return (NO_META_CODE,)
    subcode = _whole(headers.text(record.headers, headers.META_SUBCODE))
    return (MetaCode(code),) if subcode is None else (MetaCode(code), MetaCode(code, subcode))


def _origins(record: Record) -> tuple[Origin, ...]:
    origin = headers.origin(record)
    return (Origin(origin.partition), Origin(origin.partition, origin.topic)) if origin else ()


def _whole(text: str) -> int | None:
    digits = text.removeprefix("-")
    return int(text) if digits.isascii() and digits.isdigit() and len(digits) < 19 else None
