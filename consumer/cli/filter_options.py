"""
The filters of dead letters on the command line: options that several commands share, and how they are read.

    read_filter      the table: an option of the command line for each of its parameters
    takes_filter     @ a command with a Filter, which then has these options in its place

Each may be given more than once and takes a comma between words; `--key` takes
no comma, because a key may hold one.
"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from typing import Annotated, Any, NamedTuple

import typer

from consumer.cli.options import reasons
from consumer.clock import now_ms
from consumer.dead_letters.filters import NO_META_CODE, Filter, MetaCode, Origin, time_ms
from consumer.domain.decision import INVALID_REASONS, RENAMED_REASONS
from consumer.errors import UsageError

META_CODE = re.compile(r"(-?\d{1,18})(?:/(-?\d{1,18}))?", re.ASCII)
AGO = re.compile(r"(\d{1,6})\s?([smhdw])", re.ASCII)
AGO_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
ORIGIN = re.compile(r"(?:([A-Za-z0-9._-]{1,249}):)?(\d{1,9})", re.ASCII)


def _option(metavar: str, help: str, completes: Callable[[str], list[str]] | None = None) -> object:
    return typer.Option(metavar=metavar, help=help, show_default=False, autocompletion=completes)


Words = list[str] | None
Time = str | None


def read_filter(
    reason: Annotated[Words, _option("WORD", "Only letters of this reason.", reasons)] = None,
    meta_code: Annotated[
        Words,
        _option("CODE", "Only letters that Meta refused with this code, or code/subcode; none: without."),
    ] = None,
    since: Annotated[
        Time,
        _option(
            "TIME",
            "Only letters that failed at this time or later: 30m, 1h, 2d (ago), or ISO 8601, "
            "UTC unless it names a zone.",
        ),
    ] = None,
    until: Annotated[Time, _option("TIME", "Only letters that failed before this time.")] = None,
    origin_partition: Annotated[
        Words, _option("P", "Only letters that come from this partition, or topic:partition.")
    ] = None,
    event_name: Annotated[
        Words, _option("NAME", "Only letters whose event has this name, as the site gave it.")
    ] = None,
    key: Annotated[
        Words,
        _option(
            "TEXT", "Only letters whose record has this key. It may be personal: shells keep what is typed."
        ),
    ] = None,
) -> Filter:
    """The filter that these options say. Raises BadCall for what cannot be read."""
    now = now_ms()
    from_, to = _time("--since", since, now), _time("--until", until, now)
    if from_.ms is not None and to.ms is not None and from_.ms >= to.ms:
        raise UsageError("--since is not before --until: no letter lies between")
    return Filter(
        reasons=frozenset(map(_reason, _words("--reason", reason))),
        meta_codes=frozenset(map(_meta_code, _words("--meta-code", meta_code))),
        since_ms=from_.ms,
        until_ms=to.ms,
        since_ago_s=from_.ago_s,
        until_ago_s=to.ago_s,
        origins=frozenset(map(_origin, _words("--origin-partition", origin_partition))),
        event_names=frozenset(_words("--event-name", event_name)),
        # As the shell gave it, bytes that are no text included.
        keys=frozenset(one.encode("utf-8", "surrogateescape") for one in key or ()),
    )


def takes_filter(command: Callable[..., None]) -> Callable[..., None]:
    """The command with the options of a filter, first, in place of its parameter `chosen`."""
    # typer reads options off a signature, so this one is put together.
    options = inspect.signature(read_filter, eval_str=True).parameters
    own = inspect.signature(command, eval_str=True).parameters

    @functools.wraps(command)
    def called(**given: Any) -> None:  # noqa: ANN401 - as typer read them
        chosen = read_filter(**{name: given.pop(name) for name in options})
        command(chosen=chosen, **given)

    merged = [*options.values(), *(own[name] for name in own if name != "chosen")]
    called.__dict__["__signature__"] = inspect.Signature(merged)
    called.__annotations__ = {parameter.name: parameter.annotation for parameter in merged}
    return called


def _words(option: str, given: Sequence[str] | None) -> list[str]:
    words = [word.strip() for text in given or () for word in text.split(",") if word.strip()]
    if given and not words:
        raise UsageError(f"{option}: nothing is named")
    return words


def _reason(word: str) -> str:
    known = sorted(INVALID_REASONS)
    if word in RENAMED_REASONS:
        raise UsageError(f"--reason: {word} is called {RENAMED_REASONS[word]} now")
    if word not in known:
        near = get_close_matches(word, known, n=1)
        meant = f"did you mean {near[0]}?" if near else f"one of {' '.join(known)}"
        raise UsageError("--reason: no dead letter has such a reason", meant)
    return word


def _meta_code(text: str) -> MetaCode:
    if text == str(NO_META_CODE):
        return NO_META_CODE
    found = META_CODE.fullmatch(text)
    if found is None:
        raise UsageError("--meta-code: a code is expected, or code/subcode, such as 100/2804003, or none")
    return MetaCode(int(found[1]), None if found[2] is None else int(found[2]))


def _origin(text: str) -> Origin:
    found = ORIGIN.fullmatch(text)
    if found is None:
        raise UsageError("--origin-partition: a number is expected, or topic:number, such as capi.events:0")
    return Origin(int(found[2]), found[1])


class _Time(NamedTuple):
    """A time, and how long ago that is where it was said so."""

    ms: int | None = None
    ago_s: int | None = None


def _time(option: str, text: str | None, now_ms: int) -> _Time:
    if text is None:
        return _Time()
    if ago := AGO.fullmatch(text.strip()):
        ago_s = int(ago[1]) * AGO_S[ago[2]]
        return _Time(now_ms - 1000 * ago_s, ago_s)
    found = time_ms(text.strip())
    if found is None:
        raise UsageError(f"{option}: a time is expected, such as 1h, 2d (ago), or 2026-11-23T18:00:00Z")
    return _Time(found)
