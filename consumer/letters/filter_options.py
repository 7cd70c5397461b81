"""
The filters of dead letters on the command line: options that several commands share, and how they are read.

Each may be given more than once and takes a comma between words; `--key` takes
no comma, because a key may hold one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Annotated

import typer

from consumer.core.decision import INVALID_REASONS
from consumer.exits import BadCall
from consumer.letters.filters import Filter, MetaCode, Origin, time_ms

Reasons = Annotated[
    list[str] | None,
    typer.Option("--reason", help="Only letters of this reason.", metavar="WORD", show_default=False),
]
MetaCodes = Annotated[
    list[str] | None,
    typer.Option(
        "--meta-code",
        help="Only letters that Meta refused with this code, or code/subcode.",
        metavar="CODE",
        show_default=False,
    ),
]
Since = Annotated[
    str | None,
    typer.Option(
        help="Only letters that failed at this time or later: ISO 8601, UTC unless it names a zone.",
        metavar="TIME",
        show_default=False,
    ),
]
Until = Annotated[
    str | None,
    typer.Option(help="Only letters that failed before this time.", metavar="TIME", show_default=False),
]
OriginPartitions = Annotated[
    list[str] | None,
    typer.Option(
        "--origin-partition",
        help="Only letters that come from this partition, or topic:partition.",
        metavar="P",
        show_default=False,
    ),
]
EventNames = Annotated[
    list[str] | None,
    typer.Option(
        "--event-name",
        help="Only letters whose event has this name, as the site gave it.",
        metavar="NAME",
        show_default=False,
    ),
]
Keys = Annotated[
    list[str] | None,
    typer.Option(
        "--key",
        help="Only letters whose record has this key. It may be personal: shells keep what is typed.",
        metavar="TEXT",
        show_default=False,
    ),
]

META_CODE = re.compile(r"(-?\d{1,18})(?:/(-?\d{1,18}))?", re.ASCII)
ORIGIN = re.compile(r"(?:([A-Za-z0-9._-]{1,249}):)?(\d{1,9})", re.ASCII)


def read_filter(
    *,
    reasons: Sequence[str] | None = None,
    meta_codes: Sequence[str] | None = None,
    since: str | None = None,
    until: str | None = None,
    origin_partitions: Sequence[str] | None = None,
    event_names: Sequence[str] | None = None,
    keys: Sequence[str] | None = None,
) -> Filter:
    """The filter that these options say. Raises BadCall for what cannot be read."""
    since_ms, until_ms = _time("--since", since), _time("--until", until)
    if since_ms is not None and until_ms is not None and since_ms >= until_ms:
        raise BadCall("--since is not before --until: no letter lies between")
    return Filter(
        reasons=frozenset(map(_reason, _words("--reason", reasons))),
        meta_codes=frozenset(map(_meta_code, _words("--meta-code", meta_codes))),
        since_ms=since_ms,
        until_ms=until_ms,
        origins=frozenset(map(_origin, _words("--origin-partition", origin_partitions))),
        event_names=frozenset(_words("--event-name", event_names)),
        # As the shell gave it, bytes that are no text included.
        keys=frozenset(key.encode("utf-8", "surrogateescape") for key in keys or ()),
    )


def _words(option: str, given: Sequence[str] | None) -> list[str]:
    words = [word.strip() for text in given or () for word in text.split(",") if word.strip()]
    if given and not words:
        raise BadCall(f"{option}: nothing is named")
    return words


def _reason(word: str) -> str:
    known = sorted(INVALID_REASONS)
    if word not in known:
        near = get_close_matches(word, known, n=1)
        meant = f"did you mean {near[0]}?" if near else f"one of {' '.join(known)}"
        raise BadCall("--reason: no dead letter has such a reason", meant)
    return word


def _meta_code(text: str) -> MetaCode:
    found = META_CODE.fullmatch(text)
    if found is None:
        raise BadCall("--meta-code: a code is expected, or code/subcode, such as 100/2804003")
    return MetaCode(int(found[1]), None if found[2] is None else int(found[2]))


def _origin(text: str) -> Origin:
    found = ORIGIN.fullmatch(text)
    if found is None:
        raise BadCall("--origin-partition: a number is expected, or topic:number, such as capi.events:0")
    return Origin(int(found[2]), found[1])


def _time(option: str, text: str | None) -> int | None:
    if text is None:
        return None
    found = time_ms(text.strip())
    if found is None:
        raise BadCall(f"{option}: a time is expected, such as 2026-11-23T18:00:00Z")
    return found
