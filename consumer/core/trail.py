"""
What happened to an event on its way: notes, and for `explain` where each value came from.

One trail goes through a decision. Notes are always kept; sources only when
somebody asked, as nobody reads them when events are sent.
"""

from __future__ import annotations

from consumer.core.decision import Note, Notes, NoteWord

Sources = dict[str, str]


class Trail:
    """Notes, and `sources`: Meta key -> the path its value was read from, or None when nobody asks."""

    __slots__ = ("_notes", "sources")

    def __init__(self, sources: Sources | None = None) -> None:
        self._notes: list[Note] = []
        self.sources = sources

    def note(self, field: str, word: NoteWord) -> None:
        """One value is lost. `field` is a Meta key or a group's name, never a customer's key."""
        self._notes.append(Note(field, word))

    def came(self, field: str, path: str) -> None:
        """The value of `field` was read from `path`."""
        if self.sources is not None:
            self.sources[field] = path

    @property
    def notes(self) -> Notes:
        """What was lost so far, in order."""
        return tuple(self._notes)
