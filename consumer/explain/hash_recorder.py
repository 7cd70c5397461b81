"""
What was hashed, for a person to read.

A digest cannot be read, and most questions about one are about the text behind
it. So the hasher of `explain` does what that of a batch does, and keeps the
normalised texts as well. Nothing but `explain` may use it.
"""

from __future__ import annotations

from collections.abc import Iterator

from consumer.mapping.normalize.fields import NormalizationContext, NormalizedValue, normalize
from consumer.mapping.normalize.hashing import BatchHasher, FieldDigests

ALREADY_HASHED = "(already hashed)"


class RecordingHasher(BatchHasher):
    """A hasher for one event. `texts` is key of `user_data` -> what was hashed for it."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: dict[str, tuple[str, ...]] = {}

    def hashed(
        self, key: str, value: object, circumstances: NormalizationContext, *, digests_only: bool = False
    ) -> FieldDigests:
        """As in a batch. The last source of a key that gives something is the one that is sent."""
        found = super().hashed(key, value, circumstances, digests_only=digests_only)
        if found.sent is not None:
            each = value if isinstance(value, list) else [value]
            self.texts[key] = tuple(dict.fromkeys(_texts(key, each, circumstances, digests_only)))
        return found


def _texts(
    key: str, values: list[object], circumstances: NormalizationContext, digests_only: bool
) -> Iterator[str]:
    for value in values:
        read = normalize(key, value, circumstances, digests_only=digests_only)
        if isinstance(read, NormalizedValue):
            yield ALREADY_HASHED if read.is_digest else read.text
