"""
`capi-consumer replay`: dead letters back to the topics they came from, once.

After a fix (of a setting, of an account at Meta, of this program) the letters
are consumed again as if they came for the first time, with the coordinates
they had then. The summary (one line of JSON with `--json`) says what was done;
what could not go back is counted by its reason and makes the exit code 1.
"""

from __future__ import annotations

import time
from typing import Annotated

import orjson
import typer
from confluent_kafka import KafkaException

from consumer import exits, kafka
from consumer.asked_to_stop import asked_to_stop
from consumer.letters.replaying import Ended, Outcome, Pace, Replay, Sending
from consumer.letters.tables import KEPT, counted, print_tally
from consumer.letters.topic import DeadLetterTopic, open_dead_letters
from consumer.letters.way_back import LeftOut, open_way_back
from consumer.load_settings import load_settings
from consumer.producing import open_publisher
from consumer.settings import Settings
from consumer.terminal import AsJson, SettingsFile, err, out, progress

MEANS = {
    LeftOut.NO_ORIGIN: (
        "it does not say where it comes from, so this consumer did not write it: "
        "--to TOPIC (with a --group of its own) sends it all the same"
    ),
    LeftOut.NO_VALUE: "the record had no value, and going back it would delete: nothing to do",
    LeftOut.ORIGINAL_GONE: (
        "its value was too large for the dead-letter topic, and its origin no longer has it: "
        "publish the event again from where it was made"
    ),
    LeftOut.TOO_LARGE: (
        "the topic it goes to does not take its size: raise that topic's max.message.bytes, "
        "then replay with a --group of its own"
    ),
}
UNCHANGED = "They went back unchanged, and fail again unless the cause was mended elsewhere."

DryRun = Annotated[bool, typer.Option("--dry-run", help="Count what would go back; write nothing.")]
To = Annotated[
    str | None,
    typer.Option(
        help="Send everything to this topic instead of each letter's origin. It must exist.",
        metavar="TOPIC",
        show_default=False,
    ),
]
Rate = Annotated[
    float | None, typer.Option(help="Letters a second, at most.", min=0.001, metavar="N", show_default=False)
]
Limit = Annotated[
    int | None,
    typer.Option(help="Stop after this many letters.", min=1, metavar="N", show_default=False),
]
Group = Annotated[
    str | None,
    typer.Option(
        help="The group whose committed offsets are the progress. Default: CAPI_GROUP and `.replay`.",
        metavar="G",
        show_default=False,
    ),
]


def replay(
    dry_run: DryRun = False,
    to: To = None,
    rate: Rate = None,
    limit: Limit = None,
    group: Group = None,
    as_json: AsJson = False,
    settings_file: SettingsFile = None,
) -> None:
    """
    Send dead letters back to the topics they came from.

    Each letter once: the progress is the committed offset of a group of its
    own, so a replay can be stopped, even killed, and run again. It goes up
    to the end of the dead-letter topic as it is at start.

    Letters go back unchanged, and fail again unless the cause was mended
    elsewhere: in the settings, at Meta, in this program. To mend the letters
    themselves, use `dead-letters export` and `publish --replay`.

    A letter from a topic that is not in CAPI_TOPICS stops it, unless --to
    says where everything goes. What can never go back is left out and counted.
    """
    settings = load_settings(file=settings_file)
    name = group or replay_group(settings)
    started = time.monotonic()
    with open_dead_letters(settings, group=name) as letters:
        outcome = _run(settings, letters, to=to, rate=rate, limit=limit, dry_run=dry_run)
    if as_json:
        seconds = time.monotonic() - started
        said = summary(letters, outcome, group=name, dry_run=dry_run, seconds=seconds)
        out.print(orjson.dumps(said).decode(), markup=False)
    else:
        _print_for_a_person(outcome, letters, group=name, dry_run=dry_run)
    if outcome.says:
        err.print(f"capi-consumer: {outcome.says}", markup=False)
    raise typer.Exit(exit_code(outcome))


def replay_group(settings: Settings) -> str:
    """The group of a replay without filters."""
    return f"{settings.group}.replay"


def _run(
    settings: Settings,
    letters: DeadLetterTopic,
    *,
    to: str | None,
    rate: float | None,
    limit: int | None,
    dry_run: bool,
) -> Outcome:
    sending = None if dry_run else Sending(lambda on_failure: open_publisher(settings, on_failure))
    with open_way_back(settings, to) as way, asked_to_stop() as stop, progress("offsets") as bar:
        task = bar.add_task("looking" if dry_run else "replaying", total=letters.offsets_total)
        try:
            return Replay(letters, way, sending).run(
                pace=Pace(rate),
                limit=limit,
                stop=stop,
                on_progress=lambda passed: bar.update(task, completed=passed),
            )
        except KafkaException as error:
            raise kafka.cannot_reach(settings, error) from None


def summary(
    letters: DeadLetterTopic, outcome: Outcome, *, group: str, dry_run: bool, seconds: float
) -> dict[str, object]:
    """What was done, as JSON has it. `offsets_left` counts offsets, which may be holes."""
    return {
        "topic": letters.topic,
        "group": group,
        "dry_run": dry_run,
        "ended": outcome.ended,
        "replayed": outcome.replayed.total,
        "left_out": {word.value: count for word, count in sorted(outcome.left_out.items())},
        "letters": outcome.replayed.as_json(),
        "offsets_left": outcome.offsets_left,
        "seconds": round(seconds, 3),
    }


def _print_for_a_person(outcome: Outcome, letters: DeadLetterTopic, *, group: str, dry_run: bool) -> None:
    if outcome.replayed.total:
        print_tally(outcome.replayed)
    done = "would be replayed" if dry_run else "replayed"
    out.print(f"{counted(outcome.replayed.total)} of {letters.topic} {done}; group {group}", markup=False)
    if outcome.replayed.total and not dry_run:
        out.print(f"{UNCHANGED}\n{KEPT}", markup=False)
    if outcome.left_out:
        out.print(f"{outcome.left_out.total()} left out:", markup=False)
        for word, count in sorted(outcome.left_out.items()):
            out.print(f"  {word} {count}: {MEANS[word]}", markup=False)
    if outcome.ended is not Ended.DONE:
        left = outcome.offsets_left
        out.print(
            f"ended early ({outcome.ended}): up to {left} are left; run it again to go on", markup=False
        )


def exit_code(outcome: Outcome) -> int:
    """0 when all that was asked for was done; 130 when somebody stopped it before."""
    is_all = outcome.ended in (Ended.DONE, Ended.LIMIT) and not outcome.left_out
    return exits.code(is_all=is_all, is_interrupted=outcome.ended is Ended.INTERRUPTED)
