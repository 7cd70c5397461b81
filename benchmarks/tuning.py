"""
What each setting does to the speed of a drain: `make bench-plot`.

One setting at a time is changed, the others are at their defaults; three rounds, each of which tries
everything once. What comes out is build/tuning.json, the table in docs/performance.md, and the picture.

With a number of requests at once that is told (`CAPI_CONCURRENCY=fixed`), since the adaptive
limit finds its own.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.drain import drain
from benchmarks.figures import Figure
from benchmarks.machine import machine
from benchmarks.page import PERFORMANCE, put_between
from benchmarks.plot import DRAWN_FILE, draw
from benchmarks.results import ROOT
from benchmarks.world import SHORT, World

JSON_FILE = ROOT / "build" / "tuning.json"
EVENTS = 50_000
ROUNDS = 3


class Trial(NamedTuple):
    """One setting changed to one value. `topic` is the compression of what is read."""

    knob: str
    value: str
    settings: Mapping[str, str] = {}
    topic: str = "lz4"


BATCH, AT_ONCE = "CAPI_BATCH_EVENTS_MAX", "CAPI_REQUESTS_IN_FLIGHT_MAX"
TRIALS = (
    Trial("the defaults", ""),
    *(Trial(BATCH, size, {BATCH: size}) for size in ("100", "250", "500", "1000")),
    *(
        Trial(AT_ONCE, many, {AT_ONCE: many, "CAPI_CONCURRENCY": "fixed"})
        for many in ("1", "2", "4", "8", "16")
    ),
    *(Trial("CAPI_POLL_RECORDS_MAX", some, {"CAPI_POLL_RECORDS_MAX": some}) for some in ("50", "2000")),
    Trial("CAPI_GZIP", "true", {"CAPI_GZIP": "true"}),
    *(Trial("compression of the topic", codec, {}, codec) for codec in ("none", "zstd", "gzip")),
)


class Effect(NamedTuple):
    """What a trial did."""

    trial: Trial
    events_s: Figure
    cpu_us: Figure
    peak_mb: Figure


def main() -> None:
    """Measure, write, draw."""
    asked = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    asked.add_argument("--events", type=int, default=EVENTS)
    asked.add_argument("--rounds", type=int, default=ROUNDS)
    asked.add_argument("--again", action="store_true", help="measure nothing: write and draw the last run")
    given = asked.parse_args()
    if not given.again:
        with tempfile.TemporaryDirectory(prefix="tuning-") as folder:
            world = World(Path(folder), SHORT)
            try:
                effects = measure(world, given.events, given.rounds)
            finally:
                world.end()
        JSON_FILE.parent.mkdir(exist_ok=True)
        JSON_FILE.write_text(json.dumps(as_json(effects), indent=2, ensure_ascii=False) + "\n")
    read = json.loads(JSON_FILE.read_text())
    effects = effects_of(read)
    put_between("tuning", f"{says(read)}\n\n{markdown(effects)}", PERFORMANCE)
    draw(
        [
            ("events in a request", points(effects, BATCH)),
            ("requests at once", points(effects, AT_ONCE)),
        ],
        DRAWN_FILE,
    )


def measure(world: World, events: int, rounds: int) -> list[Effect]:
    """Everything once a round; a line for each."""
    measured: dict[int, list[tuple[float, float, float]]] = defaultdict(list)
    for number in range(1, rounds + 1):
        for index, trial in enumerate(TRIALS):
            given: dict[str, Any] = dict(trial.settings)
            done = drain(world, world.backlog(events, trial.topic), **given)
            measured[index].append((done.events_s, done.cpu_us, done.peak_mb))
            print(
                f"round {number} of {rounds}  {trial.knob} {trial.value}: {done.events_s:,.0f} events/s, "
                f"{done.cpu_us:.1f} µs, {done.peak_mb:.0f} MB",
                flush=True,
            )
    return [
        Effect(trial, *(Figure(column) for column in zip(*measured[index], strict=True)))
        for index, trial in enumerate(TRIALS)
    ]


def as_json(effects: Sequence[Effect]) -> dict[str, Any]:
    """What build/tuning.json holds."""
    rows = [
        {
            "trial": effect.trial._asdict(),
            "events_s": effect.events_s.rounds,
            "cpu_us": effect.cpu_us.rounds,
            "peak_mb": effect.peak_mb.rounds,
        }
        for effect in effects
    ]
    return {"effects": rows, "machine": machine()}


def effects_of(read: Mapping[str, Any]) -> list[Effect]:
    """The other way."""
    return [
        Effect(Trial(**row["trial"]), *(Figure(row[name]) for name in ("events_s", "cpu_us", "peak_mb")))
        for row in read["effects"]
    ]


def points(effects: Sequence[Effect], knob: str) -> list[tuple[str, Figure, Figure]]:
    """A curve: value, events a second, processor."""
    return [(one.trial.value, one.events_s, one.cpu_us) for one in effects if one.trial.knob == knob]


def says(read: Mapping[str, Any]) -> str:
    """Of which run."""
    on = read["machine"]
    rounds = len(read["effects"][0]["cpu_us"])
    return (
        f"{rounds} rounds on {on['day']}, commit `{on['commit']}`: {on['cores']} cores of {on['processor']}."
    )


def markdown(effects: Sequence[Effect]) -> str:
    """The table of the page."""
    lines = [
        "| changed | to | events/s | range | processor, µs | range | peak MB |",
        "|---|---|---:|---|---:|---|---:|",
    ]
    for trial, events_s, cpu_us, peak_mb in effects:
        knob = f"`{trial.knob}`" if trial.knob.startswith("CAPI_") else trial.knob
        speed = f"{events_s.median:,.0f} | {events_s.low:,.0f} to {events_s.high:,.0f}"
        cost = f"{cpu_us.median:.1f} | {cpu_us.low:.1f} to {cpu_us.high:.1f}"
        lines.append(f"| {knob} | {trial.value} | {speed} | {cost} | {peak_mb.median:.0f} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
