"""
Does it add up? The demo's judgement of itself.

What was meant is written beside each sample; what was accepted is what the
sandbox saw; what failed is what stands in the dead-letter topic. The consumer's
own counters are believed in nothing but the filtered reasons, which nobody
else can see, and those must fill exactly the gap that the others leave.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import orjson

from consumer.dead_letters.headers import REASON, text
from consumer.demo.environment import EVENTS
from consumer.demo.samples import ACCEPTED
from consumer.demo.scenario import CURRENCY, AcceptedEvent, ScenarioResult
from consumer.domain.decision import FILTERED_REASONS, INVALID_REASONS
from consumer.observability import metrics

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
