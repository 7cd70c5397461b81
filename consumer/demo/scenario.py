"""
What happens in the demo, in order.

    1  the samples are published
    2  the consumer brings each to its end
    3  the dead-letter topic is read
    4  one letter is exported, mended, published again, and accepted
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from consumer.clock import now_ms
from consumer.config.settings import Settings
from consumer.dead_letters.headers import REASON, text
from consumer.dead_letters.jsonl import to_line
from consumer.dead_letters.reader import open_dead_letters
from consumer.dead_letters.replay.sending import ReplaySender
from consumer.dead_letters.replay.validity import Recheck
from consumer.dead_letters.replay.way_back import open_replay_target
from consumer.demo.environment import DemoEnvironment
from consumer.demo.samples import Sample, shop_samples
from consumer.domain.decision import Reason
from consumer.domain.record import Record
from consumer.errors import CommandError
from consumer.event_files.lines import FoundEvent
from consumer.kafka.producer import open_producer
from consumer.mapping.event import parse
from consumer.observability.telemetry import Labels
from consumer.publish.dead_letters import dead_letter_validator, send_dead_letters
from consumer.publish.record_key import record_key
from consumer.publish.report import PublishReport
from consumer.publish.runner import PublishRunner
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
