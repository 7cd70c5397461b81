"""
What a dead letter says of itself: the headers beside the unchanged record.

Key, value, timestamp and the record's own headers stay as they were. What is
added is text under `dlq.`; on repetition it is replaced, never piled up, and
the origin is that of the first time. No header holds a token, a personal value
or a digest: details are field names and codes.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from consumer.domain.decision import RENAMED_REASONS, Reason
from consumer.domain.record import (
    ORIGIN_OFFSET,
    ORIGIN_PARTITION,
    ORIGIN_TIMESTAMP,
    ORIGIN_TOPIC,
    Coordinates,
    Headers,
    Record,
    coordinates,
)

PREFIX = "dlq."
VERSION = "dlq.version"
REASON = "dlq.reason"
DETAIL = "dlq.detail"
META_CODE = "dlq.meta-code"
META_SUBCODE = "dlq.meta-subcode"
FBTRACE_ID = "dlq.fbtrace-id"
HTTP_STATUS = "dlq.http-status"
ATTEMPTS = "dlq.attempts"
FIRST_FAILED_AT = "dlq.first-failed-at"
FAILED_AT = "dlq.failed-at"
GROUP = "dlq.group"
CONSUMER_VERSION = "dlq.consumer-version"
REPLAY_COUNT = "dlq.replay-count"
VALUE_OMITTED = "dlq.value-omitted"

LAYOUT = "1"
# Enough for every header we write; a longer one is cut, so that a letter is
# never refused for what we added to it.
HEADER_BYTES_MAX = 256

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII)


class FailureInfo(NamedTuple):
    """
    Why a record becomes a dead letter.

    `detail` holds field names and codes, never values. `attempts` counts the
    requests in which the event was sent.
    """

    reason: Reason
    detail: str = ""
    meta_code: int | None = None
    meta_subcode: int | None = None
    fbtrace_id: str | None = None
    http_status: int | None = None
    attempts: int = 0


class WrittenBy(NamedTuple):
    """Who writes the letter, and when. `now` is RFC 3339 text in UTC."""

    group: str
    version: str
    now: str


def dead_letter_headers(
    record: Record, failure: FailureInfo, writer: WrittenBy
) -> list[tuple[str, bytes | None]]:
    """The headers of the letter: the record's own, then ours."""
    own = [(name, value) for name, value in record.headers if not name.startswith(PREFIX)]
    origin = coordinates(record)
    ours: dict[str, object] = {
        VERSION: LAYOUT,
        REASON: failure.reason,
        DETAIL: failure.detail,
        META_CODE: failure.meta_code,
        META_SUBCODE: failure.meta_subcode,
        FBTRACE_ID: failure.fbtrace_id,
        HTTP_STATUS: failure.http_status,
        ATTEMPTS: failure.attempts,
        FIRST_FAILED_AT: _first_failed_at(record.headers) or writer.now,
        FAILED_AT: writer.now,
        ORIGIN_TOPIC: origin.topic,
        ORIGIN_PARTITION: origin.partition,
        ORIGIN_OFFSET: origin.offset,
        ORIGIN_TIMESTAMP: origin.timestamp_ms,
        GROUP: writer.group,
        CONSUMER_VERSION: writer.version,
        REPLAY_COUNT: replay_count(record.headers),
    }
    return own + [(name, _bounded(value)) for name, value in ours.items() if value not in (None, "")]


def replay_headers(headers: Headers) -> list[tuple[str, bytes | None]]:
    """The headers of a letter on its way back: the origin and the first failure stay, the count is raised."""
    kept = {ORIGIN_TOPIC, ORIGIN_PARTITION, ORIGIN_OFFSET, ORIGIN_TIMESTAMP, FIRST_FAILED_AT}
    back = [(name, value) for name, value in headers if not name.startswith(PREFIX) or name in kept]
    return [*back, (REPLAY_COUNT, str(replay_count(headers) + 1).encode())]


def replay_count(headers: Headers) -> int:
    """How often the record has come back; 0 for a count that cannot be read."""
    counted = text(headers, REPLAY_COUNT)
    return int(counted) if counted.isascii() and counted.isdigit() and len(counted) < 10 else 0


def text(headers: Headers, name: str) -> str:
    """The last header of that name as text, empty where there is none."""
    for header, value in reversed(headers):
        if header == name:
            return (value or b"").decode("utf-8", "replace")
    return ""


def reason_of(headers: Headers) -> str:
    """The reason of a dead letter, in today's word; empty if there is none."""
    word = text(headers, REASON)
    return RENAMED_REASONS.get(word, word)


def _first_failed_at(headers: Headers) -> str:
    """As an earlier letter says it; empty where none does. Anybody may write a header of that name."""
    written = text(headers, FIRST_FAILED_AT)
    return written if _TIME.fullmatch(written) else ""


def _bounded(value: object) -> bytes:
    """Cut between two characters: a header is text."""
    written = str(value).encode("utf-8", "replace")[:HEADER_BYTES_MAX]
    return written.decode("utf-8", "ignore").encode()


def origin(record: Record) -> Coordinates | None:
    """Where the letter's record first stood, when its headers say so."""
    first = coordinates(record)  # the letter's own place, where the headers do not say
    return first if first.topic == text(record.headers, ORIGIN_TOPIC) else None
