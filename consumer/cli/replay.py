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
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

import orjson
import typer
from confluent_kafka import KafkaException

from consumer.cli.replay_report import ReplayRequest, replay_exit_code, print_for_a_person, say_what_begins, replay_summary
from consumer.clock import now_ms
from consumer.config.loading import load_settings
from consumer.config.settings import Settings
from consumer.console import err, out
from consumer.dead_letters.filters import Filter
from consumer.dead_letters.reader import DeadLetterReader, open_dead_letters
from consumer.dead_letters.replay.plan import Parking, ReplayPlanner
from consumer.dead_letters.replay.runner import RateLimit, ReplayRunner, ReplaySummary
from consumer.dead_letters.replay.sending import ReplaySender
from consumer.dead_letters.replay.validity import Recheck
from consumer.dead_letters.replay.way_back import open_replay_target
from consumer.errors import UsageError
from consumer.event_files.progress import progress
from consumer.kafka import clients
from consumer.kafka.admin import list_cluster
from consumer.kafka.producer import open_producer
from consumer.signals import stop_on_signal


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
