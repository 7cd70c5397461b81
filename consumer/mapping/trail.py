"""
What happened to an event on its way: notes, and for `explain` where each value came from.

One trail goes through a decision. Notes are always kept; sources only when
somebody asked, as nobody reads them when events are sent.
"""

from __future__ import annotations

from consumer.domain.decision import MappingWarning, MappingWarnings, WarningCode


class Provenance(dict[str, str]):
    """
    Meta key -> the path its value was read from.

    `lost` is Meta key -> the paths of values that could not be used, in order.
    """

    def __init__(self) -> None:
        super().__init__()
        self.invalid_paths: dict[str, list[str]] = {}


class MappingTrace:
    """Notes, and `sources`: where values were read, or None when nobody asks."""

    __slots__ = ("_notes", "sources")

    def __init__(self, sources: Provenance | None = None) -> None:
        self._notes: list[MappingWarning] = []
        self.sources = sources

    def record_warning(self, field: str, word: WarningCode, path: str = "") -> None:
        """
        One value is lost. `field` is a Meta key or a group's name, never a customer's key.

        `path` is where it stood, where that is one place; only `explain` hears of it.
        """
        self._notes.append(MappingWarning(field, word))
        if path and self.sources is not None:
            self.sources.invalid_paths.setdefault(field, []).append(path)

    def record_source(self, field: str, path: str) -> None:
        """The value of `field` was read from `path`."""
        if self.sources is not None:
            self.sources[field] = path

    @property
    def warnings(self) -> MappingWarnings:
        """What was lost so far, in order."""
        return tuple(self._notes)
