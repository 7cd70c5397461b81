"""
What is shown of a dead letter: why, when and from where, and nobody's data.

Reason, codes and places are headers that the consumer wrote. The event's name
is the customer's and may hold anything, so an e-mail address in it is masked.
Anybody who may write to the topic may have written any header, so each text is
cut, and rid of what would move a terminal's cursor.
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from consumer.dead_letters import headers as letter
from consumer.domain.record import ORIGIN_OFFSET, ORIGIN_PARTITION, ORIGIN_TOPIC, Record
from consumer.mapping.event import parse
from consumer.mapping.redaction import contains_email

MASKED = "*****"
NOTHING = "-"
TEXT_LENGTH_MAX = 60
# Distinct pairs of reason and event name that are counted one by one.
PAIRS_MAX = 1000
OTHERS = "(other names)"


class DeadLetterView(NamedTuple):
    """One row of a list of letters. Empty text where the letter does not say."""

    partition: int
    offset: int
    reason: str
    detail: str
    meta_code: str
    failed_at: str
    event_name: str
    origin: str
    replay_count: int


def view(record: Record) -> DeadLetterView:
    """What may be shown of a letter."""
    headers = record.headers
    codes = (letter.text(headers, letter.META_CODE), letter.text(headers, letter.META_SUBCODE))
    return DeadLetterView(
        record.partition.number,
        record.offset,
        reason(record),
        showable(letter.text(headers, letter.DETAIL)),
        showable("/".join(code for code in codes if code)),
        showable(letter.text(headers, letter.FAILED_AT)),
        event_name(record),
        _origin(record),
        letter.replay_count(headers),
    )


def reason(record: Record) -> str:
    """The word of its reason; `-` in a record that the consumer did not write."""
    return showable(letter.reason_of(record.headers)) or NOTHING


def event_name(record: Record) -> str:
    """The name in the event itself, as it may be shown; `-` where there is none to be read."""
    return showable(given_event_name(record)) or NOTHING


def given_event_name(record: Record) -> str:
    """The name in the event itself, whatever it holds; empty where there is none to be read."""
    event = parse(record.value or b"")
    name = event.get("event_name") if isinstance(event, dict) else None
    return name.strip() if isinstance(name, str) else ""


def showable(text: str) -> str:
    """A text of unknown writing as it may be printed: bounded, of one line, without an e-mail address."""
    if contains_email(text):
        return MASKED
    printable = "".join(character if character.isprintable() else "?" for character in text)
    return printable if len(printable) <= TEXT_LENGTH_MAX else printable[: TEXT_LENGTH_MAX - 1] + "…"


def _origin(record: Record) -> str:
    topic, number, offset = (
        letter.text(record.headers, name) for name in (ORIGIN_TOPIC, ORIGIN_PARTITION, ORIGIN_OFFSET)
    )
    # Each by itself: of a long topic a part may go, of an offset never.
    return "/".join(map(showable, (topic, number, offset))) if topic else ""


class DeadLetterTally:
    """Letters counted by reason and event name, in bounded memory."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()

    def count(self, record: Record) -> None:
        """Count one letter."""
        pair = (reason(record), event_name(record))
        if pair not in self._counts and len(self._counts) >= PAIRS_MAX:
            pair = (OTHERS, OTHERS)
        self._counts[pair] += 1

    @property
    def total(self) -> int:
        """How many letters were counted."""
        return self._counts.total()

    def rows(self) -> list[tuple[str, str, int]]:
        """(reason, event name, letters), most letters first."""
        ordered = sorted(self._counts.items(), key=lambda item: (-item[1], item[0]))
        return [(why, name, count) for (why, name), count in ordered]

    def reasons(self) -> list[str]:
        """Each reason once, that of the most letters first."""
        return list(dict.fromkeys(why for why, _, _ in self.rows()))

    def as_json(self) -> list[dict[str, object]]:
        """The rows as objects."""
        return [{"reason": why, "event_name": name, "letters": count} for why, name, count in self.rows()]


# Left out where no row has anything in them.

# As the consumer writes it; a stranger's header may say anything.
