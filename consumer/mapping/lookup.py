"""
The first source that is present and usable.

A Meta key has sources in an order, written as the documentation writes them:

    integrations.facebook.event_id  →  event_id  →  context.event_id

null is absent. A source that cannot be used counts as absent too, and leaves
a note, so that one bad value costs that value and never the event.

What happened to an event on its way: notes, and for `explain` where each value came from.

One trail goes through a decision. Notes are always kept; sources only when
somebody asked, as nobody reads them when events are sent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeVar, TypeVarTuple

from consumer.domain.decision import MappingWarning, MappingWarnings, WarningCode
from consumer.mapping.rules import Path
from consumer.mapping.values import InvalidValue


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


Object = Mapping[str, object]
T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class Source(NamedTuple):
    """Where a value is: a path as documented, the place of the event it lies in, and its key there."""

    path: str
    place: int
    key: str


def first_valid(
    field: str,
    sources: Sequence[Source],
    places: Sequence[Object],
    trail: MappingTrace,
    read: Callable[[object, *Ts], T | InvalidValue],
    *arguments: *Ts,
) -> T | None:
    """The first value that `read` can use, out of the `places` of an event; None when there is none."""
    for path, place, key in sources:
        value = places[place].get(key)
        if value is None:
            continue
        found = read(value, *arguments)  # as `usable` does, without a call for each value of each event
        if not isinstance(found, InvalidValue):
            trail.record_source(field, path)
            return found
        trail.record_warning(field, found.note, path)
    return None


def read_or_warn(
    field: str,
    value: object,
    trail: MappingTrace,
    read: Callable[[object, *Ts], T | InvalidValue],
    *arguments: *Ts,
    path: str = "",
) -> T | None:
    """
    What `read` makes of a value; None when it is absent, and with a note when it cannot be used.

    `path` is where the value stood.
    """
    if value is None:
        return None
    found = read(value, *arguments)
    if isinstance(found, InvalidValue):
        trail.record_warning(field, found.note, path)
        return None
    return found


def at_path(root: object, path: Path) -> object:
    """What lies at a user's own path; None when nothing does. A number steps into a list, or is a key."""
    found = root
    for step in path:
        if isinstance(found, dict):
            found = found.get(str(step))
        elif isinstance(found, list) and isinstance(step, int) and step < len(found):
            found = found[step]
        else:
            return None
    return found
