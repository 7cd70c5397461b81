"""
A thousand events of a shop, shipped with the package, with the times of today.

    {"end": "accepted", "id": "6d1...", "event": {"event_timestamp": "{{now-3600}}", ...}}

One line of shop.jsonl is an event (or a `text`, where the sample is not
JSON) beside what becomes of it: `accepted`, or a reason. Times are written as
seconds from now, so that the samples never grow old:

    "{{now-3600}}"      a number: unix seconds, an hour ago
    "{{now_ms-3600}}"   a number: the same in milliseconds
    "{{now_iso-3600}}"  a text: the same as RFC 3339
    "fb.1.{{now_ms-60}}.AbC"   inside a text, as text
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from importlib import resources
from typing import NamedTuple

import orjson

ACCEPTED = "accepted"
# The consent category that stands for advertising in the samples.
ADVERTISING = "3"

# Alone between quotes it stands for a number, except a date, which is text.
TIME = re.compile(rb'"\{\{(now|now_ms)([+-]\d+)\}\}"|\{\{(now|now_ms|now_iso)([+-]\d+)\}\}')


class Sample(NamedTuple):
    """One event. `end` is `accepted` or a reason; `event_id` is what Meta gets, None where it is made up."""

    value: bytes
    expected: str
    event_id: str | None
    about: str


def shop_samples(now_s: float) -> list[Sample]:
    """All samples, oldest first, as if they were read at `now_s` (unix seconds)."""
    shipped = resources.files("consumer.demo") / "shop.jsonl"
    return [_sample(line) for line in with_times(shipped.read_bytes(), now_s).splitlines()]


def with_times(template: bytes, now_s: float) -> bytes:
    """The template with its times filled in."""
    return TIME.sub(lambda found: _time(found, now_s), template)


def _time(found: re.Match[bytes], now_s: float) -> bytes:
    kind = (found[1] or found[3]).decode()
    seconds = int(now_s) + int(found[2] or found[4])
    if kind == "now_iso":
        return datetime.fromtimestamp(seconds, UTC).isoformat().encode()
    return str(seconds * 1000 if kind == "now_ms" else seconds).encode()


def _sample(line: bytes) -> Sample:
    fields = orjson.loads(line)
    value = orjson.dumps(fields["event"]) if "event" in fields else fields["text"].encode()
    return Sample(value, fields["end"], fields["id"], fields.get("about", ""))
