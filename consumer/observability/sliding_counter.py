"""
What the last so many of something were, by word.

    add(a a b)   of size 4:   a a b       a: 2  b: 1
    add(b b)                  a b b b     a: 1  b: 3
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from typing import Generic, TypeVar

W = TypeVar("W", bound=Hashable)


class SlidingCounter(Generic[W]):
    """The last `size` words, counted."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._words: list[W] = []
        self._counts: Counter[W] = Counter()

    def append(self, words: Sequence[W]) -> None:
        """
        Put words in, the oldest first; as many of the oldest leave as are too many.

        Every record comes through here: `Counter` counts in C what it is given at once.
        """
        self._words += words
        self._counts.update(words)
        too_many = max(0, len(self._words) - self._size)
        self._counts.subtract(Counter(self._words[:too_many]))
        del self._words[:too_many]

    def count(self, words: Iterable[W]) -> int:
        """How many of the last were one of these (distinct) words."""
        return sum(self._counts[word] for word in words)

    def counts(self) -> dict[W, int]:
        """How many of each word there are."""
        return {word: count for word, count in self._counts.items() if count}

    @property
    def is_full(self) -> bool:
        """Whether there have been `size` words."""
        return len(self._words) == self._size

    def __len__(self) -> int:
        return len(self._words)
