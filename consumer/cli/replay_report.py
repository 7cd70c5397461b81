"""What `replay` tells: what it is about to do, what it did, and what that means for the exit code."""

from __future__ import annotations

from typing import NamedTuple

from consumer import errors
from consumer.console import err, out
from consumer.counted import pluralize
from consumer.dead_letters.filters import Filter
from consumer.dead_letters.replay.runner import ReplaySummary, StopReason
from consumer.dead_letters.replay.way_back import SkipReason
from consumer.dead_letters.tables import KEPT, print_tally

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
