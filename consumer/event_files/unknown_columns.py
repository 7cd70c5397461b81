"""
Which columns of a CSV file nothing reads, and what was probably meant.

    email           did you mean user.email?
    usr.firstname   did you mean user.firstname?
    value           read
    loyalty.tier    read, when one of the user's own paths (a setting) leads there

An unknown property is no mistake in an event, which may have other readers. A
column is typed by hand for this file, so one that nothing reads is worth a word.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher, get_close_matches
from typing import Any

from consumer.event_files.csv_columns import NEW
from consumer.event_files.csv_events import OnHeader
from consumer.event_files.lines import FileWarning
from consumer.mapping.rules import Path, parse_path
from consumer.mapping.tables import EVENT_OBJECTS, KEY_OF_PATH

FACEBOOK = "integrations.facebook."
# Below these anything may stand, or a list.
OPEN = tuple(f"{FACEBOOK}{key}." for key in ("custom_data", "data_processing_options", *EVENT_OBJECTS))
HARMLESS = re.compile(r"[A-Za-z0-9_.*-]{1,100}")
LIKENESS = 0.75


def column_check(
    schema: Mapping[str, Any],
    custom_data_paths: Mapping[str, Collection[Path]],
    warn: Callable[[int, int, FileWarning], None],
) -> OnHeader:
    """What a reader of CSV tells the header to: `warn` hears of each column that nothing reads."""

    def check(line: int, names: Collection[str]) -> None:
        for remark in find_unknown_columns(names, schema, custom_data_paths):
            warn(line, line, remark)

    return check


def find_unknown_columns(
    names: Iterable[str], schema: Mapping[str, Any], custom_data_paths: Mapping[str, Collection[Path]]
) -> Iterator[FileWarning]:
    """One remark for each column by whose name nothing is read, with the likeliest path when there is one."""
    for name, meant in unknown_columns(names, schema, custom_data_paths):
        shown = name if HARMLESS.fullmatch(name) else "with a name of other signs"
        hint = f"; did you mean {meant}?" if meant else ""
        yield FileWarning(f"column {shown}", f"nothing reads it{hint}")


def unknown_columns(
    names: Iterable[str], schema: Mapping[str, Any], custom_data_paths: Mapping[str, Collection[Path]]
) -> Iterator[tuple[str, str | None]]:
    """The names, as dotted paths, that nothing reads, each with the likeliest path that is read."""
    known = {*KEY_OF_PATH, *_paths(schema, ())}
    own = [_dotted(path) for paths in custom_data_paths.values() for path in paths]
    typed = [path for path in _paths(schema, ()) if not path.startswith(FACEBOOK)]
    for name in names:
        path = _dotted(parse_path(name))
        if path.removesuffix(f".{NEW}") in known or path.startswith(OPEN) or _is_below(path, own):
            continue
        yield name, nearest(path, typed)


def nearest(path: str, known: Sequence[str]) -> str | None:
    """The known path most alike: of those with the same last step, else as a whole or by the last step."""
    whole, step = _plain(path), _plain(_last(path))
    same = [one for one in known if _plain(_last(one)) == step]
    if same:
        return max(same, key=lambda one: SequenceMatcher(None, whole, _plain(one)).ratio())
    for word, part in ((whole, str), (step, _last)):
        among = {_plain(part(one)): one for one in reversed(known)}  # the first of two wins
        if close := get_close_matches(word, among, 1, LIKENESS):
            return among[close[0]]
    return None


def _paths(schema: Mapping[str, Any], before: Path) -> Iterator[str]:
    for name, inner in schema.get("properties", {}).items():
        yield _dotted((*before, name))
        yield from _paths(inner, (*before, name))
    if isinstance(items := schema.get("items"), dict):
        yield from _paths(items, (*before, NEW))


def _dotted(path: Path) -> str:
    """A path with every place of a list as `*`."""
    return ".".join(NEW if isinstance(step, int) else step for step in path)


def _is_below(path: str, own: Iterable[str]) -> bool:
    return any(path == one or path.startswith(f"{one}.") for one in own)


def _last(path: str) -> str:
    return path.rpartition(".")[2]


def _plain(name: str) -> str:
    return re.sub(r"[_-]", "", name.lower())
