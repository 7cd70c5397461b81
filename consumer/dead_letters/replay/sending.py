"""
Letters given to the broker, a handful at a time, and which of them it did not take.

A handful is sent together and waited for to its last report: only then may any
letter of it be passed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from consumer.dead_letters.replay.way_back import ReplayRecord
from consumer.kafka.producer import RecordProducer

# Time for a partition to change its leader. librdkafka's own, 300 s, is long for a person who waits.
ACKNOWLEDGED_WITHIN_S = 60.0
TOO_LARGE = frozenset({"MSG_SIZE_TOO_LARGE", "RECORD_LIST_TOO_LARGE"})


class ReplaySender:
    """Letters given to the broker, and which of them it did not take."""

    def __init__(self, publisher: Callable[[Callable[[int, str], None]], RecordProducer]) -> None:
        self._errors: dict[int, str] = {}
        self._publisher = publisher(self._errors.__setitem__)

    def send(self, records: Sequence[ReplayRecord | None]) -> dict[int, str]:
        """Send what is one and wait for every report: index -> the error of one that did not arrive."""
        backs = {place: record for place, record in enumerate(records) if record is not None}
        errors = self._sent(backs)
        # The broker measures what travels together: one that is refused for
        # its size may only have had large company.
        for place in [place for place, error in errors.items() if error in TOO_LARGE]:
            del errors[place]
            errors |= self._sent({place: backs[place]})
        return errors

    def _sent(self, backs: Mapping[int, ReplayRecord]) -> dict[int, str]:
        self._errors.clear()
        for place, back in backs.items():
            self._publisher.send(*back, place=place)
        self._publisher.finish(ACKNOWLEDGED_WITHIN_S)
        return dict(self._errors)
