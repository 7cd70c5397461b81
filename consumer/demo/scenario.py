"""
What happens in the demo, in order.

    1  the samples are published
    2  the consumer brings each to its end
    3  the dead-letter topic is read
    4  one letter is exported, mended, published again, and accepted

Does it add up? The demo's judgement of itself.

What was meant is written beside each sample; what was accepted is what the
sandbox saw; what failed is what stands in the dead-letter topic. The consumer's
own counters are believed in nothing but the filtered reasons, which nobody
else can see, and those must fill exactly the gap that the others leave.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from consumer.clock import now_ms
from consumer.config.settings import Settings
from consumer.dead_letters.headers import REASON, text
from consumer.dead_letters.jsonl import to_line
from consumer.dead_letters.reader import open_dead_letters
from consumer.dead_letters.replay.plan import Recheck, open_replay_target
from consumer.dead_letters.replay.runner import ReplaySender
from consumer.demo.environment import ACCEPTED, EVENTS, DemoEnvironment, Sample, shop_samples
from consumer.domain.decision import FILTERED_REASONS, INVALID_REASONS, Reason
from consumer.domain.record import Record
from consumer.errors import CommandError
from consumer.event_files.lines import FoundEvent
from consumer.kafka.producer import open_producer
from consumer.mapping.event import parse
from consumer.observability import metrics
from consumer.observability.telemetry import Labels
from consumer.publish.events import dead_letter_validator, record_key, send_dead_letters
from consumer.publish.runner import PublishReport, PublishRunner
from consumer.sandbox.request_log import Stats

PUBLISHED_WITHIN_S = 20.0
CURRENCY = "EUR"

AcceptedEvent = dict[str, Any]
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class FixedRecord:
    """One letter on its second way: as it was exported, and what the sandbox accepted then."""

    letter: Record
    published: int
    accepted: Sequence[AcceptedEvent]


@dataclass(frozen=True, slots=True)
class ScenarioResult:
    """What was meant, what was done, and what was seen, before the mending and after it."""

    samples: Sequence[Sample]
    published: int
    accepted: Sequence[AcceptedEvent]
    stats: Stats
    counters: dict[str, dict[Labels, int]]
    letters: Sequence[Record]
    mended: FixedRecord


async def run_scenario(world: DemoEnvironment, tell: Tell) -> ScenarioResult:
    """Live through it; `tell` hears of each step. Raises CannotGoOn when the world does not go on."""
    settings = world.settings
    samples = shop_samples(time.time())
    tell(f"publishing {len(samples)} events of a shop")
    published = await asyncio.to_thread(_publish, settings, samples)
    tell("consuming them: map, normalise, hash, send")
    await world.settled()
    accepted, stats, counters = world.sandbox.accepted, world.sandbox.stats, world.telemetry.snapshot()
    tell("reading the dead-letter topic")
    letters = await asyncio.to_thread(_letters, settings)
    tell("mending one letter and publishing it again")
    mended = await _mended(world, _without_currency(letters), len(accepted))
    return ScenarioResult(samples, published, accepted, stats, counters, letters, mended)


def _publish(settings: Settings, samples: Sequence[Sample]) -> int:
    """As `publish --raw` does: every line as it stands, keyed by user id where there is one."""
    publisher = open_producer(settings)
    (topic,) = settings.topics
    for sample in samples:
        publisher.send(topic, record_key(sample.value), sample.value, timestamp_ms=now_ms())
    return publisher.finish(PUBLISHED_WITHIN_S).delivered


def _letters(settings: Settings) -> list[Record]:
    with open_dead_letters(settings) as letters:
        return list(letters)


def _without_currency(letters: Sequence[Record]) -> Record:
    for letter in letters:
        if text(letter.headers, REASON) == Reason.PURCHASE_WITHOUT_CURRENCY:
            event = parse(letter.value or b"")
            if isinstance(event, dict) and "currency" not in event:
                return letter
    raise CommandError("no purchase without a currency among the dead letters: the demo has nothing to mend")


async def _mended(world: DemoEnvironment, letter: Record, accepted_before: int) -> FixedRecord:
    line = orjson.loads(to_line(letter))
    line["event"]["currency"] = CURRENCY
    published = await asyncio.to_thread(_publish_letter, world.settings, orjson.dumps(line))
    await world.settled()
    return FixedRecord(letter, published, world.sandbox.accepted[accepted_before:])


def _publish_letter(settings: Settings, line: bytes) -> int:
    """As `publish --replay` does."""
    report = PublishReport()
    sending = ReplaySender(lambda on_failure: open_producer(settings, on_failure))
    with open_replay_target(settings, None) as way_back:
        publishing = PublishRunner(
            dead_letter_validator(way_back, Recheck(settings.mapping_options, now_ms), report), report
        )
        done = publishing.publish(
            lambda: [FoundEvent(1, 1, line)], lambda letters: send_dead_letters(letters, sending, report)
        )
    return done.published


MADE_UP_ID = re.compile(rf"{re.escape(EVENTS)}-\d+-\d+-\d+")


class Assertion(NamedTuple):
    """One fact: whether it holds, and the numbers."""

    fact: str
    holds: bool
    numbers: str


def assertions(story: ScenarioResult) -> list[Assertion]:
    """Everything that must be so."""
    return [
        _published(story),
        _accepted(story),
        _once(story),
        _dead_letters_right(story),
        _filtered(story),
        _sum(story),
        _fixed_record_right(story),
    ]


def meant(story: ScenarioResult, reasons: Iterable[str]) -> Counter[str]:
    """How many samples were meant to end so."""
    wanted = set(reasons)
    return Counter(sample.expected for sample in story.samples if sample.expected in wanted)


def filtered(story: ScenarioResult) -> Counter[str]:
    """What the consumer says it filtered, by reason."""
    counted = story.counters[metrics.FILTERED.name]
    return Counter({labels[0]: count for labels, count in counted.items() if count})


def dead_letters_by_reason(story: ScenarioResult) -> Counter[str]:
    """What stands in the dead-letter topic, by reason."""
    return Counter(text(letter.headers, REASON) for letter in story.letters)


def _published(story: ScenarioResult) -> Assertion:
    samples = len(story.samples)
    return Assertion(
        "every sample was published", story.published == samples, f"{story.published} of {samples}"
    )


def _accepted(story: ScenarioResult) -> Assertion:
    wanted = [sample for sample in story.samples if sample.expected == ACCEPTED]
    named = Counter(sample.event_id for sample in wanted if sample.event_id)
    ids = Counter(event["event_id"] for event in story.accepted)
    made_up = ids - named
    is_so = (
        named <= ids
        and made_up.total() == len(wanted) - named.total()
        and all(MADE_UP_ID.fullmatch(event_id) for event_id in made_up)
    )
    return Assertion(
        "Meta's stand-in accepted exactly those it should", is_so, f"{ids.total()} of {len(wanted)}"
    )


def _once(story: ScenarioResult) -> Assertion:
    return Assertion("each of them once", story.stats.repeats == 0, f"{story.stats.repeats} repeats")


def _dead_letters_right(story: ScenarioResult) -> Assertion:
    wanted = Counter(
        (sample.expected, sample.value) for sample in story.samples if sample.expected in INVALID_REASONS
    )
    found = Counter((text(letter.headers, REASON), letter.value or b"") for letter in story.letters)
    numbers = f"{found.total()} of {wanted.total()}"
    return Assertion("each bad event is a dead letter, to the byte", found == wanted, numbers)


def _filtered(story: ScenarioResult) -> Assertion:
    wanted, found = meant(story, FILTERED_REASONS), filtered(story)
    return Assertion("the rest was filtered, each for its reason", found == wanted, _both(found, wanted))


def _sum(story: ScenarioResult) -> Assertion:
    parts = (len(story.accepted), filtered(story).total(), len(story.letters))
    numbers = f"{story.published} = {' + '.join(map(str, parts))}"
    return Assertion("accepted + filtered + dead letters = published", sum(parts) == story.published, numbers)


def _fixed_record_right(story: ScenarioResult) -> Assertion:
    mended = story.mended
    original = orjson.loads(mended.letter.value or b"{}")
    wanted_id = original["integrations"]["facebook"]["event_id"]
    is_so = mended.published == 1 and [_identity(event) for event in mended.accepted] == [
        ("Purchase", wanted_id, CURRENCY)
    ]
    return Assertion(
        "the mended letter was accepted under its first id", is_so, f"{len(mended.accepted)} of 1"
    )


def _identity(event: AcceptedEvent) -> tuple[str, str, str]:
    return event["event_name"], event["event_id"], event.get("custom_data", {}).get("currency", "")


def _both(found: Mapping[str, int], wanted: Mapping[str, int]) -> str:
    return f"{sum(found.values())} of {sum(wanted.values())}"
