"""
`capi-consumer replay`: dead letters back to the topics they came from, once.

After a fix (of a setting, of an account at Meta, of this program) the letters
are consumed again as if they came for the first time, with the coordinates
they had then. The summary (one line of JSON with `--json`) says what was done;
what could not go back is counted by its reason and makes the exit code 1.

Progress is the committed offset of a group. Whatever changes which letters are
handled, or where they go, is in its name: what one replay leaves out is then
not hidden from the next.

    no filter                  <group>.replay
    a filter                   <group>.replay.1f3a9c02, the same for the same filter
    --include-old              ….old, which passes by what has gone without it
    --to TOPIC                 ….to.TOPIC
    one that may name somebody --group is demanded

What `replay` tells: what it is about to do, what it did, and what that means for the exit code.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import orjson
import typer
from confluent_kafka import KafkaException

from consumer import errors
from consumer.clock import now_ms
from consumer.config.loading import load_settings
from consumer.config.settings import Settings
from consumer.console import err, out, pluralize
from consumer.dead_letters.filters import Filter
from consumer.dead_letters.reader import DeadLetterReader, open_dead_letters
from consumer.dead_letters.replay.plan import Parking, Recheck, ReplayPlanner, SkipReason, open_replay_target
from consumer.dead_letters.replay.runner import (
    RateLimit,
    ReplayRunner,
    ReplaySender,
    ReplaySummary,
    StopReason,
)
from consumer.dead_letters.tables import KEPT, print_tally
from consumer.errors import UsageError
from consumer.event_files.event_files import progress
from consumer.kafka import clients
from consumer.kafka.admin import list_cluster
from consumer.kafka.producer import open_producer
from consumer.signals import stop_on_signal

MEANS = {
    SkipReason.NO_ORIGIN: (
        "it does not say where it comes from, so this consumer did not write it: "
        "--to TOPIC, with all the others that match, sends it all the same"
    ),
    SkipReason.NO_VALUE: "the record had no value, and going back it would delete: nothing to do",
    SkipReason.ORIGINAL_GONE: (
        "its value was too large for the dead-letter topic, and its origin no longer has it: "
        "publish the event again from where it was made"
    ),
    SkipReason.TOO_LARGE: (
        "the topic it goes to does not take its size: raise that topic's max.message.bytes, "
        "then replay with a --group of its own"
    ),
    SkipReason.TOO_OLD: (
        "Meta takes the event no more, by its own time, so it would be filtered: "
        "--include-old (and another --group, where one was named) sends it all the same"
    ),
}
UNCHANGED = "They went back unchanged, and fail again unless the cause was mended elsewhere."


class ReplayRequest(NamedTuple):
    """What was asked for, as the summary repeats it."""

    topic: str
    parking_topic: str
    group: str
    filter: Filter
    include_old: bool
    to: str | None
    dry_run: bool


def say_what_begins(asked: ReplayRequest) -> None:
    """The group, before anything is done with it, on standard error."""
    doing = "looking at" if asked.dry_run else "replaying"
    old = ", too old ones included" if asked.include_old else ""
    err.print(f"{doing} {asked.topic} with group {asked.group}; {in_words(asked.filter)}{old}", markup=False)


def in_words(filter: Filter) -> str:
    """The filter in one line, without keys."""
    if filter.is_empty:
        return "every letter"
    kinds = (
        f"{kind}: {', '.join(value) if isinstance(value, list) else value}"
        for kind, value in filter.as_json().items()
    )
    return "; ".join(kind.replace("_", " ") for kind in kinds)


def replay_summary(asked: ReplayRequest, outcome: ReplaySummary, *, seconds: float) -> dict[str, object]:
    """What was done, as JSON has it. `offsets_left` counts offsets, which may be holes."""
    return {
        "topic": asked.topic,
        "group": asked.group,
        "filters": asked.filter.as_json(),
        "include_old": asked.include_old,
        "to": asked.to,
        "dry_run": asked.dry_run,
        "ended": outcome.stop_reason,
        "matched": outcome.matched,
        "replayed": outcome.replayed.total,
        "parked": outcome.parked,
        "left_out": {word.value: count for word, count in sorted(outcome.skipped.items())},
        "not_matched": outcome.not_matched,
        "letters": outcome.replayed.as_json(),
        "offsets_left": outcome.offsets_left,
        "seconds": round(seconds, 3),
    }


def print_for_a_person(asked: ReplayRequest, outcome: ReplaySummary) -> None:
    """What was done, in words and a table."""
    would = "would be " if asked.dry_run else ""
    if outcome.replayed.total:
        print_tally(outcome.replayed)
    replayed, parked, not_matched = (
        pluralize(letters, "letter")
        for letters in (outcome.replayed.total, outcome.parked, outcome.not_matched)
    )
    out.print(f"{replayed} of {asked.topic} {would}replayed; group {asked.group}", markup=False)
    if outcome.replayed.total and not asked.dry_run:
        out.print(f"{UNCHANGED}\n{KEPT}", markup=False)
    if outcome.parked:
        out.print(
            f"{parked} {would}parked in {asked.parking_topic}: come back too often, somebody has to look",
            markup=False,
        )
    if outcome.skipped:
        out.print(f"{outcome.skipped.total()} left out:", markup=False)
        for word, count in sorted(outcome.skipped.items()):
            out.print(f"  {word} {count}: {MEANS[word]}", markup=False)
    if outcome.not_matched:
        gone = ", or gone before without --include-old" if asked.include_old else ""
        not_matched = f"{not_matched} not matched{gone}"
        out.print(f"{not_matched}: passed for this group alone, and there for another filter's", markup=False)
    if outcome.stop_reason is not StopReason.DONE:
        left = outcome.offsets_left
        out.print(
            f"ended early ({outcome.stop_reason}): up to {left} are left; run it again to go on", markup=False
        )


def replay_exit_code(outcome: ReplaySummary) -> int:
    """0 when all that matched went back as far as was asked; 130 when somebody stopped it before."""
    is_all = (
        outcome.stop_reason in (StopReason.DONE, StopReason.LIMIT)
        and not outcome.skipped
        and not outcome.parked
    )
    return errors.exit_code(is_all=is_all, is_interrupted=outcome.stop_reason is StopReason.INTERRUPTED)


def replay(
    chosen: Filter,
    settings_file: Path | None,
    *,
    dry_run: bool,
    to: str | None,
    rate: float | None,
    limit: int | None,
    max_replays: int,
    include_old: bool,
    group: str | None,
    as_json: bool,
) -> None:
    """Replay what is chosen, and sum up. Exits with 1 where a letter did not go back."""
    settings = load_settings(file=settings_file)
    name = group or replay_group(settings, chosen, include_old=include_old, to=to)
    asked = ReplayRequest(
        settings.dead_letter_topic, settings.parking_topic, name, chosen, include_old, to, dry_run
    )
    started = time.monotonic()
    with open_dead_letters(settings, group=name) as letters, open_replay_target(settings, to) as way_back:
        say_what_begins(asked)
        parking = Parking(settings.parking_topic, _is_there(settings, settings.parking_topic), max_replays)
        passed: Mapping[int, int] | None = None
        if include_old:
            passed = {} if group else passed_without_old(settings, chosen, to)
        fates = ReplayPlanner(
            chosen, parking, way_back, Recheck(settings.mapping_options, now_ms).is_too_old, passed
        )
        outcome = _run(settings, letters, fates, rate=rate, limit=limit, dry_run=dry_run)
    if as_json:
        said = replay_summary(asked, outcome, seconds=time.monotonic() - started)
        out.print(orjson.dumps(said).decode(), markup=False)
    else:
        print_for_a_person(asked, outcome)
    if outcome.message:
        err.print(f"capi-consumer: {outcome.message}", markup=False)
    raise typer.Exit(replay_exit_code(outcome))


def replay_group(
    settings: Settings, chosen: Filter, *, include_old: bool = False, to: str | None = None
) -> str:
    """The group of such a replay. Raises BadCall for a filter that may name somebody, or that moves on."""
    if chosen.is_personal:
        raise UsageError(
            "a filter that may name somebody (--key, or an --event-name that is no plain word) "
            "needs a --group of its own",
            "one made from the filter could be traced back to the person",
        )
    if chosen.lets_more_in_later:
        raise UsageError(
            "--until as a time ago moves on, and what it leaves out now would be passed for the next replay",
            "name the time itself, such as 2026-11-23T18:00:00Z, or a --group of its own",
        )
    # With one group for both, a replay without --include-old or --to would move the progress past records
    # that only the other one sends.
    parts = ["" if chosen.is_empty else chosen.name(), "old" if include_old else "", f"to.{to}" if to else ""]
    return ".".join([settings.group_id, "replay", *filter(None, parts)])


def passed_without_old(settings: Settings, chosen: Filter, to: str | None) -> Mapping[int, int]:
    """How far the same replay has come that leaves out what is too old: partition -> next offset."""
    with open_dead_letters(settings, group=replay_group(settings, chosen, to=to)) as letters:
        return dict(letters.reached)


def _is_there(settings: Settings, topic: str) -> bool:
    return topic in list_cluster(clients.admin_client(settings), settings).topics


def _run(
    settings: Settings,
    letters: DeadLetterReader,
    fates: ReplayPlanner,
    *,
    rate: float | None,
    limit: int | None,
    dry_run: bool,
) -> ReplaySummary:
    sending = None if dry_run else ReplaySender(lambda on_failure: open_producer(settings, on_failure))
    with stop_on_signal() as stop, progress("offsets") as bar:
        task = bar.add_task("looking" if dry_run else "replaying", total=letters.offsets_total)
        try:
            return ReplayRunner(letters, fates, sending).run(
                pace=RateLimit(rate),
                limit=limit,
                stop=stop,
                on_progress=lambda passed: bar.update(task, completed=passed),
            )
        except KafkaException as error:
            raise clients.cannot_reach(settings, error) from None
